"""Stimuli for frozen networks: what each kind shows, against closed forms and what lies on the disk."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from apical.protocols.stimuli import StimulusError, load
from apical.protocols.stimuli.shown import array
from apical.protocols.stimuli.shown.sequence import Eye, Parameter
from apical.protocols.stimuli.shown.table import KINDS, settings_of, told
from PIL import Image

SHAPE = (3, 16, 16)


@dataclass(frozen=True)
class Own:
    """Stands for the run's images."""

    name: str
    train: object
    test: object
    shape: tuple = SHAPE


@pytest.fixture(scope="module")
def eye():
    stimulus = load("shapes", image_size=16, n_train=70, n_test=12)

    def glances(images, index, number):
        views = torch.stack([index, index + 1000]).flatten().float()
        shown = views[:, None, None, None].expand(-1, *SHAPE)
        return shown, {"turn": Parameter(views.numpy() * 2, "turn", "degree")}

    own = Own("shapes", stimulus.train, stimulus.test)
    return Eye(SHAPE, 7, own, lambda images: images.float() / 255, glances)


def drawn(word, eye, **given):
    shown = settings_of(word, given).show(eye)
    images = shown.draw(torch.arange(len(shown)))
    assert images.shape == (len(shown), *eye.shape)
    assert images.dtype == torch.float32
    assert all(p.values.shape == (len(shown),) and p.long_name and p.units for p in shown.parameters.values())
    assert shown.label.shape == shown.object.shape == (len(shown),)
    return shown, images


def orientation_of(image):
    """Direction of the strongest wave in an image, degrees, by its spectrum on a fine grid."""
    side = 256
    power = torch.fft.fft2(image.double(), s=(side, side)).abs()
    power[0, 0] = 0
    row, col = divmod(int(power.argmax()), side)
    y, x = ((k + side // 2) % side - side // 2 for k in (row, col))
    return math.degrees(math.atan2(y, x)) % 180


def test_a_grating_has_the_orientation_and_frequency_that_it_says(eye):
    shown, images = drawn("gratings", eye, orientations=12, frequencies="0.2", phases=2)
    for image, angle in zip(images, shown.parameters["orientation"].values, strict=True):
        found = orientation_of(image[0])
        assert min(abs(found - angle), 180 - abs(found - angle)) < 5
        assert torch.equal(image[0], image[2])
    assert sorted(set(shown.parameters["orientation"].values)) == [15.0 * k for k in range(12)]


def test_a_grating_equals_its_equation(eye):
    shown, images = drawn(
        "gratings", eye, orientations=3, frequencies="0.1,0.25", phases=4, contrasts="0.5,1", diameters="0,6"
    )
    assert len(shown) == 3 * 2 * 4 * 2 * 2
    p = {name: parameter.values for name, parameter in shown.parameters.items()}
    for i in range(0, len(shown), 5):
        x, y = np.meshgrid(np.arange(16) - 7.5, np.arange(16) - 7.5)
        theta, phase = np.radians(p["orientation"][i]), np.radians(p["spatial_phase"][i])
        wave = (
            2
            * p["contrast"][i]
            * np.sin(2 * np.pi * p["spatial_frequency"][i] * (x * np.cos(theta) + y * np.sin(theta)) + phase)
        )
        wave[2 * np.hypot(x, y) > (np.inf if np.isnan(p["diameter"][i]) else p["diameter"][i])] = 0
        np.testing.assert_allclose(images[i, 0], wave, atol=1e-6)


def test_every_square_is_shown_in_both_polarities(eye):
    shown, images = drawn("sparse-noise", eye, side=4, step=2, contrasts="0.5,1")
    p = {name: parameter.values for name, parameter in shown.parameters.items()}
    assert len(shown) == 7 * 7 * 2 * 2
    assert len(set(zip(p["square_row"], p["square_col"], p["polarity"], p["contrast"], strict=True))) == len(shown)
    for i, image in enumerate(images):
        expected = torch.zeros(16, 16)
        row, col = p["square_row"][i], p["square_col"][i]
        expected[row : row + 4, col : col + 4] = 2 * p["contrast"][i] * p["polarity"][i]
        assert torch.equal(image, expected.expand(3, 16, 16))


def test_white_noise_is_a_function_of_seed_and_frame(eye):
    shown, images = drawn("white-noise", eye, frames=400, deviation=0.5)
    again = shown.draw(torch.tensor([399, 3]))
    assert torch.equal(again, images[[399, 3]])
    assert torch.equal(images[:, 0], images[:, 1])
    assert abs(float(images.mean())) < 0.01
    assert abs(float(images.std()) - 0.5) < 0.01
    other, _ = drawn("white-noise", eye, frames=400, seed=8)
    assert not torch.equal(other.draw(torch.tensor([3])) * 0.5, images[3:4])
    _, squares = drawn("white-noise", eye, frames=4, side=4, distribution="binary", colour=True)
    assert set(squares.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(squares[:, :, ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3), squares)
    assert not torch.equal(squares[:, 0], squares[:, 1])


def test_frames_of_a_movie_follow_each_other(eye, tmp_path):
    for movie, count in (("a", 3), ("b", 11)):
        (tmp_path / movie).mkdir()
        for k in range(count):
            Image.new("RGB", (32, 24), (k * 20, 0, 0)).save(tmp_path / movie / f"frame{k}.png")
    shown, images = drawn(f"movie:{tmp_path}", eye)
    assert shown.object.tolist() == [0] * 3 + [1] * 11
    assert shown.parameters["frame"].values.tolist() == [*range(3), *range(11)]  # frame10 after frame9
    torch.testing.assert_close(images[:, 0, 0, 0] * 255, torch.tensor([0, 20, 40, *range(0, 220, 20)]).float())
    every, _ = drawn(f"movie:{tmp_path}", eye, every=2)
    assert every.parameters["frame"].values.tolist() == [0, 2, 0, 2, 4, 6, 8, 10]
    assert len(drawn(f"movie:{tmp_path / 'a'}", eye)[0]) == 3


def test_arrays_are_pictures_or_input(eye, tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 3, 16, 16), dtype=np.uint8)
    np.save(tmp_path / "pictures.npy", pictures)
    shown, images = drawn(f"array:{tmp_path / 'pictures.npy'}", eye)
    np.testing.assert_allclose(images, pictures / np.float32(255), rtol=1e-6)
    assert shown.label.tolist() == [-1] * 5
    np.save(tmp_path / "grey.npy", pictures[:, 0].astype(np.float64))
    _, grey = drawn(f"array:{tmp_path / 'grey.npy'}", eye)
    np.testing.assert_array_equal(grey, np.repeat(pictures[:, :1], 3, 1).astype(np.float32))
    last = array.shown(np.moveaxis(pictures, 1, 3), eye, {})
    assert torch.equal(last.draw(torch.arange(5)), images)


def test_images_of_the_run_are_shown_with_their_labels(eye):
    shown, images = drawn("own", eye, part="train")
    train = eye.stimulus.train
    assert torch.equal(images, train.images / 255)
    assert shown.label.tolist() == train.labels.tolist()
    some, _ = drawn("shapes", eye, part="train", count=10)
    number = some.parameters["image_id"].values
    assert len(set(some.label)) == 10
    assert some.label.tolist() == train.labels[torch.from_numpy(number)].tolist()
    assert sorted(number) == number.tolist()


def test_views_of_an_image_follow_each_other(eye):
    shown, images = drawn("own", eye, part="train", views=True)
    number = torch.arange(70).repeat_interleave(2)
    assert torch.equal(torch.from_numpy(shown.parameters["image_id"].values), number)
    assert shown.object.tolist() == number.tolist()
    assert shown.parameters["glance"].values.tolist() == [0, 1] * 70
    assert images[:, 0, 0, 0].tolist() == [k + 1000 * g for k in range(70) for g in (0, 1)]
    assert shown.parameters["turn"].values.tolist() == [2 * (k + 1000 * g) for k in range(70) for g in (0, 1)]


def test_arrays_of_another_data_set_are_shown(eye, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", images=images, labels=np.arange(20) % 2)
    shown, found = drawn(f"npz:{tmp_path / 'x.npz'}", eye, part="train")
    assert len(shown) == 16
    assert set(shown.label) == {0, 1}
    assert torch.equal(found[:, 0], found[:, 2])


@pytest.mark.parametrize(("word", "given", "words"), [
    ("grating", {}, ["record.stimulus", "did you mean 'gratings'?"]),
    ("movie", {}, ["movie:PATH", "give the path"]),
    ("npz", {}, ["npz:PATH"]),
    ("gratings:8", {}, ["record.stimulus", "'gratings:8'"]),
    ("gratings", {"orientation": 3}, ["gratings.setting", "did you mean 'orientations'?"]),
    ("gratings", {"orientations": "many"}, ["gratings.orientations", "a whole number", "'many'"]),
    ("gratings", {"orientations": 0}, ["gratings.orientations", "1 to 3600"]),
    ("gratings", {"frequencies": "0.1,0.7"}, ["gratings.frequencies", "0 to 0.5", "0.7"]),
    ("gratings", {"frequencies": "low"}, ["gratings.frequencies", "numbers between commas"]),
    ("gratings", {"contrasts": "nan"}, ["gratings.contrasts", "nan"]),
    ("sparse-noise", {"side": 17}, ["sparse-noise.side", "1 to 16"]),
    ("white-noise", {"side": 5}, ["white-noise.side", "divisor of 16"]),
    ("white-noise", {"distribution": "cauchy"}, ["white-noise.distribution", "gaussian, binary"]),
    ("white-noise", {"colour": "maybe"}, ["white-noise.colour", "true or false"]),
    ("movie:/nowhere", {}, ["movie.path", "/nowhere"]),
    ("array:/nowhere.npy", {}, ["array.path", "/nowhere.npy"]),
    ("own", {"part": "tset"}, ["images.part", "did you mean 'test'?"]),
    ("own", {"count": 13}, ["images.count", "0 to 12"]),
], ids=str)  # fmt: skip
def test_misuse_is_told(eye, word, given, words):
    with pytest.raises(StimulusError) as refused:
        settings_of(word, given).show(eye)
    assert all(text in str(refused.value) for text in words), str(refused.value)


def test_arrays_that_do_not_fit_are_refused(eye, tmp_path):
    for values, words in (
        (np.zeros((4, 3, 8, 8)), "expected (images, 3, 16, 16), got (4, 3, 8, 8)"),
        (np.zeros((0, 3, 16, 16)), "got (0, 3, 16, 16)"),
        (np.zeros((4, 3, 16, 16), np.int64), "uint8 pictures or floating input"),
        (np.full((4, 3, 16, 16), np.nan), "finite"),
    ):
        with pytest.raises(StimulusError) as refused:
            array.shown(values, eye, {})
        assert words in str(refused.value)
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(StimulusError, match=r"expected a \.npy array"):
        settings_of(f"array:{tmp_path / 'text.npy'}", {}).show(eye)
    Image.new("L", (4, 4)).save(tmp_path / "one.png")
    with pytest.raises(StimulusError, match=r"movie\.path: expected frames"):
        (tmp_path / "empty").mkdir()
        settings_of(f"movie:{tmp_path / 'empty'}", {}).show(eye)


def test_every_kind_tells_its_settings():
    for kind in KINDS.values():
        assert kind.description
        assert kind.own in ("", *told(kind))


@pytest.mark.parametrize("value", [1e39, -1e300, np.nan, np.inf])
def test_numbers_that_the_network_cannot_be_shown_are_refused(eye, value):
    values = np.zeros((3, *SHAPE))
    values[2, 0, 1, 1] = value
    with pytest.raises(StimulusError, match="finite numbers within float32"):
        array.shown(values, eye, {})
    assert array.shown(np.full((1, *SHAPE), 3e38), eye, {}).draw(torch.tensor([0])).isfinite().all()

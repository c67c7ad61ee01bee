"""numpy archives: layouts and every refusal."""

import numpy as np
import pytest
from apical.protocols.stimuli.datasets.npz import load_npz
from apical.protocols.stimuli.errors import StimulusError

RNG = np.random.default_rng(0)
LABELS = np.arange(20) % 4


def pixels(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def save(tmp_path, **arrays):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((20, 8, 9, 3), (3, 8, 9)), ((20, 3, 8, 9), (3, 8, 9)), ((20, 8, 9, 1), (1, 8, 9)), ((20, 8, 9), (1, 8, 9))],
)
def test_layouts(tmp_path, shape, expected):
    images = pixels(*shape)
    train, test = load_npz(save(tmp_path, images=images, labels=LABELS, test_images=images[:4], test_labels=LABELS[:4]))
    assert train.shape == test.shape == expected and len(train) == 20 and len(test) == 4
    assert train.labels.tolist() == LABELS.tolist() and train.classes == ("0", "1", "2", "3")
    channels_first = images.transpose(0, 3, 1, 2) if shape[-1] in (1, 3) else images.reshape(20, *expected)
    assert np.array_equal(train.images.numpy(), channels_first)


def test_without_a_test_part_a_fifth_is_held_out(tmp_path):
    path = save(tmp_path, images=pixels(20, 3, 8, 8), labels=LABELS)
    train, test = load_npz(path, seed=1)
    assert (len(train), len(test)) == (16, 4) and sorted(test.labels.tolist()) == [0, 1, 2, 3]
    assert load_npz(path, seed=1)[1].fingerprint == test.fingerprint


IMAGES = pixels(20, 3, 8, 8)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"images": IMAGES}, r"expected keys images and labels, got \['images'\]; add labels"),
        ({"x": IMAGES, "labels": LABELS}, r"got \['labels', 'x'\]; add images"),
        ({"images": IMAGES / 255.0, "labels": LABELS}, r"images: expected uint8, got float64; "),
        ({"images": IMAGES[0, 0], "labels": LABELS}, r"images: expected uint8 \(N, 1 or 3, H, W\)"),
        ({"images": pixels(20, 8, 8, 4), "labels": LABELS}, r"images: expected uint8 \(N, 1 or 3, H, W\)"),
        ({"images": pixels(20, 3, 8, 3), "labels": LABELS}, r"the channel axis is ambiguous"),
        ({"images": IMAGES, "labels": LABELS[:3]}, r"labels: expected one for each of 20 images, got \(3,\); "),
        ({"images": IMAGES, "labels": LABELS * 0.5}, r"labels: expected integers \(N,\), got float64"),
        ({"images": IMAGES, "labels": LABELS - 2}, r"labels: expected -1 \(unlabelled\) to 1, got -2 to 1; "),
        ({"images": IMAGES, "labels": LABELS + 10**6}, r"labels: expected class numbers below 65536"),
        ({"images": IMAGES, "labels": LABELS, "test_images": IMAGES}, r"expected test_images and test_labels together"),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": pixels(4, 3, 9, 9), "test_labels": LABELS[:4]},
            r"test_images: expected \(3, 8, 8\) as in images, got \(3, 9, 9\); ",
        ),
    ],
)
def test_refusals(tmp_path, arrays, match):
    with pytest.raises(StimulusError, match=match) as caught:
        load_npz(save(tmp_path, **arrays))
    assert caught.value.exit_code == 1 and str(caught.value).startswith("npz:") and "\n" not in str(caught.value)


class Payload:
    def __reduce__(self):
        return (print, ("executed",))


def test_pickled_objects_are_never_loaded(tmp_path, capsys):
    path = save(tmp_path, images=np.array([Payload()], dtype=object), labels=LABELS)
    with pytest.raises(StimulusError, match=r"expected a numpy archive \(\.npz\) of plain arrays, got Object arrays"):
        load_npz(path)
    assert "executed" not in capsys.readouterr().out


def test_files_of_another_kind(tmp_path):
    path = tmp_path / "data.npz"
    with pytest.raises(
        StimulusError, match=r"expected a numpy archive of images uint8 \(N, H, W, C\), labels .*, got no file; "
    ):
        load_npz(path)
    for content in (b"", b"no archive", b"PK\x03\x04 broken"):
        path.write_bytes(content)
        with pytest.raises(
            StimulusError, match=r"expected a numpy archive .*, got .*; save it with np\.savez: images uint8 \(N"
        ):
            load_npz(path)
    np.save(tmp_path / "one.npy", IMAGES)
    with pytest.raises(StimulusError, match=r"got a single array; "):
        load_npz(tmp_path / "one.npy")


def test_a_truncated_archive(tmp_path):
    path = save(tmp_path, images=IMAGES, labels=LABELS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StimulusError, match=r"expected a numpy archive"):
        load_npz(path)
    damaged = bytearray(whole)
    damaged[len(whole) // 3] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(StimulusError, match=r"expected a numpy archive"):
        load_npz(path)

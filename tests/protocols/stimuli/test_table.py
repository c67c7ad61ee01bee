"""Loading a stimulus by name."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from apical.protocols.stimuli import Stimulus, StimulusError, load


@pytest.fixture
def archive(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "data.npz"
    np.savez(path, images=rng.integers(0, 256, (40, 3, 16, 16), dtype=np.uint8), labels=np.arange(40) % 4)
    return f"npz:{path}"


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_contract(stimulus: Stimulus) -> None:
    channels, height, width = stimulus.shape
    index = torch.tensor([0, 3, 1])
    before = torch.random.get_rng_state()
    views = stimulus.glances(index, generator())
    assert torch.equal(before, torch.random.get_rng_state())
    assert views.shape == (6, channels, height, width) and views.dtype == torch.float32
    assert torch.equal(views, stimulus.glances(index, generator()))
    assert not torch.equal(views[:3], views[3:])
    still = stimulus.still(stimulus.test.images[:2])
    assert still.shape == (2, channels, height, width) and still.dtype == torch.float32
    assert stimulus.train.images.dtype == torch.uint8 and stimulus.train.fingerprint != stimulus.test.fingerprint


def test_shapes_keep_the_contract():
    stimulus = load("shapes", n_train=30, n_test=10, image_size=16, seed=2)
    assert stimulus.name == "shapes" and len(stimulus.train) == 30 and stimulus.shape == (3, 16, 16)
    check_contract(stimulus)


def test_archives_keep_the_contract(archive):
    stimulus = load(archive, n_train=12, n_test=4, seed=2)
    assert stimulus.name == archive and (len(stimulus.train), len(stimulus.test)) == (12, 4)
    assert torch.bincount(stimulus.train.labels).tolist() == [3] * 4
    check_contract(stimulus)
    assert load(archive, image_size=24).shape == (3, 24, 24)


def test_folders_keep_the_contract(tmp_path):
    from PIL import Image

    for name in "ab":
        (tmp_path / name).mkdir()
        for k in range(5):
            pixels = np.random.default_rng(k).integers(0, 256, (12, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    stimulus = load(f"folder:{tmp_path}")
    assert stimulus.shape == (1, 12, 12) and stimulus.train.classes == ("a", "b")
    check_contract(stimulus)


def test_crop_scale_reaches_the_views(archive):
    whole, parts = (
        load(archive, crop_scale=scale).glances(torch.arange(30), generator()) for scale in ((1, 1), (0.1, 0.1))
    )
    roughness = [v.diff(dim=3).abs().mean() for v in (whole, parts)]
    assert roughness[1] < 0.7 * roughness[0]


@pytest.mark.parametrize(("name", "nearest"), [("shape", "shapes"), ("cifar-10", "cifar10"), ("MNIST", "mnist")])
def test_unknown_names_list_the_known_and_the_nearest(name, nearest):
    with pytest.raises(
        StimulusError, match=rf"shapes, cifar10, cifar100, mnist, .* got '{name}'; did you mean '{nearest}'\?"
    ) as caught:
        load(name)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["folder", "npz:", "shapes:x", "folder:", ""])
def test_incomplete_names_are_refused(name):
    with pytest.raises(StimulusError, match=r"^stimulus: expected one of shapes") as caught:
        load(name)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("shapes", {"crop_scale": (0.2, 1.0)}, 2),
        ("cifar10", {"crop_scale": (0.0, 1.0)}, 2),
        ("cifar10", {}, 1),
        ("mnist", {}, 1),
        ("npz:/no/such/file.npz", {}, 1),
        ("folder:/no/such/folder", {}, 1),
    ],
)
def test_errors_carry_their_exit_code(tmp_path, name, options, code):
    with pytest.raises(StimulusError, match=r": expected .*, got .*; ") as caught:
        load(name, data_dir=tmp_path, **options)
    assert caught.value.exit_code == code


def test_too_many_images_are_refused(archive):
    with pytest.raises(StimulusError, match=r"train\.subset: expected 1 to 32 images, got 100; ") as caught:
        load(archive, n_train=100)
    assert caught.value.exit_code == 2


def test_the_environment_names_the_data_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("APICAL_DATA", str(tmp_path / "here"))
    with pytest.raises(StimulusError, match="here"):
        load("mnist")
    with pytest.raises(StimulusError, match="there"):
        load("mnist", data_dir=tmp_path / "there")


def test_file_checks_need_no_torch():
    code = "import sys, apical.protocols.stimuli.datasets.fetch as d; d.list_datasets('/nowhere'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_package_names_what_it_lacks():
    import apical.protocols.stimuli as stimuli

    with pytest.raises(AttributeError, match="nonsense"):
        stimuli.nonsense  # noqa: B018
    assert all(hasattr(stimuli, name) for name in stimuli.__all__)


@pytest.mark.gpu
def test_images_live_on_the_device():
    stimulus = load("shapes", n_train=30, n_test=10, device="cuda")
    views = stimulus.glances(torch.tensor([0, 1]), generator())
    reference = load("shapes", n_train=30, n_test=10).glances(torch.tensor([0, 1]), generator())
    assert views.is_cuda
    torch.testing.assert_close(views.cpu(), reference, rtol=0, atol=1e-4)


def test_held_out_images_take_the_place_of_the_test_images(archive):
    whole, chosen, again = load(archive), load(archive, held_out=8), load(archive, held_out=8)
    pictures = {image.numpy().tobytes() for image in whole.train.images}
    learnt, tested = ({i.numpy().tobytes() for i in part.images} for part in (chosen.train, chosen.test))
    assert len(chosen.train) == len(whole.train) - 8
    assert len(chosen.test) == 8
    assert learnt | tested == pictures
    assert not learnt & tested
    assert (again.train.fingerprint, again.test.fingerprint) == (chosen.train.fingerprint, chosen.test.fingerprint)
    assert load(archive, held_out=8, seed=1).test.fingerprint != chosen.test.fingerprint
    assert len(load(archive, held_out=8, n_train=10).train) == 10


def test_pixels_may_stay_from_0_to_1(archive):
    whole = load(archive, normalised=False)
    torch.testing.assert_close(whole.still(whole.test.images), whole.test.images / 255)
    with pytest.raises(StimulusError, match=r"shapes\.normalised: expected true, got false"):
        load("shapes", n_train=10, n_test=4, normalised=False)


@pytest.mark.parametrize(("name", "count"), [("archive", 32), ("archive", 1), ("shapes", 100)])
def test_what_cannot_be_held_out_is_refused(archive, name, count):
    with pytest.raises(StimulusError, match=r"held_out: expected .*, got .*; ") as caught:
        load(archive if name == "archive" else name, held_out=count)
    assert caught.value.exit_code == 2


def test_held_out_images_have_labels(tmp_path):
    images = np.arange(60 * 8 * 8, dtype=np.uint8).reshape(60, 8, 8, 1)
    labels = np.where(np.arange(60) < 20, np.arange(60) % 2, -1)
    np.savez(tmp_path / "own.npz", images=images, labels=labels, test_images=images[:4], test_labels=labels[:4])
    found = load(f"npz:{tmp_path / 'own.npz'}", held_out=6)
    assert sorted(found.test.labels.tolist()) == [0, 0, 0, 1, 1, 1]
    assert (len(found.train), int((found.train.labels >= 0).sum())) == (54, 14)

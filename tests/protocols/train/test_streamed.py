"""A run on streamed images is the run on the same images held: weights, recording, read-out."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from apical.models.engine import checkpoint
from apical.protocols.probe.run import probe
from apical.protocols.settings.load import load, resume
from apical.protocols.stimuli.pixels import Mapped
from apical.protocols.train.loop import Run
from apical.protocols.train.run import train
from PIL import Image
from safetensors.torch import load_file
from small_runs import make_run


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    root, draws = tmp_path_factory.mktemp("streamed") / "images", np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 8)):
        for name in ("ant", "bee"):
            (root / part / name).mkdir(parents=True)
            for k in range(count):
                pixels = Image.fromarray(draws.integers(0, 256, (5, 5, 3), np.uint8))
                pixels.resize((16, 16), Image.Resampling.BICUBIC).save(root / part / name / f"{k}.jpg")
    (root / "train" / "ant" / "broken.jpg").write_text("no image")
    return root


def settings(photographs, **training):
    stimulus = {
        "name": f"folder:{photographs}",
        "unreadable": "leave-out",
        "image_size": None,
        "n_train": None,
        "n_test": None,
    }
    given = {f"stimulus__{k}": v for k, v in stimulus.items()} | {f"training__{k}": v for k, v in training.items()}
    return given | {"training__epochs": 3, "recording__probe": 4, "recording__probe_every": 4}


@pytest.fixture(scope="module")
def runs(photographs, tmp_path_factory, measured):
    """The same run held, streamed, and streamed in two parts of which the second is held."""
    folder = tmp_path_factory.mktemp("runs")
    held = make_run(folder / "held", **settings(photographs))
    streamed = make_run(folder / "streamed", **settings(photographs, hold=0))
    parts = folder / "parts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_judge", stop_at(7))
        with pytest.raises(KeyboardInterrupt):
            make_run(parts, **settings(photographs, hold=0, checkpoint_every=3))
    train(resume(parts, None, ["training.hold=4096"]), parts, resume=True, progress=False)
    return held, streamed, parts


def stop_at(step):
    judged = Run._judge

    def judge(run):
        if run.step >= step:
            raise KeyboardInterrupt
        return judged(run)

    return judge


def weights(run):
    (newest,) = checkpoint.found(run / "checkpoints")[-1:]
    return {
        f"{file.name}/{name}": value for file in newest.glob("*.safetensors") for name, value in load_file(file).items()
    }


def test_weights_and_moments_are_equal_bit_for_bit(runs):
    held, *others = (weights(run) for run in runs)
    assert held
    for other in others:
        assert held.keys() == other.keys()
        assert all(torch.equal(value, other[name]) for name, value in held.items())


def test_so_is_what_was_recorded(runs):
    held, *others = (run / "recording.zarr" for run in runs)
    for group in ("activity/conv3", "metrics"):
        one = xr.open_zarr(held, group=group, consolidated=False).load()
        for other in others:
            xr.testing.assert_equal(one, xr.open_zarr(other, group=group, consolidated=False).load())


def test_what_was_left_out_is_told(runs):
    for run in runs:
        attributes = json.loads((run / "recording.zarr" / "zarr.json").read_text())["attributes"]
        assert attributes["stimulus"]["left_out_train"] == ["train/ant/broken.jpg"]


def test_so_is_the_read_out(runs):
    held, streamed = (probe(run, progress=False) for run in runs[:2])
    for name in ("accuracy", "accuracy_random", "accuracy_pixels", "n_train", "n_test"):
        assert held[name] == streamed[name], name


def test_only_training_images_are_read_ahead(photographs, tmp_path, monkeypatch, measured):
    """Every batch but the first was on its way when it was asked for."""
    seen, read = [], Mapped.__getitem__

    def noted(images, rows):
        if isinstance(rows, torch.Tensor) and len(rows) == 8:
            seen.append(images._chosen(rows).tobytes() in images._ahead)
        return read(images, rows)

    monkeypatch.setattr(Mapped, "__getitem__", noted)
    make_run(tmp_path / "run", **settings(photographs, hold=0))
    assert sum(seen) >= 14 and len(seen) - sum(seen) <= 1


def test_leaving_out_is_for_image_files(tmp_path):
    from apical.protocols.errors import ConfigError

    with pytest.raises(
        ConfigError,
        match=r"stimulus\.unreadable: expected refuse, since shapes is not read from image files, got leave-out",
    ):
        load("demo", ["stimulus.unreadable=leave-out"])

"""STL-10 files: order of pixels, unlabelled images, damage, and learning from them."""

import numpy as np
import pytest
import torch
from apical.protocols.probe.run import probe
from apical.protocols.settings.load import load as load_config
from apical.protocols.stimuli import StimulusError, load
from apical.protocols.stimuli.datasets.stl10 import load_stl10
from apical.protocols.stimuli.datasets.table import DATASETS
from apical.protocols.train.run import train
from official_files import lay_out

COUNT = {"unlabeled": 12, "train": 20, "test": 10}


def pictures(split: str) -> np.ndarray:
    """What is meant, (N, 3, row, column)."""
    return np.random.default_rng(len(split)).integers(0, 256, (COUNT[split], 3, 96, 96), dtype=np.uint8)


def content(name: str) -> bytes:
    split, kind = name.removesuffix(".bin").split("_")
    if kind == "y":
        return bytes(1 + k % 10 for k in range(COUNT[split]))
    return np.ascontiguousarray(pictures(split).swapaxes(2, 3)).tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return lay_out(
        tmp_path,
        monkeypatch,
        "stl10",
        DATASETS["stl10"].layouts[0],
        {name: content(name) for name in DATASETS["stl10"].layouts[0].md5},
    )


def test_rows_and_columns_are_not_exchanged(folder):
    train, test = load_stl10(folder.parent)
    assert train.shape == (3, 96, 96) and (len(train), len(test)) == (32, 10)
    assert np.array_equal(train.images[:12].numpy(), pictures("unlabeled"))
    assert np.array_equal(train.images[12:].numpy(), pictures("train"))
    assert np.array_equal(test.images.numpy(), pictures("test"))


def test_unlabelled_images_come_first_and_have_no_class(folder):
    train, test = load_stl10(folder.parent)
    assert train.labels.tolist() == [-1] * 12 + [k % 10 for k in range(20)]
    assert test.labels.tolist() == list(range(10))
    assert len(train.labelled()) == 20 and train.classes[0] == "airplane" and train.classes[9] == "truck"


def test_sizes_in_the_table_are_those_of_whole_images():
    assert all(size % 27_648 == 0 for name, size in DATASETS["stl10"].layouts[0].size.items() if "_X" in name)
    assert set(DATASETS["stl10"].layouts[0].size) == set(DATASETS["stl10"].layouts[0].md5)


@pytest.mark.parametrize("name", list(DATASETS["stl10"].layouts[0].md5))
def test_damage_is_named(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(StimulusError, match=f"{name}: expected MD5") as caught:
        load_stl10(folder.parent)
    assert caught.value.exit_code == 1


def test_a_run_learns_from_all_and_is_read_out_on_the_labelled(folder, tmp_path):
    small = ("network.width=0.03125", "stimulus.image_size=32", "rule.grids=[8,4,4,4,2,1]", "training.epochs=1", "training.batch=8",
             "training.threads=1", "training.device=cpu", "recording.enabled=false", "probe.penalties=[1.0]")  # fmt: skip
    result = train(load_config("stl10-dfb", list(small)), tmp_path / "run", data_dir=folder.parent, progress=False)
    found = probe(tmp_path / "run", data_dir=folder.parent, progress=False)
    assert result["steps"] == 4 and (found["n_train"], found["n_test"]) == (20, 10)


def test_views_of_stl10_are_cropped_smaller_than_those_of_cifar(folder):
    stimulus = load("stl10", data_dir=folder.parent, image_size=24)
    assert stimulus.settings.crop_scale == (0.08, 1.0)
    assert torch.isfinite(stimulus.glances(torch.arange(3), torch.Generator().manual_seed(0))).all()

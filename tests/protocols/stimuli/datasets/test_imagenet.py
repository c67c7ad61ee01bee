"""ImageNet and Tiny ImageNet in the layouts of their authors, made small."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from apical.protocols.command.main import main
from apical.protocols.stimuli import StimulusError, load
from apical.protocols.stimuli.datasets.fetch import fetch, list_datasets, verify
from apical.protocols.stimuli.datasets.imagenet import load_imagenet, load_tiny_imagenet
from apical.protocols.stimuli.datasets.table import DATASETS
from apical.protocols.stimuli.pixels import Mapped
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "prepared"))
from trees import write_images

CLASSES = ("n01440764", "n01443537")


@pytest.fixture
def data(tmp_path):
    """A data directory with two classes of either."""
    for seed, name in enumerate(CLASSES):
        write_images(tmp_path / "imagenet/train" / name, 3, side=50 + seed, seed=seed, suffix="JPEG")
        write_images(tmp_path / "imagenet/val" / name, 2, side=40, seed=seed + 5, suffix="JPEG")
        write_images(tmp_path / "tiny-imagenet-200/train" / name / "images", 3, side=64, seed=seed, suffix="JPEG")
        (tmp_path / "tiny-imagenet-200/train" / name / f"{name}_boxes.txt").write_text("0.JPEG\t0\t0\t9\t9")
    write_images(tmp_path / "tiny-imagenet-200/val/images", 4, side=64, seed=9, suffix="JPEG")
    write_images(tmp_path / "tiny-imagenet-200/test/images", 1, side=64, suffix="JPEG")
    lines = [f"{k:03}.JPEG\t{CLASSES[k < 3]}\t0\t0\t9\t9" for k in (2, 0, 3, 1)]
    (tmp_path / "tiny-imagenet-200/val/val_annotations.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_imagenet_is_cut_to_one_size(data):
    train, test = load_imagenet(data)
    assert train.shape == (3, 224, 224) and train.classes == CLASSES
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1] and test.labels.tolist() == [0, 0, 1, 1]
    assert load_imagenet(data, image_size=32)[1].shape == (3, 32, 32)


def test_tiny_imagenet_is_read_by_its_annotations(data):
    train, test = load_tiny_imagenet(data)
    assert train.shape == (3, 64, 64) and train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert test.labels.tolist() == [1, 1, 0, 1]  # in the order of the lines: 2, 0, 3, 1


def test_either_is_a_stimulus_with_published_statistics(data, monkeypatch, tmp_path):
    monkeypatch.setenv("APICAL_CACHE", str(tmp_path / "cache"))
    seen = load("imagenet", data_dir=data, image_size=16, hold=0)
    assert isinstance(seen.train.images, Mapped) and seen.normalisation.mean == (0.485, 0.456, 0.406)
    assert load("tiny-imagenet", data_dir=data).normalisation.std == (0.2302, 0.2265, 0.2262)


def test_flat_validation_images_get_their_classes_by_a_file(data):
    val = data / "imagenet/val"
    for name in CLASSES:
        for file in (val / name).iterdir():
            file.rename(val / f"{name}-{file.name}")
        (val / name).rmdir()
    with pytest.raises(
        StimulusError,
        match=r"val: expected a folder for each class, val/n01440764/\*\.JPEG, got 4 images without classes; .*val_annotations\.txt",
    ):
        load_imagenet(data)
    (val / "val_annotations.txt").write_text("".join(f"{n}-{k:03}.JPEG\t{n}\n" for n in CLASSES for k in (0, 1)))
    assert load_imagenet(data, image_size=16)[1].labels.tolist() == [0, 0, 1, 1]


def annotate(text):
    return lambda root: (root / "tiny-imagenet-200/val/val_annotations.txt").write_text(text)


@pytest.mark.parametrize(("spoil", "message"), [
    (annotate("000.JPEG n01440764\n"), r"val_annotations\.txt, line 1: expected a file name, a tabulator and a class of train, got '000"),
    (annotate("000.JPEG\tn9\n"), r"line 1: expected a file name, a tabulator and a class of train"),
    (annotate("009.JPEG\tn01440764\n"), r"expected a line for an image each, got none at .*val/images/009\.JPEG"),
    (annotate(""), r"expected a line for an image each, got no line"),
    (lambda root: shutil.rmtree(root / "tiny-imagenet-200/train/n01440764"), r"train: expected a folder for each class, got 1"),
    (lambda root: shutil.rmtree(root / "tiny-imagenet-200/val"), r"tiny-imagenet: expected train and val in .*, got .*tiny-imagenet-200 without both; unpack"),
])  # fmt: skip
def test_what_is_laid_out_otherwise_is_refused(data, spoil, message):
    spoil(data)
    with pytest.raises(StimulusError, match=message):
        load_tiny_imagenet(data)


def test_validation_folders_are_those_of_train(data):
    (data / "imagenet/val/n01440764").rename(data / "imagenet/val/n9")
    with pytest.raises(StimulusError, match="expected class folders of train, got 'n9'"):
        load_imagenet(data)


def test_they_are_listed_counted_and_not_fetched(data, tmp_path):
    listed = {entry["name"]: entry for entry in list_datasets(data)}
    assert listed["imagenet"]["status"] == "present" and listed["imagenet"]["path"] == str(data / "imagenet")
    assert {e["status"] for e in list_datasets(tmp_path / "none") if DATASETS[e["name"]].files} == {"absent"}
    told = verify("tiny-imagenet", data)
    assert not told["ok"] and "expected 100,000 train images, got 6" in told["files"][0]["problem"]
    with pytest.raises(
        StimulusError, match=r"data\.imagenet: expected a data set that can be downloaded, got one from image-net\.org"
    ):
        fetch("imagenet", data)


def test_the_command_prepares_them(data, tmp_path, monkeypatch):
    monkeypatch.setenv("APICAL_CACHE", str(tmp_path / "cache"))
    command = ["data", "prepare", "tiny-imagenet", "--data-dir", str(data), "--workers", "1", "--json", "--quiet"]
    found = CliRunner().invoke(main, command)
    assert found.exit_code == 0, found.output
    (told,) = json.loads(found.stdout)["datasets"]
    assert told["images"] == {"train": 6, "test": 4} and told["decoded"] and told["shape"] == [3, 64, 64]
    (data / "tiny-imagenet-200/train/n01440764/images/001.JPEG").write_text("none")
    found = CliRunner().invoke(main, command)
    assert found.exit_code == 2 and "001.JPEG: expected a readable image, got UnidentifiedImageError" in found.stderr
    found = CliRunner().invoke(main, [*command, "--unreadable", "leave-out"])
    assert json.loads(found.stdout)["datasets"][0]["unreadable"] == 1

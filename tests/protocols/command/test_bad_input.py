"""Bad input through the real command: one line with what was expected, the exit code, and nothing written."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import zarr
from apical.protocols.command.main import main
from click.testing import CliRunner
from PIL import Image

TRAIN = ("train", "small.yaml", "--quiet", "--out", "run")
SMALL = """
stimulus: {name: shapes, image_size: 16, n_train: 16, n_test: 8}
network: {width: 0.03125}
rule: {grids: [4, 2, 2, 2, 1, 1]}
training: {epochs: 1, batch: 8, threads: 1, device: cpu}
recording: {every: 1, rows: 4, units: 4}
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APICAL_DATA", raising=False)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def refused(code: int, *arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == code, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize(("arguments", "words"), [
    (("train", "cifar10-dbf", "--out", "run"), ["cifar10-dbf", "did you mean cifar10-dfb, "]),
    ((*TRAIN, "--set", "training.epoch=3"), ["training.epoch", "did you mean training.epochs?"]),
    ((*TRAIN, "--set", "rule.context=latral"), ["rule.context", "lateral, dfb, both", "'latral'"]),
    ((*TRAIN, "--set", "training.batch=many"), ["training.batch", "expected an integer", "'many'"]),
    ((*TRAIN, "--set", "training.batch=-4"), ["training.batch", "at least 2", "-4"]),
    ((*TRAIN, "--set", "network.width=1000"), ["network.width", "at most 4", "1000"]),
    ((*TRAIN, "--set", "stimulus.image_size=100000"), ["stimulus.image_size", "at most 512", "100000"]),
    ((*TRAIN, "--set", "training.batch=17", "--set", "stimulus.n_train=16"), ["training.batch", "at most", "17"]),
    ((*TRAIN, "--set", "rule.grids=[3,2,2,2,1,1]"), ["conv1.grid", "divisor", "3"]),
    ((*TRAIN, "--set", "recording.populations=[conv7]"), ["recording.populations", "conv1", "conv7"]),
    ((*TRAIN, "--data", "cifar11"), ["stimulus.name", "cifar11", "did you mean cifar10?"]),
    ((*TRAIN, "--device", "abacus"), ["training.device", "abacus"]),
    (("probe", "run"), ["run"]),
], ids=lambda value: value[-1] if isinstance(value, tuple) else "")  # fmt: skip
def test_misuse(arguments, words, here):
    text = refused(2, *arguments)
    for word in words:
        assert word in text
    assert [path.name for path in here.iterdir()] == ["small.yaml"]


def test_unknown_key_in_a_file(here):
    (here / "small.yaml").write_text(SMALL + "optimizer: {lr: 1}\n")
    assert "optimiser" in refused(2, *TRAIN)
    assert not (here / "run").exists()


@pytest.mark.parametrize("name", ["cifar10", "mnist", "folder:nowhere", "npz:nowhere.npz"])
def test_missing_data(name, here):
    text = refused(1, *TRAIN, "--data", name, "--data-dir", str(here / "none"))
    assert "none" in text or "nowhere" in text
    assert not (here / "run").exists()


@pytest.mark.skipif("APICAL_DATA" not in os.environ, reason="APICAL_DATA names no folder with CIFAR-10")
@pytest.mark.parametrize("damage", ["truncated", "flipped", "hostile"])
def test_damaged_cifar10(damage, tmp_path, monkeypatch):
    official = Path(os.environ["APICAL_DATA"]) / "cifar-10-batches-bin"
    layout = "cifar-10-batches-py" if damage == "hostile" else "cifar-10-batches-bin"
    folder = tmp_path / "data" / layout
    folder.mkdir(parents=True)
    mark = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            return (os.system, (f"touch {mark}",))

    for source in official.glob("*.bin"):
        name = source.name.removesuffix(".bin") if damage == "hostile" else source.name
        content = bytearray(source.read_bytes())
        if source.name == "data_batch_3.bin" and damage == "truncated":
            content = content[:-1000]
        if source.name == "data_batch_3.bin" and damage == "flipped":
            content[12345] ^= 1
        (folder / name).write_bytes(pickle.dumps(Payload()) if damage == "hostile" else content)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    arguments = ("--data", "cifar10", "--data-dir", str(tmp_path / "data"), "--set", "stimulus.image_size=null")
    text = refused(1, *TRAIN, *arguments)
    assert "data_batch" in text
    assert "expected" in text
    assert not mark.exists()
    assert not (tmp_path / "run").exists()


def images(folder: Path, sizes: list[int]) -> None:
    folder.mkdir(parents=True)
    for i, size in enumerate(sizes):
        Image.fromarray(np.full((size, size, 3), 20 * i, np.uint8)).save(folder / f"{i}.png")


def test_image_folders(here):
    images(here / "one" / "cat", [16] * 4)
    assert "class" in refused(1, *TRAIN, "--data", "folder:one")
    images(here / "corrupt" / "cat", [16] * 10)
    images(here / "corrupt" / "dog", [16] * 10)
    (here / "corrupt" / "dog" / "3.png").write_bytes(b"\x89PNG but not really")
    assert "3.png" in refused(2, *TRAIN, "--data", "folder:corrupt")
    images(here / "mixed" / "cat", [16] * 10)
    images(here / "mixed" / "dog", [16] * 9 + [20])
    text = refused(1, *TRAIN, "--data", "folder:mixed", "--set", "stimulus.image_size=null")
    assert "16" in text
    assert "20" in text
    assert not (here / "run").exists()


def test_runs_are_not_written_over_and_recordings_of_the_future_not_misread(here):
    assert CliRunner().invoke(main, list(TRAIN)).exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in (here / "run").rglob("*") if path.is_file()}
    text = refused(2, *TRAIN)
    assert "--resume" in text
    assert "--out" in text
    assert {path: path.stat().st_mtime_ns for path in (here / "run").rglob("*") if path.is_file()} == before
    zarr.open_group(here / "run" / "recording.zarr", mode="a").attrs["schema_version"] = 99
    text = refused(1, "inspect", "run")
    assert "schema_version" in text
    assert "99" in text
    assert not (here / "run" / "report.html").exists()

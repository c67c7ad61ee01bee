"""The one way to open a trained run: with the images and the settings of its training, or not at all."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from apical.protocols.align import Plan, align
from apical.protocols.errors import ProtocolError
from apical.protocols.lesion.run import lesion
from apical.protocols.probe.run import probe
from apical.protocols.replay import ReplaySettings, replay_run
from PIL import Image
from small_runs import make_run

COMMANDS = {
    "probe": lambda run, **where: probe(run, layers=["conv6"], progress=False, **where),
    "align": lambda run, **where: align([run], Plan(batches=2), progress=False, **where),
    "lesion": lambda run, **where: lesion(run, "apical_block", seeds=[0], steps=6, progress=False, **where),
    "replay": lambda run, **where: replay_run(
        run, ReplaySettings(quick=True, units=4, trials=8, duration=60.0), progress=False, **where
    ),
}
OTHERS = r"stimulus.name: expected the train and test images of the training, got others from {}:.*; restore its files"


def pictures(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8)


def write_npz(path: Path, seed: int) -> None:
    np.savez(path, images=pictures(seed), labels=np.arange(40) % 4)


def write_folder(path: Path, seed: int) -> None:
    for number, picture in enumerate(pictures(seed)):
        place = path / f"class{number % 4}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number:02d}.png")


WRITERS = {"npz": write_npz, "folder": write_folder}


def trained_on(kind: str, place: Path) -> Path:
    """A small run on images that lie beside it."""
    WRITERS[kind](place / f"images.{kind}", 0)
    name = f"{kind}:{place / f'images.{kind}'}"
    sizes = {"stimulus__n_train": None, "stimulus__n_test": None, "stimulus__image_size": None}
    return make_run(place / "run", stimulus__name=name, recording__enabled=False, **sizes)


@pytest.fixture(scope="module", params=["npz", "folder"])
def swapped(request, tmp_path_factory):
    """A run whose images were changed after its training, and their kind."""
    place = tmp_path_factory.mktemp(request.param)
    run = trained_on(request.param, place)
    WRITERS[request.param](place / f"images.{request.param}", 1)
    return run, request.param


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    return trained_on("npz", tmp_path_factory.mktemp("intact"))


@pytest.mark.parametrize("command", COMMANDS)
def test_other_images_than_those_of_the_training_are_refused(swapped, command):
    run, kind = swapped
    with pytest.raises(ProtocolError, match=OTHERS.format(kind)) as caught:
        COMMANDS[command](run)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_other_settings_than_those_of_the_training_are_refused(intact, command, tmp_path):
    run = shutil.copytree(intact, tmp_path / "run")
    file = run / "config.yaml"
    text, count = re.subn(r"learning_rate: 0.01\n", "learning_rate: 0.02\n", file.read_text())
    assert count == 1
    file.write_text(text)
    with pytest.raises(
        ProtocolError, match=r"expected the settings that step 4 was trained with, got others"
    ) as caught:
        COMMANDS[command](run)
    assert caught.value.exit_code == 2

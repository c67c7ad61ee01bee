"""The one way to open a trained run: with the images and the settings of its training, or not at all."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from apical.models.engine import checkpoint
from apical.plasticity import ClappPP
from apical.protocols.align import Plan, align
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.lesion.run import lesion
from apical.protocols.probe.run import probe
from apical.protocols.replay import ReplaySettings, replay_run
from apical.protocols.runs.folder import RunFolder
from apical.protocols.runs.trained import describe, open_run
from apical.protocols.settings.load import identity_at, resume
from apical.protocols.settings.places import at
from apical.protocols.train.run import train
from click.testing import CliRunner
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
    """Also where the checksum of the file was taken out."""
    run = shutil.copytree(intact, tmp_path / "run")
    file = run / "config.yaml"
    text, count = re.subn(r"learning_rate: 0.01\n", "learning_rate: 0.02\n", file.read_text())
    assert count == 1
    for edited, told in (
        (text, "it was changed after it was written"),
        (text.partition("\n")[2], "expected the settings that step 4 was trained with, got others"),
    ):
        file.write_text(edited)
        with pytest.raises(ConfigError, match=told):
            COMMANDS[command](run)


def test_a_run_is_opened_as_it_was_trained(intact):
    run = open_run(intact)
    assert (run.rule.context, run.device, run.presentation.rows) == ("dfb", torch.device("cpu"), 2)
    stored = run.newest()
    assert run.state(stored).step == 4
    expected = run.initial()
    start = {name: weight.clone() for name, weight in expected.weights().items()}
    checkpoint.load_network(stored, expected)
    one, two = run.network(), run.network(stored)
    for name, weight in expected.weights().items():
        assert torch.equal(one.weights()[name], weight)
        assert not torch.equal(start[name], weight)
    one.weights()["conv1.weight"].zero_()
    assert torch.equal(two.weights()["conv1.weight"], expected.weights()["conv1.weight"])


def test_a_run_with_another_context_has_no_checkpoint_that_fits(intact):
    run = open_run(intact, rule=ClappPP)
    both = run.rewired("both")
    assert (both.rule.context, set(both.initial().apical)) == ("both", {"lateral", "dfb"})
    assert run.rewired("dfb") is run
    with pytest.raises(ConfigError, match="expected the settings that step 4 was trained with"):
        both.network()


def test_what_has_no_checkpoint_has_an_initial_network(intact, tmp_path):
    bare = shutil.copytree(intact, tmp_path / "bare", ignore=shutil.ignore_patterns("step-*"))
    run = open_run(bare)
    assert run.checkpoints == []
    assert run.initial().names[-1] == "conv6"
    with pytest.raises(ProtocolError, match="expected a checkpoint, got none; train further with --resume"):
        run.network()


@pytest.fixture
def relocated(tmp_path, monkeypatch):
    """A run trained beside images that it named by a relative path; both were moved since, and the work goes on in another folder."""
    before, after, here = (tmp_path / name for name in ("before", "after", "here"))
    for folder in (before, after, here):
        folder.mkdir()
    write_npz(before / "images.npz", 0)
    monkeypatch.chdir(before)
    sizes = {"stimulus__n_train": None, "stimulus__n_test": None, "stimulus__image_size": None}
    make_run(before / "run", stimulus__name="npz:images.npz", training__epochs=2, training__checkpoint_every=4, **sizes)
    assert RunFolder(before / "run").settings().stimulus.name == f"npz:{before / 'images.npz'}"
    monkeypatch.chdir(here)
    open_run(before / "run")
    shutil.move(before / "run", after / "run")
    shutil.move(before / "images.npz", after / "pictures.npz")
    return after / "run"


@pytest.mark.parametrize("command", COMMANDS)
def test_images_that_are_gone_are_asked_for(relocated, command):
    with pytest.raises(ProtocolError, match=r"images.npz, got nothing there; add --data npz:PATH with the place"):
        COMMANDS[command](relocated)


def test_moved_images_are_the_same_and_other_ones_are_not(relocated, tmp_path):
    place = f"npz:{relocated.parent / 'pictures.npz'}"
    told = CliRunner().invoke(main, ["probe", str(relocated), "--layers", "conv6", "--data", place, "--quiet"])
    assert told.exit_code == 0, told.stderr
    assert open_run(relocated, data=place).stimulus.name == place
    write_npz(tmp_path / "others.npz", 1)
    for command, call in COMMANDS.items():
        with pytest.raises(ProtocolError, match=OTHERS.format("npz")):
            call(relocated, data=f"npz:{tmp_path / 'others.npz'}")
        if command == "probe":  # reads the run out on other data then
            continue
        told = CliRunner().invoke(
            main,
            [command, str(relocated), "--data", "cifar10", *(["--protocol", "apical_block"] * (command == "lesion"))],
        )
        assert told.exit_code == 2
        assert "--data: expected npz:PATH, as the run was trained on npz:" in told.stderr


def test_a_run_is_resumed_on_moved_images(relocated, tmp_path):
    shutil.rmtree(checkpoint.found(relocated / "checkpoints")[-1])
    place, stored = f"npz:{relocated.parent / 'pictures.npz'}", (relocated / "config.yaml").read_text()
    write_npz(tmp_path / "others.npz", 1)
    others = resume(relocated, options={"stimulus.name": f"npz:{tmp_path / 'others.npz'}"})
    with pytest.raises(ProtocolError, match="expected the train and test images of the training"):
        train(others, relocated, resume=True, progress=False)
    told = CliRunner().invoke(
        main, ["train", "--resume", "--out", str(relocated), "--data", place, "--quiet", "--json"]
    )
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout.splitlines()[-1])["status"] == "complete"
    assert (relocated / "config.yaml").read_text() == stored
    told = CliRunner().invoke(main, ["train", "--resume", "--out", str(relocated), "--data", "shapes", "--quiet"])
    assert told.exit_code == 2
    assert "stimulus.name: expected" in told.stderr


def test_an_older_checkpoint_holds_to_the_place_of_its_images(relocated):
    """Its identity has the place as it was written; the images may have moved since."""
    folder = RunFolder(relocated)
    name, place = "npz:images.npz", f"npz:{relocated.parent / 'pictures.npz'}"
    older = at(folder.settings(), name)
    folder.config.write_text(re.sub(r"npz:.*", name, folder.config.read_text().partition("\n")[2]))
    for stored in checkpoint.found(folder.checkpoints):
        document = json.loads((stored / "state.json").read_text())
        for extra in ("sha256", "files"):
            document.pop(extra, None)
        (stored / "state.json").write_text(json.dumps(document | {"identity_sha256": identity_at(older)}))
    assert open_run(relocated, data=place).network().names[0] == "conv1"
    shutil.rmtree(checkpoint.found(folder.checkpoints)[-1])
    train(resume(relocated, options={"stimulus.name": place}), relocated, resume=True, progress=False)
    assert folder.settings() == older


def test_a_rule_without_factors_of_its_own_is_refused_before_its_images_are_read(tmp_path):
    run = make_run(tmp_path / "bp", rule__name="bp-clapp++", rule__context="lateral", recording__enabled=False)
    assert describe(run).config.rule.name == "bp-clapp++"
    with pytest.raises(ConfigError, match=r"expected a run of clapp\+\+, got bp-clapp\+\+, which has neither"):
        describe(run, rule=ClappPP)

"""What a read-out refuses before anything is fitted, what it makes do with, and what it writes."""

import json
import shutil

import pytest
import torch
from apical.models.engine import checkpoint
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.probe import controls
from apical.protocols.probe import run as module
from apical.protocols.probe.run import probe
from apical.protocols.readouts.reading import Reading
from apical.protocols.runs.trained import open_run
from apical.recordings.seal import unsealed
from small_runs import make_run, trained_on

QUICK = ("probe.penalties=[0.1]",)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run without a recording that wants more images for its read-out than there are; not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return make_run(folder, recording__enabled=False, stimulus__n_train=40)


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def unfitted(monkeypatch):
    """Fail at the first fit."""

    def fit(*_):
        raise AssertionError("fitted before it was refused")

    monkeypatch.setattr(Reading, "fit", fit)


def test_settings_of_the_read_out_can_be_changed_and_are_kept(run):
    found = probe(run, layers=["conv1"], overrides=["probe.read_out=knn", "probe.neighbours=3"], progress=False)
    assert found["choices"] == {"conv1": {"k": 3}, "all": {"k": 3}}
    assert (found["settings"]["read_out"], found["settings"]["neighbours"]) == ("knn", 3)
    assert found["populations"] == [f"conv{i}" for i in range(1, 7)]
    assert unsealed((run / "probe.json").read_text()) == found
    with pytest.raises(ConfigError, match=r"--set training.epochs: expected a setting of probe, got another"):
        probe(run, overrides=["training.epochs=3"], progress=False)


def test_more_images_than_there_are_is_said_and_all_are_used(run, capsys):
    found = probe(run, layers=["conv6"], overrides=[*QUICK, "probe.n_train=5000"], progress=False)
    assert found["n_train"] == 40
    assert (
        capsys.readouterr().err
        == "Note: probe.n_train: 5000 images asked for, 40 there; the read-out is fitted on these\n"
    )
    fewer = probe(run, layers=["conv6"], overrides=[*QUICK, "probe.n_train=20"], progress=False)
    assert fewer["n_train"] == 20
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("limit", "layers", "told"),
    [(39, ["conv6"], "768 features of the pixels"), (35, None, "928 features of the populations together")],
)
def test_what_ridge_cannot_solve_is_refused_before_anything_is_fitted(run, monkeypatch, limit, layers, told):
    unfitted(monkeypatch)
    monkeypatch.setattr("apical.protocols.readouts.fitted.RIDGE_LIMIT", limit)
    message = rf"probe.solver: expected at most .* got 40 images and {told}; add --set probe.solver=logistic"
    with pytest.raises(ConfigError, match=message):
        probe(run, layers=layers, progress=False)


def test_the_remedies_of_ridge_are_remedies(run, monkeypatch):
    monkeypatch.setattr("apical.protocols.readouts.fitted.RIDGE_LIMIT", 35)
    assert probe(run, layers=["conv6"], overrides=[*QUICK, "probe.n_train=35"], progress=False)["n_train"] == 35
    logistic = ["probe.solver=logistic", "probe.epochs=1"]
    assert probe(run, layers=["conv6"], overrides=logistic, progress=False)["read_out"] == "linear (logistic)"


def test_a_run_trained_elsewhere_is_read_out_here(run, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    trained_on(run, "cuda")
    with pytest.raises(ConfigError, match=r"expected a CUDA device, got none on this machine; use --device cpu"):
        probe(run, progress=False)
    assert probe(run, layers=["conv6"], overrides=QUICK, device="cpu", progress=False)["n_train"] == 40


def test_images_that_are_others_than_in_training_are_told(run, capsys):
    """Objects are rendered: that another machine rounds otherwise stops nothing."""
    file = checkpoint.found(run / "checkpoints")[-1] / "state.json"
    state = unsealed(file.read_text())
    del state["files"]  # checksums, which earlier versions did not write
    file.write_text(json.dumps(state | {"data": {"train": "another"}}))
    probe(run, layers=["conv6"], overrides=QUICK, progress=False)
    assert "expected the train images of the training, got others from shapes" in capsys.readouterr().err
    del state["data"], state["identity_sha256"]  # as in the checkpoints of earlier versions
    file.write_text(json.dumps(state))
    probe(run, layers=["conv6"], overrides=QUICK, progress=False)
    assert capsys.readouterr().err == ""


def test_a_folder_that_cannot_be_written_to_is_refused_first(run, monkeypatch):
    unfitted(monkeypatch)
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    with pytest.raises(
        ProtocolError, match=r"expected a folder that probe.json can be written to, got a read-only one"
    ):
        probe(run, progress=False)


def test_a_result_that_cannot_be_written_is_still_the_answer(run, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_json", full)
    found = probe(run, layers=["conv6"], overrides=QUICK, progress=False)
    assert 0 <= found["accuracy"] <= 100
    assert "probe.json: not written (No space left on device)" in capsys.readouterr().err


def test_a_checkpoint_that_a_run_in_training_removes_was_read_before(run, monkeypatch):
    fit, kept = Reading.fit, probe(run, layers=["conv6"], overrides=QUICK, progress=False)

    def removing(*arguments):
        shutil.rmtree(run / "checkpoints", ignore_errors=True)
        return fit(*arguments)

    monkeypatch.setattr(Reading, "fit", removing)
    assert probe(run, layers=["conv6"], overrides=QUICK, progress=False) == kept


def test_running_statistics_settle_on_drawn_images_and_only_where_there_are_any(run, monkeypatch, tmp_path):
    settled = []
    monkeypatch.setattr(controls, "settle", lambda network, images: settled.append(images))
    probe(run, layers=["conv6"], overrides=QUICK, progress=False)
    assert settled == []
    monkeypatch.setattr(controls, "SETTLING", 10)
    relayed = make_run(
        tmp_path / "softhebb", recording__enabled=False, network__builder="softhebb", rule__name="softhebb",
        rule__context="lateral", rule__grids=[4, 2, 1], optimiser__name="softhebb",
    )  # fmt: skip
    probe(relayed, layers=["conv1"], overrides=QUICK, progress=False)
    (images,) = settled
    stimulus = open_run(relayed).stimulus
    assert torch.equal(images, stimulus.still(stimulus.train.subset(10, seed=0).images))
    assert not torch.equal(images, stimulus.still(stimulus.train.images[:10]))

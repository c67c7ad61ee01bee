"""The experiments called from Python, with plain arguments."""

import json

import apical
import pytest
from apical.protocols.errors import ConfigError
from small_runs import SMALL, make_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run trained from a mapping of settings."""
    return apical.train(
        SMALL, tmp_path_factory.mktemp("calls") / "run", changes={"optimiser.learning_rate": 0.02}, progress=False
    )


def test_a_run_is_trained_from_a_mapping(trained):
    assert trained.status == "complete"
    run = apical.load(trained)
    assert run.settings.optimiser.learning_rate == 0.02
    assert run.settings.network.width == SMALL["network"]["width"]
    assert "clapp++ on shapes, vgg6" in repr(run)


def test_a_trained_run_opens_whole(trained):
    run = apical.load(trained)
    assert run.network.names == ["conv1", "conv2", "conv3", "conv4", "conv5", "conv6"]
    assert run.rule.context == "dfb"
    assert len(run.stimulus.train) == SMALL["stimulus"]["n_train"]
    assert run.recording["activity/conv1"].sizes == apical.open(trained)["activity/conv1"].sizes
    assert apical.load(run) is run


@pytest.mark.parametrize("form", [str, lambda run: run, apical.load], ids=["path", "result", "Run"])
def test_a_run_is_named_in_any_form(trained, form):
    run = form(trained if form is not str else trained.run)
    result = apical.probe(
        run, layers=["conv6"], changes={"probe.read_out": "knn", "probe.n_train": None}, progress=False
    )
    assert result.read_out == "knn"
    assert list(result.layers) == ["conv6"]
    assert apical.open(run).attrs["status"] == "complete"


def test_the_result_is_what_the_command_writes(trained):
    result = apical.probe(trained, layers=["conv6"], progress=False)
    written = json.loads((apical.load(trained).path / "probe.json").read_text())
    assert {name: value for name, value in written.items() if name != "sha256"} == result.to_dict()


@pytest.mark.slow
def test_other_experiments_take_plain_arguments(trained):
    aligned = apical.align(trained, batches=2, last=True, progress=False)
    assert set(aligned.layers) == set(apical.load(trained).network.names)
    lesioned = apical.lesion(trained, "apical_block", seeds=0, steps=2, progress=False)
    assert "conditions" in lesioned
    assert apical.inspect(trained).report.endswith("report.html")


def test_an_interrupted_run_is_continued(tmp_path):
    run = make_run(tmp_path / "run", training__max_seconds=1e-3)
    assert apical.load(run).recording.attrs["status"] == "interrupted"
    ended = apical.train(out=run, resume=True, changes={"training.max_seconds": None}, progress=False)
    assert (ended.status, ended.epochs) == ("complete", 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: apical.train(), "train.settings: expected a preset, a file or a mapping, got None"),
        (lambda run: apical.train("dem"), "did you mean demo"),
        (lambda run: apical.train(SMALL, run), "expected a new folder"),
        (lambda run: apical.train(SMALL, "x", changes={"training.epoch": 3}), "training.epoch"),
        (lambda run: apical.train(SMALL, "x", changes={"training.epochs": object()}), "changes: expected numbers"),
        (lambda run: apical.probe(3), "run: expected a folder, a Run or a result with one, got int"),
        (lambda run: apical.probe("nowhere"), "nowhere: expected the folder of a run"),
        (lambda run: apical.load("nowhere"), "nowhere: expected the folder of a run"),
        (lambda run: apical.replay(run, quik=True), "did you mean quick"),
        (lambda run: apical.align(), "align.runs: expected at least one run"),
        (lambda run: apical.lesion(run, "apical_blok"), "did you mean apical_block"),
    ],
)
def test_misuse_is_told(trained, tmp_path, monkeypatch, call, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        call(trained.run)
    assert not any(tmp_path.iterdir())

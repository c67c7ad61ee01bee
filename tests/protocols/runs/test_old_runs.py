"""Runs of earlier versions are still opened, continued, read out and reported."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from apical.protocols.inspect import inspect_run
from apical.protocols.probe.run import probe
from apical.protocols.runs.trained import open_run
from apical.protocols.settings.load import resume
from apical.protocols.train.run import train
from apical.recordings import open as open_recording
from apical.recordings.figures import Figures

ARCHIVES = Path(__file__).resolve().parents[2] / "archives"


@pytest.fixture(scope="module", params=sorted(path.name for path in ARCHIVES.glob("*.tar.xz")))
def old(request, tmp_path_factory):
    place = tmp_path_factory.mktemp("old")
    with tarfile.open(ARCHIVES / request.param) as archive:
        archive.extractall(place, filter="data")
    return place / "run"


@pytest.fixture
def run(old, tmp_path):
    return shutil.copytree(old, tmp_path / "run")


def test_there_is_one_of_the_first_version():
    assert (ARCHIVES / "run-0.1.0.tar.xz").is_file()


def test_it_opens(run):
    recording = open_recording(run)
    assert recording["metrics"].sizes["step"] == 2
    assert {"activity", "metrics", "updates", "replay"} <= set(recording.children)
    opened = open_run(run)
    assert opened.state(opened.newest()).step == 8
    assert opened.network().names == [f"conv{number}" for number in range(1, 7)]


def test_it_is_read_out(run):
    before = json.loads((run / "probe.json").read_text())
    found = probe(run, progress=False)
    assert found["step"] == before["step"] == 8
    for name in ("accuracy", "accuracy_random", "accuracy_pixels"):
        assert found[name] == pytest.approx(before[name], abs=10)  # 32 test images; pixels may round differently here


def test_it_is_resumed_to_its_end(run):
    settings = resume(run, options={"training.max_seconds": 600.0})
    result = train(settings, run, resume=True, progress=False)
    assert (result["status"], result["steps"]) == ("complete", 32)
    opened = open_run(run)
    assert opened.state(opened.newest()).step == 32
    recording = open_recording(run)
    assert recording["metrics"].step.values.tolist() == list(range(0, 32, 4))
    assert "replay" in recording.children


def test_its_replay_is_still_reported(run, monkeypatch):
    checks = json.loads((run / "replay.json").read_text())["checks"]
    monkeypatch.setattr("apical.protocols.inspect.draw_all", lambda run, shown: Figures())  # a minute of drawing
    text = Path(inspect_run(run)["report"]).read_text()
    assert "Replay with spikes" in text
    assert checks
    for check in checks:
        assert check["name"] in text

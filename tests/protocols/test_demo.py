"""The demo from start to end on a small network, with and without what a replay needs."""

import functools
import json
import sys

import pytest
from apical.protocols import demo as module
from apical.protocols.replay import ReplaySettings
from apical.protocols.settings.load import load
from apical.recordings import Shown, draw_all

# a loop of 4 glances, and a replay of few trials; the real ones are the demo's own
LOOP = {"objects": 3, "layers": ("6", "4"), "copies": 2, "glances": 4, "test_glances": 8, "image_size": 8}
SHORT = {"units": 4, "trials": 8, "duration": 60.0}
TINY = (
    "network.width=0.016",
    "stimulus.n_train=128",
    "stimulus.n_test=64",
    "training.epochs=1",
    "recording.every=2",
    "probe.n_train=null",
)


@pytest.fixture
def tiny(monkeypatch):
    one = Shown(populations=["conv1"], units=1, trials=4)  # drawing takes longer than all the rest
    monkeypatch.setattr("apical.protocols.inspect.draw_all", lambda run, shown: draw_all(run, one))
    monkeypatch.setattr(module, "LOOP", module.LOOP | LOOP)
    monkeypatch.setattr("apical.protocols.replay.ReplaySettings", functools.partial(ReplaySettings, **SHORT))
    monkeypatch.setattr(module, "load", lambda name, _, overrides: load(name, TINY, overrides))


@pytest.mark.slow
def test_the_demo_ends_with_a_replay(tiny, tmp_path):
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    found = module.demo(tmp_path / "run", 0, progress=False)
    assert found["replay_missing"] is None
    assert found["replay"]["passed"] + found["replay"]["failed"] == len(found["replay"]["checks"])
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Replay with spikes" in report
    assert "Closed loop: raster" in report
    assert found["spikes"]["glances"] == 8  # copies times glances
    assert json.loads(json.dumps(found)) == found


def test_without_brian2_the_demo_says_so_and_goes_on(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "brian2", None)
    monkeypatch.setattr(module, "inspect_run", lambda run: {"report": str(run)})
    found = module.demo(tmp_path / "run", 0)
    assert found["replay"] is None
    assert "pip install 'brian2" in found["replay_missing"]
    assert "no replay with spikes" in capsys.readouterr().err
    assert not (tmp_path / "run" / "replay.json").exists()
    assert 0 <= found["accuracy"] <= 100

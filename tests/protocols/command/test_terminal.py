"""What commands print: tables, details where they are asked for, colour where there is a terminal."""

import pytest
from apical.protocols.command.main import main
from apical.protocols.command.terminal import screen
from apical.protocols.layout import Screen
from click.testing import CliRunner, Result


def apical(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


READ_OUT = {"accuracy": 80.0, "accuracy_random": 57.0, "layers": {"conv1": {"accuracy": 60.0, "accuracy_random": 50.0}}, "together": ["conv1"]}  # fmt: skip


def test_a_read_out_is_a_table(monkeypatch, tmp_path):
    monkeypatch.setattr("apical.protocols.probe.run.probe", lambda *_, **__: READ_OUT)
    text = apical("probe", str(tmp_path)).stdout
    assert "layer       accuracy (%)  with random weights (%)  gain (points)\n" in text
    assert "conv1              60.00                    50.00         +10.00\n" in text
    assert "\x1b" not in text


def test_details_come_when_they_are_asked_for(monkeypatch, tmp_path):
    check = {
        "name": "C4",
        "what": "cosT",
        "value": 0.97,
        "interval": [0.97, 0.97],
        "criterion": ">= 0.95",
        "passed": True,
    }
    circuit = {"units": 4, "population": "conv3", "inputs": 9, "contexts": 5, "source": "dfb", "trials": 8}
    settings = {"duration": 500.0, "level": 2, "pool": 10, "tau": 50.0, "seeds": [0]}
    result = {"run": "r", "checks": [check], "replays": ["first"], "circuit": circuit, "settings": settings, "risks": ["A limit."], "seconds": 1.0}  # fmt: skip
    monkeypatch.setattr("apical.protocols.replay.replay_run", lambda *_, **__: result)
    brief, whole = apical("replay", str(tmp_path)).stdout, apical("replay", str(tmp_path), "-v").stdout
    assert "With -v also: All 1 quantities; notes" in brief
    assert "cosT" not in brief
    assert "cosT" in whole
    assert "Not shown by the checks: A limit." in whole


@pytest.mark.parametrize(
    ("variables", "terminal", "coloured"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"NO_COLOR": ""}, True, True), ({"TERM": "dumb"}, True, False), ({}, False, False)],
)  # fmt: skip
def test_colour_and_width_are_the_terminals(monkeypatch, variables, terminal, coloured):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"COLUMNS": "66", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    assert screen() == Screen(66 if terminal else None, coloured)

"""The ladder: one table over levels, populations and sources, that goes on where it stopped."""

import json

import numpy as np
import pytest
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.replay import ReplaySettings, ladder
from apical.protocols.replay.circuits import load_run
from apical.protocols.replay.ladder import mechanisms, replay_ladder, rungs
from small_runs import make_run

pytest.importorskip("brian2", reason="the bridge needs brian2")

WORDS = {"units": 3, "trials": 6, "duration": 30.0, "pool": 2, "dt": 0.5, "tau": 20.0, "seeds": (0,)}
SETTINGS = ReplaySettings(ladder=True, **WORDS)


def some(names):
    """Rungs of these names alone."""
    return lambda settings: [rung for rung in rungs(settings) if rung.name in names]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("ladder") / "both", rule__context="both", recording__enabled=False)


def test_rungs_are_levels_pools_and_what_level_4_is_made_of():
    names = [rung.name for rung in rungs(ReplaySettings())]
    assert names == [*(f"level {level}" for level in range(5)), "level 2, pool 1", "level 2, pool 3"]
    cells = {rung.name: rung.words["neuron"] for rung in mechanisms(ReplaySettings())}
    assert all(cell.bac for cell in cells.values())
    assert len({(c.c_d, c.g_dd, c.g_sd, c.a_wd, c.noise_current, c.tau_a) for c in cells.values()}) == len(cells)


def test_every_population_and_source_has_rows_or_a_reason(both, monkeypatch):
    monkeypatch.setattr(ladder, "rungs", some({"level 0"}))
    monkeypatch.setattr(ladder, "mechanisms", lambda settings: mechanisms(settings)[5:6])
    found = replay_ladder(both, SETTINGS, progress=False)
    rows = {(row["population"], row["source"], row["rung"]): row for row in found["rows"]}
    first, names = load_run(both).population, load_run(both).network.names
    told = {(row["population"], row["source"]) for row in [*found["rows"], *found["refused"]]}
    assert told == {(name, source) for name in names for source in ("dfb", "lateral")}
    assert all(row["population"] == "conv1" for row in found["refused"] if "rates of at least 0" in row["reason"])
    assert "conv1" in {row["population"] for row in found["refused"]}
    row = rows[first, "dfb", "level 0"]
    assert row["cosT"] > 0.9
    assert row["blocked"] == 0
    assert row["margin_cosT"] == pytest.approx(row["cosT"] - row["wrong"]["cosT"][1])
    bursting = rows[first, "dfb", mechanisms(SETTINGS)[5].name]
    assert np.isfinite(bursting["cosB"])
    assert json.loads((both / "ladder.json").read_text())["rows"] == found["rows"]


def test_it_goes_on_where_it_stopped_and_with_other_settings_anew(both, monkeypatch):
    words = {"progress": False}
    (both / "ladder.json").unlink(missing_ok=True)
    monkeypatch.setattr(ladder, "mechanisms", lambda settings: [])
    chosen = SETTINGS.but(population="conv3", source="dfb")
    asked, stop = ladder._row, [1]

    def stopping(*given):
        if not stop[0]:
            raise KeyboardInterrupt
        stop[0] -= 1
        return asked(*given)

    monkeypatch.setattr(ladder, "rungs", some({"level 0", "level 1"}))
    monkeypatch.setattr(ladder, "_row", stopping)
    with pytest.raises(KeyboardInterrupt):
        replay_ladder(both, chosen, **words)
    assert [row["rung"] for row in json.loads((both / "ladder.json").read_text())["rows"]] == ["level 0"]
    stop[0] = 1
    found = replay_ladder(both, chosen, **words)
    assert [row["rung"] for row in found["rows"]] == ["level 0", "level 1"]
    assert replay_ladder(both, chosen, **words)["rows"] == found["rows"]  # nothing is left to do
    stop[0] = 2
    other = replay_ladder(both, chosen.but(trials=8), **words)
    assert len(other["rows"]) == 2
    assert other["rows"][0]["circuit"]["trials"] == 8


def test_a_damaged_table_is_made_anew(both, monkeypatch):
    monkeypatch.setattr(ladder, "rungs", some({"level 0"}))
    monkeypatch.setattr(ladder, "mechanisms", lambda settings: [])
    (both / "ladder.json").write_text("{")
    assert len(replay_ladder(both, SETTINGS.but(population="conv3", source="dfb"), progress=False)["rows"]) == 1


def test_the_command_prints_it(both, monkeypatch, capsys):
    monkeypatch.setattr(ladder, "rungs", some({"level 0"}))
    monkeypatch.setattr(ladder, "mechanisms", lambda settings: [])
    words = [f"--{name}={value}" for name, value in WORDS.items() if name != "seeds"]
    with pytest.raises(SystemExit) as leaving:
        main(["replay", str(both), "--ladder", "--quiet", "--seeds", "0", "--population", "conv3", *words])
    assert leaving.value.code in (0, None)
    shown = capsys.readouterr().out
    assert "cosT above" in " ".join(shown.split()) and "Ladder from rates to calcium spikes" in shown
    assert "level 0" in shown


def test_checks_are_another_question():
    with pytest.raises(
        ConfigError, match=r"replay.ladder: expected it without checks, got --mutants and --learning too"
    ):
        ReplaySettings(ladder=True, mutants=True, learning=True)

"""A comparison from start to end, stopped and continued."""

import csv
import json

import pytest
from apical.protocols.compare.run import compare
from apical.protocols.compare.table import markdown
from apical.protocols.errors import ConfigError, ProtocolError

TINY = [
    "network.width=0.016", "stimulus.n_train=64", "stimulus.n_test=32", "training.batch=16", "probe.n_train=null",
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    arguments = {"rules": ["clapp++-dfb", "bp-clapp++"], "seeds": [0], "epochs": 1, "jobs": 2, "overrides": TINY}
    return out, arguments, compare("shapes", out, **arguments, progress=False)


def test_every_rule_has_a_row_and_the_controls_too(finished):
    out, _, result = finished
    assert [row["rule"] for row in result["rows"]] == ["clapp++-dfb", "bp-clapp++", "random init", "pixels"]
    for row in result["rows"][:2]:
        assert 0 <= row["accuracy"] <= 100
        assert row["epochs"] == 1
        assert row["steps"] == 4
        assert row["images_per_second"] > 0
        assert row["peak_memory_bytes"] > 2**20
    assert result["failed"] == {}
    # both start from the same network
    assert result["rows"][0]["accuracy_random"] == result["rows"][1]["accuracy_random"]
    with (out / "compare.csv").open() as file:
        assert [row["rule"] for row in csv.DictReader(file)] == [row["rule"] for row in result["rows"]]
    assert json.loads((out / "compare.json").read_text())["summary"] == result["summary"]
    assert all((out / name).stat().st_size > 1000 for name in ("compare.html", "figures/compare.png"))


def test_what_is_finished_is_kept_and_other_settings_are_refused(finished):
    out, arguments, result = finished
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    again = compare("shapes", out, **arguments, progress=False)
    assert again["rows"] == result["rows"]
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()} == before
    with pytest.raises(ConfigError, match="expected a cell of these settings"):
        compare("shapes", out, **{**arguments, "epochs": 2}, progress=False)


def test_a_cell_stopped_half_way_goes_on_where_it_was(tmp_path, monkeypatch):
    from apical.protocols.compare import cell, spec
    from apical.protocols.config import to_yaml

    entry = spec.load("shapes", ["clapp++-dfb"], TINY)[0]
    config = to_yaml(entry.config(0, {"threads": 1, "epochs": 2, "checkpoint_every": 1}))
    task = {"config": config, "out": str(tmp_path / "run"), "data_dir": None, "max_seconds": 1e-3}
    first = cell.run(task)
    assert first["steps"] == 1
    second = cell.run({**task, "max_seconds": 1e9})
    assert second["steps"] == 8
    monkeypatch.setattr(cell, "probe", None)  # the read-out of a cell that was stopped after it stands
    third = cell.run({**task, "max_seconds": 1e-3})
    assert third["accuracy"] == second["accuracy"]


def test_an_entry_that_was_not_run_says_so():
    line = {
        "rule": "x", "mean": None, "sd": None, "n": 0, "gain": None, "images_per_second": None, "peak_memory_bytes": None,
        "epochs": None, "locality": "all", "published": 59.4, "published_source": "a paper",
    }  # fmt: skip
    assert "| x | not run | – | 0 |" in markdown([line])
    assert "59.40" in markdown([line])


def test_a_budget_is_one_of_two(tmp_path):
    for budget in ({}, {"seconds": 1.0, "epochs": 1}):
        with pytest.raises(ConfigError, match=r"compare\.budget"):
            compare("shapes", tmp_path, **budget)


def test_cells_that_all_fail_are_a_failure_with_a_reason(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("base: {extends: demo, stimulus: {name: 'folder:/nowhere'}}\nentries: {a: {locality: none}}")
    with pytest.raises(ProtocolError, match="expected at least one finished cell"):
        compare(str(path), tmp_path / "out", epochs=1, progress=False)

"""A comparison from start to end, stopped and continued."""

import csv
import json
import shutil

import pytest
from apical.protocols.compare import cell
from apical.protocols.compare.processes import Processes
from apical.protocols.compare.run import compare
from apical.protocols.compare.table import markdown
from apical.protocols.errors import ConfigError, ProtocolError
from tiny_cells import TINY


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


def test_a_cell_stopped_half_way_goes_on_where_it_was(tmp_path):
    from apical.protocols.compare import comparison as spec
    from apical.protocols.probe.run import probe
    from apical.protocols.settings.load import to_yaml

    entry = spec.load("shapes", ["clapp++-dfb"], TINY)[0]
    config = to_yaml(entry.config(0, {"threads": 1, "epochs": 2, "checkpoint_every": 1}))
    task = {"config": config, "out": str(tmp_path / "run"), "data_dir": None, "max_seconds": 1e-3}
    first = cell.run(task)
    assert first["steps"] == 1
    second = cell.run({**task, "max_seconds": 1e9})
    assert second["steps"] == 8
    # what was read out by hand meanwhile, in another way
    probe(tmp_path / "run", read_out="knn", layers=["conv1"], progress=False)
    third = cell.run({**task, "max_seconds": 1e-3})
    assert third["accuracy"] == second["accuracy"]
    assert third["layers"] == second["layers"]


def test_an_interrupted_cell_does_not_go_on_with_another_budget(finished, tmp_path):
    run, out = finished[0], tmp_path / "out"
    shutil.copytree(run, out)
    (out / "cells" / "clapp++-dfb-seed0.json").unlink()  # as if it had been killed
    for change in ({"epochs": 2}, {"overrides": [*TINY, "rule.contrast=softplus"]}):
        with pytest.raises(ConfigError, match=r"runs/clapp\+\+-dfb-seed0.json: expected a cell of these settings"):
            compare("shapes", out, **{**finished[1], "rules": ["clapp++-dfb"], **change}, progress=False)


def test_an_entry_that_was_not_run_says_so():
    line = {
        "rule": "x", "mean": None, "sd": None, "n": 0, "failed": 0, "gain": None, "images_per_second": None, "peak_memory_bytes": None,
        "epochs": None, "locality": "all", "published": 59.4, "published_source": "a paper",
    }  # fmt: skip
    assert "| x | not run | – | 0 |" in markdown([line])
    assert "59.40" in markdown([line])
    assert "| x | failed | – | 0 (2 failed) |" in markdown([{**line, "failed": 2}])


def test_a_rule_that_failed_is_told_from_one_that_was_not_run(finished, tmp_path, monkeypatch):
    shutil.copytree(finished[0], tmp_path / "out")
    refused = ProtocolError("lpl-seed0: expected the cell to finish, got nothing; run the same command again")

    def fail(processes, task):
        raise refused

    monkeypatch.setattr(Processes, "run", fail)
    arguments = {**finished[1], "rules": ["clapp++-dfb", "lpl"]}
    result = compare("shapes", tmp_path / "out", **arguments, progress=False)
    assert list(result["failed"]) == ["lpl-seed0"]
    assert "| lpl | failed |" in (tmp_path / "out" / "compare.md").read_text()
    assert "<td>failed</td>" in (tmp_path / "out" / "compare.html").read_text()
    with (tmp_path / "out" / "compare.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["rule"], row["accuracy"]) for row in rows if row["status"] == "failed"] == [("lpl", "")]
    assert {row["status"] for row in rows if row["rule"] != "lpl"} == {"finished"}


def test_a_budget_is_one_of_two(tmp_path):
    for budget in ({}, {"seconds": 1.0, "epochs": 1}):
        with pytest.raises(ConfigError, match=r"compare\.budget"):
            compare("shapes", tmp_path, **budget)


def test_cells_that_all_fail_are_a_failure_with_a_reason(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("base: {extends: demo, stimulus: {name: 'folder:/nowhere'}}\nentries: {a: {locality: none}}")
    with pytest.raises(ProtocolError, match="expected at least one finished cell"):
        compare(str(path), tmp_path / "out", epochs=1, progress=False)


def test_a_failed_cell_speaks_in_its_own_sentence(tmp_path):
    """Of a process of its own: neither a traceback nor the path of a class."""
    task = {"config": "training: {batch: 1}", "out": str(tmp_path / "run"), "data_dir": None, "max_seconds": None}
    with Processes() as processes, pytest.raises(ProtocolError) as caught:
        processes.run(task)
    reason = "training.batch: expected at least 2, got 1; see apical config schema"
    assert f"got an error ({reason}); repeat" in str(caught.value)
    assert "apical." not in str(caught.value)


def test_a_defect_in_a_cell_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(cell, "run", lambda task: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cell.main("{}")

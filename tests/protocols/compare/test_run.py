"""A comparison from start to end, stopped and continued."""

import csv
import json
import shutil

import pytest
from apical.protocols.compare import page
from apical.protocols.compare.run import compare
from apical.protocols.compare.table import markdown, ranking
from apical.protocols.errors import ConfigError, Interrupted, ProtocolError
from apical.protocols.sweep import cell
from apical.protocols.sweep.folder import SweepFolder
from tiny_cells import TINY


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    arguments = {"rules": ["clapp++-dfb", "bp-clapp++"], "seeds": [0], "epochs": 1, "jobs": 0, "overrides": TINY}
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
    with pytest.raises(
        ConfigError, match=r"budget.epochs: expected 1 as in the manifest, got 2; .*choose another --out"
    ):
        compare("shapes", out, **{**arguments, "epochs": 2}, progress=False)


def test_a_cell_read_out_by_hand_meanwhile_is_read_out_as_all_are(finished, tmp_path):
    from apical.protocols.probe.run import probe

    run, out = finished[0], tmp_path / "out"
    shutil.copytree(run, out)
    folder, name = SweepFolder(out), "clapp++-dfb-seed0"
    first = folder.read_result(name)
    folder.result(name).unlink()
    probe(folder.run(name), read_out="knn", layers=["conv1"], progress=False)
    compare("shapes", out, **{**finished[1], "rules": ["clapp++-dfb"]}, progress=False)
    assert folder.read_result(name)["layers"] == first["layers"]


def test_an_interrupted_cell_does_not_go_on_with_another_budget(finished, tmp_path):
    run, out = finished[0], tmp_path / "out"
    shutil.copytree(run, out)
    (out / "cells" / "clapp++-dfb-seed0.json").unlink()  # as if it had been killed
    for change in ({"epochs": 2}, {"overrides": [*TINY, "rule.contrast=softplus"]}):
        with pytest.raises(ConfigError, match="as in the manifest, got"):
            compare("shapes", out, **{**finished[1], "rules": ["clapp++-dfb"], **change}, progress=False)


def test_a_rule_of_ones_own_stands_beside_a_finished_table_and_runs_alone(finished, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(finished[0], out)
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    mine = tmp_path / "mine.yaml"
    mine.write_text("entries: {mine: {settings: {rule: {name: dfa}}, locality: as its source says}}")
    arguments = {**finished[1], "rules": None, "only": [str(mine)]}
    result = compare("shapes", out, **arguments, progress=False)
    assert {row["rule"] for row in result["rows"]} == {"clapp++-dfb", "bp-clapp++", "mine", "random init", "pixels"}
    assert {path: when for path, when in ((p, p.stat().st_mtime_ns) for p in before) if when != before[path]} == {}
    table = (out / "compare.md").read_text()
    assert "as its source says" in table
    assert "one broadcast number" in table  # of the others, from the manifest
    again = compare("shapes", out, **{**arguments, "only": ["dfa"]}, progress=False)
    assert {row["rule"] for row in again["rows"]} >= {"mine", "dfa"}


def test_only_is_refused_where_it_says_two_things(finished, tmp_path):
    with pytest.raises(ConfigError, match="--only: expected it without --rules, got both"):
        compare("shapes", tmp_path, epochs=1, rules=["lpl"], only=["lpl"])
    for text, message in (
        ("base: {extends: demo}\nentries: {a: {}}", "expected entries alone, got a base as well"),
        ("entries: {lpl: {}}", "--only: expected names that no other entry has, got 'lpl' twice"),
    ):
        (tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(ConfigError, match=message):
            compare("shapes", tmp_path, epochs=1, only=[str(tmp_path / "mine.yaml")])
    with pytest.raises(ConfigError, match=r"entries.lpp: rule.name: expected a rule"):
        compare("shapes", tmp_path, epochs=1, only=["lpp"])


def test_the_comparison_is_a_sweep_that_xarray_opens(finished):
    import apical

    found = apical.open(finished[0])
    assert found.accuracy.dims == ("rule", "seed")
    row = finished[2]["rows"][0]
    assert found.accuracy.sel(rule=row["rule"], seed=0).item() == row["accuracy"]


def test_equal_seeds_are_seen_and_numbers_stand_by_size(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(page, "save", lambda figure, stem: drawn.setdefault("figure", figure))
    lines = [{"rule": rule, "mean": mean, "n": 3} for rule, mean in (("0.1", 50.0), ("3e-3", 90.0), ("1", 70.0))]
    rows = [{"rule": line["rule"], "seed": seed, "accuracy": line["mean"]} for line in lines for seed in range(3)]
    controls = [{"rule": name, "mean": 10.0, "n": 3} for name in ("random init", "pixels")]
    page._draw([*lines, *controls], rows, tmp_path / "compare")
    axes = drawn["figure"].axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "0.1", "3e-3"]
    points = [tuple(point) for line in axes.lines if line.get_marker() == "o" for point in line.get_xydata()]
    assert len(set(points)) == 9
    names = [{**line, "rule": f"rate {line['rule']}"} for line in lines]
    assert [line["rule"] for line in ranking(names)] == ["rate 3e-3", "rate 1", "rate 0.1"]


def test_an_entry_that_was_not_run_says_so():
    line = {
        "rule": "x", "mean": None, "sd": None, "n": 0, "failed": 0, "gain": None, "images_per_second": None, "peak_memory_bytes": None,
        "epochs": None, "macs_per_image": None, "bytes_per_image": None, "locality": "all", "published": 59.4, "published_source": "a paper",
    }  # fmt: skip
    assert "| x | not run | – | 0 |" in markdown([line])
    assert "59.40" in markdown([line])
    assert "| x | failed | – | 0 (2 failed) |" in markdown([{**line, "failed": 2}])


def test_a_rule_that_failed_is_told_from_one_that_was_not_run(finished, tmp_path, monkeypatch):
    shutil.copytree(finished[0], tmp_path / "out")

    def fail(*_):
        raise ProtocolError("lpl-seed0: expected the cell to finish, got nothing; run the same command again")

    monkeypatch.setattr(cell, "_done", fail)
    arguments = {**finished[1], "rules": ["clapp++-dfb", "lpl"]}
    result = compare("shapes", tmp_path / "out", **arguments, progress=False)
    assert list(result["failed"]) == ["lpl-seed0"]
    assert "| lpl | failed |" in (tmp_path / "out" / "compare.md").read_text()
    assert "<td>failed</td>" in (tmp_path / "out" / "compare.html").read_text()
    with (tmp_path / "out" / "compare.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["rule"], row["accuracy"]) for row in rows if row["status"] == "failed"] == [("lpl", "")]
    assert {row["status"] for row in rows if row["rule"] != "lpl"} == {"finished"}


def test_cells_that_all_fail_are_a_failure_with_a_reason(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("base: {extends: demo, stimulus: {name: 'folder:/nowhere'}}\nentries: {a: {locality: none}}")
    with pytest.raises(
        ProtocolError, match=r"expected at least one finished cell|expected the images of the run at /nowhere"
    ):
        compare(str(path), tmp_path / "out", epochs=1, jobs=0, progress=False)


def test_runs_are_read_out_on_the_way_and_shown_where_all_can_be_compared(tmp_path, monkeypatch):
    real, turns = cell._done, []

    def interrupted(folder, name, task, asked):
        if len(turns) == 3:
            raise KeyboardInterrupt
        turns.append((task["until"], name))
        return real(folder, name, task, asked)

    arguments = {
        "rules": ["clapp++-dfb", "lpl"],
        "seeds": [0],
        "epochs": 3,
        "read_at": [1, 2],
        "jobs": 0,
        "overrides": TINY,
    }
    monkeypatch.setattr(cell, "_done", interrupted)
    with pytest.raises(Interrupted):
        compare("shapes", tmp_path, **arguments, progress=False)
    assert turns == [(1, "clapp++-dfb-seed0"), (1, "lpl-seed0"), (2, "clapp++-dfb-seed0")]
    begun = json.loads((tmp_path / "compare.json").read_text())
    # one rule is at 2 epochs, the other at 1: the table is of 1
    assert [row["epochs"] for row in begun["rows"] if "epochs" in row] == [1, 1]
    assert [curve["epochs"] for curve in begun["curves"]] == [[1, 2], [1]]
    monkeypatch.setattr(cell, "_done", real)
    ended = compare("shapes", tmp_path, **arguments, progress=False)
    assert [row["epochs"] for row in ended["rows"] if "epochs" in row] == [3, 3]
    assert [curve["epochs"] for curve in ended["curves"]] == [[1, 2, 3], [1, 2, 3]]
    first = dict(zip([1, 2], ended["curves"][0]["accuracy"], strict=False))
    assert first[1] == begun["rows"][0]["accuracy"]
    assert all(row["macs_per_image"] > 1e4 and row["bytes_per_image"] > 1e4 for row in ended["rows"] if "epochs" in row)
    html = (tmp_path / "compare.html").read_text()
    command = "apical compare --spec shapes --rules lpl --seeds 0 --budget 3epochs --read-at 1,2"
    assert command in html
    assert html.count("<polyline") == 2
    assert html.count('type="checkbox"') == 4  # two rules, two controls
    with (tmp_path / "curves.csv").open() as file:
        assert [(row["rule"], row["epochs"]) for row in csv.DictReader(file)] == [
            (rule, str(float(epoch))) for rule in ("clapp++-dfb", "lpl") for epoch in (1, 2, 3)
        ]


def test_runs_may_be_as_long_as_their_own_settings_say(tmp_path):
    spec = tmp_path / "mine.yaml"
    entries = "".join(f"  {n}: {{settings: {{extends: demo, training: {{epochs: {n}}}}}}}\n" for n in (1, 2))
    spec.write_text(f"base: {{recording: {{enabled: false}}}}\nentries:\n{entries}")
    result = compare(str(spec), tmp_path / "out", seeds=[0], jobs=0, overrides=TINY, progress=False)
    assert [row["epochs"] for row in result["rows"] if "epochs" in row] == [1, 2]
    assert "--budget own" in (tmp_path / "out" / "compare.html").read_text()
    with pytest.raises(ConfigError, match="expected one of seconds, epochs and samples, got several"):
        compare(str(spec), tmp_path / "out", seeds=[0], epochs=1, seconds=3.0, overrides=TINY, progress=False)


def test_entries_that_see_other_images_share_no_control(tmp_path):
    spec = tmp_path / "mine.yaml"
    entries = "".join(
        f"  at{n}: {{settings: {{stimulus: {{image_size: {n}}}, rule: {{name: clapp++, context: lateral, grids: [1, 1, 1, 1, 1, 1]}}}}}}\n"
        for n in (16, 32)
    )
    spec.write_text(f"base: {{extends: demo, recording: {{enabled: false}}}}\nentries:\n{entries}")
    result = compare(str(spec), tmp_path / "out", seeds=[0], epochs=1, jobs=0, overrides=TINY, progress=False)
    assert [line["rule"] for line in result["summary"]] == ["at16", "at32"]
    assert all(line["gain"] is not None for line in result["summary"])


def test_a_run_that_failed_holds_no_other_back(tmp_path, monkeypatch):
    real = cell._done

    def fails(folder, name, task, asked):
        if name.startswith("lpl") and task["until"] != 1:
            raise ProtocolError("lpl-seed0: expected the cell to finish, got nothing; run the same command again")
        return real(folder, name, task, asked)

    monkeypatch.setattr(cell, "_done", fails)
    arguments = {"rules": ["clapp++-dfb", "lpl"], "seeds": [0], "epochs": 2, "read_at": [1], "jobs": 0, "retries": 0}
    result = compare("shapes", tmp_path, **arguments, overrides=TINY, progress=False)
    assert [(row["rule"], row["epochs"]) for row in result["rows"] if "epochs" in row] == [("clapp++-dfb", 2)]
    assert list(result["failed"]) == ["lpl-seed0"]
    assert "--set training.batch=16" in (tmp_path / "compare.html").read_text()


def test_entries_read_out_by_goodness_share_the_random_network():
    from apical.protocols.compare.comparison import Entry
    from apical.protocols.compare.table import rows_of, summary

    entries = [Entry(name, {}, {}, "all", None) for name in ("a", "b")]
    told = {
        (name, 0): {"accuracy": 50.0, "accuracy_random": 40.0, "accuracy_pixels": pixels}
        for name, pixels in (("a", None), ("b", 30.0))
    }
    assert [row["rule"] for row in rows_of(entries, [0], told)] == ["a", "b", "random init", "pixels"]
    rows = rows_of(entries[:1], [0], told)
    assert [row["rule"] for row in rows] == ["a", "random init"]
    assert [line["mean"] for line in summary(entries[:1], rows)] == [50.0, 40.0]

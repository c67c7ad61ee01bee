"""Cells that were finished or begun, with the same task and with another."""

import json

import pytest
from apical.protocols.compare import spec
from apical.protocols.compare.kept import begin, cell_file, finished, keep_row, read_row, run_folder
from apical.protocols.config import to_yaml
from apical.protocols.errors import ConfigError
from apical.recordings.seal import unsealed

KEY = ("clapp++-dfb", 0)
ROW = {"accuracy": 50.0, "accuracy_random": 40.0, "accuracy_pixels": 30.0}


def task(*overrides, seconds=60.0, jobs=1):
    config = spec.load("shapes", ["clapp++-dfb"], overrides)[0].config(0, {})
    return {"config": to_yaml(config), "max_seconds": seconds, "jobs": None if seconds is None else jobs}


OTHERS = [
    (task("probe.solver=logistic"), "settings"),
    (task(seconds=90.0), "budget"),
    (task(seconds=None), "budget and jobs"),
    (task(jobs=2), "jobs"),
]


@pytest.fixture
def out(tmp_path):
    (tmp_path / "cells").mkdir()
    return tmp_path


def test_a_finished_cell_is_that_of_its_task_only(out):
    assert not finished(out, KEY, task())
    keep_row(out, KEY, task(), ROW)
    assert finished(out, KEY, task())
    for other, word in OTHERS:
        with pytest.raises(ConfigError, match=f"got one of other {word}; choose another --out"):
            finished(out, KEY, other)


def test_a_begun_cell_goes_on_with_its_task_only(out):
    begin(out, KEY, task(jobs=4))
    begin(out, KEY, task())  # nothing was learnt of the first
    run = run_folder(out, *KEY)
    run.mkdir()
    (run / "config.yaml").touch()
    begin(out, KEY, task())
    for other, word in OTHERS:
        with pytest.raises(ConfigError, match=f"got one of other {word}; choose another --out"):
            begin(out, KEY, other)
    run.with_name(f"{run.name}.json").unlink()
    with pytest.raises(ConfigError, match=r"expected the task with which .* was begun, got no such file"):
        begin(out, KEY, task())


def test_a_finished_cell_of_an_earlier_version_is_kept(out):
    keep_row(out, KEY, task(), ROW)
    path = cell_file(out, *KEY)
    document = unsealed(path.read_text())
    del document["jobs"]
    document["config"] = document["config"].replace("  zero_init: true\n", "")  # a setting that was added since
    path.write_text(json.dumps(document))
    assert finished(out, KEY, task(jobs=2))
    with pytest.raises(ConfigError, match="other settings"):
        finished(out, KEY, task("network.width=0.5"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("", "expected JSON"),
        ("[1]", "a JSON list where an object was expected"),
        ("{}", "expected a mapping with config"),
        ({"accuracy": None}, "none of its accuracy"),
        ({"accuracy_random": "high"}, "none of its accuracy_random"),
        ({"seed": "0"}, "none of its seed"),
        ({"config": 3}, "expected settings of a run"),
        ({"config": "name: ["}, "expected settings of a run"),
    ],
)
def test_a_damaged_cell_is_named(out, change, message):
    keep_row(out, KEY, task(), ROW)
    path = cell_file(out, *KEY)
    path.write_text(change if isinstance(change, str) else json.dumps(unsealed(path.read_text()) | change))
    with pytest.raises(ConfigError, match=rf"clapp\+\+-dfb-seed0.json: {message}|{message}.*; remove clapp"):
        finished(out, KEY, task())
    if message != "expected settings of a run":
        with pytest.raises(ConfigError, match=message):
            read_row(path)

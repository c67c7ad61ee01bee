"""Rows of comparisons of earlier versions, with the same task and with another."""

import json

import pytest
from apical.protocols.compare import comparison as spec
from apical.protocols.compare.earlier import take_over
from apical.protocols.compare.run import _plan
from apical.protocols.errors import ConfigError
from apical.protocols.runs.files import write_json
from apical.protocols.settings.load import to_yaml
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.manifest import cells_of, read
from apical.protocols.sweep.plan import Budget
from apical.protocols.sweep.spec import with_workers
from apical.recordings.seal import unsealed

NAME = "clapp++-dfb-seed0"


def plan(*overrides, seconds=60.0, epochs=None, jobs=1):
    known = spec.read("shapes", overrides)
    return with_workers(
        _plan("shapes", known.base, list(known.entries.values()), [0], Budget(epochs, None, seconds), overrides, ()),
        jobs,
    )


@pytest.fixture
def folder(tmp_path):
    """As version 0.4 wrote it."""
    (tmp_path / "cells").mkdir()
    config = spec.load("shapes", ["clapp++-dfb"])[0].config(0, {"threads": 1, "epochs": 100_000})
    row = {"rule": "clapp++-dfb", "seed": 0, "accuracy": 50.0, "accuracy_random": 40.0, "accuracy_pixels": 30.0}
    write_json(tmp_path / "cells" / f"{NAME}.json", {**row, "config": to_yaml(config), "budget": 60.0, "jobs": 1})
    return SweepFolder(tmp_path)


def test_a_finished_row_gets_its_place_in_a_manifest(folder):
    take_over(folder, plan())
    told = folder.read_result(NAME)
    assert (told["accuracy"], told["status"], told["at"]) == (50.0, "done", {"rule": "clapp++-dfb", "seed": 0})
    (cell,) = cells_of(read(folder))
    assert (cell.name, cell.hash) == (NAME, told["hash"])
    before = folder.manifest.read_text()
    take_over(folder, plan())
    assert folder.manifest.read_text() == before


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (plan("probe.solver=logistic"), "settings"),
        (plan(seconds=90.0), "settings and budget"),
        (plan(seconds=None, epochs=3), "settings and budget and jobs"),
        (plan(jobs=2), "settings and jobs"),
    ],
)
def test_a_row_of_another_task_is_refused(folder, other, word):
    words = word.removeprefix("settings and ")
    with pytest.raises(ConfigError, match=f"got one of other .*{words}; choose another --out"):
        take_over(folder, other)
    assert not folder.manifest.exists()


def test_what_an_earlier_version_did_not_write_down_is_believed(folder):
    path = folder.result(NAME)
    document = unsealed(path.read_text())
    del document["jobs"]
    document["config"] = document["config"].replace("  zero_init: true\n", "")  # a setting that was added since
    path.write_text(json.dumps(document))
    take_over(folder, plan(jobs=2))
    assert folder.manifest.is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("", "expected JSON"),
        ("[1]", "a JSON list where an object was expected"),
        ({"accuracy": None}, "none of its accuracy"),
        ({"accuracy_random": "high"}, "none of its accuracy_random"),
        ({"config": 3}, "expected settings of a run"),
        ({"config": "name: ["}, "expected settings of a run"),
    ],
)
def test_a_damaged_row_is_named(folder, change, message):
    path = folder.result(NAME)
    path.write_text(change if isinstance(change, str) else json.dumps(unsealed(path.read_text()) | change))
    with pytest.raises(ConfigError, match=rf"clapp\+\+-dfb-seed0.json.*{message}.*; remove .*clapp"):
        take_over(folder, plan())


def test_rows_of_all_seeds_are_taken_over(folder):
    document = unsealed(folder.result(NAME).read_text())
    config = spec.load("shapes", ["clapp++-dfb"])[0].config(7, {"threads": 1, "epochs": 100_000})
    write_json(folder.result("clapp++-dfb-seed7"), document | {"seed": 7, "config": to_yaml(config)})
    take_over(folder, plan())
    assert read(folder).plan.seeds == (0, 7)


def test_a_new_folder_is_left_alone(tmp_path):
    take_over(SweepFolder(tmp_path), plan())
    assert list(tmp_path.iterdir()) == []

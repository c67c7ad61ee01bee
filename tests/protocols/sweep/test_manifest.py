"""The manifest grows and never changes."""

import json

import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.runs.files import write_json
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.manifest import cells_of, extended, read, write
from apical.protocols.sweep.spec import load, with_workers
from apical.recordings.seal import unsealed
from tiny_sweeps import BASE, spec


def planned(axes=None, overrides=(), workers=1, **more):
    plan = with_workers(load(spec(axes, **more), overrides), workers)
    return plan, plan.cells()


FIRST = {"axes": {"optimiser.learning_rate": [0.001, 0.01], "training.batch": [8]}, "seeds": 2}


@pytest.fixture
def folder(tmp_path):
    found = SweepFolder(tmp_path)
    write(found, extended(None, *planned(**FIRST)))
    return found


def test_it_is_read_as_it_was_written(folder):
    plan, cells = planned(**FIRST)
    manifest = read(folder)
    assert manifest.plan == plan
    assert [cell["hash"] for cell in manifest.cells.values()] == [cell.hash for cell in cells]
    assert cells_of(manifest) == cells
    told = {"random": {"network.hidden": {"choice": [[4, 4], [6, 4]]}}, "n": 2, "seed": 3}
    other = planned(
        {"draw": told, "rule": {"entries": {"a": {"training.batch": 8}}}},
        ["rule.contrast=hinge"],
        cells=[{"where": {"seed": 0}, "set": {"training.batch": 4}}],
    )
    write(folder, extended(None, *other))
    assert read(folder).plan == other[0]
    assert cells_of(read(folder)) == other[1]


def test_values_and_seeds_are_added_and_what_is_not_asked_for_stays(folder):
    more = planned({"optimiser.learning_rate": [0.1, 0.001], "training.batch": [8, 16]}, seeds=[2])
    manifest = extended(read(folder), *more)
    axis = manifest.plan.axes[0]
    assert [value.label for value in axis.values] == [0.001, 0.01, 0.1]
    assert manifest.plan.seeds == (0, 1, 2)
    assert len(manifest.cells) == 4 + 4
    write(folder, manifest)
    assert {cell.name for cell in cells_of(read(folder))} == set(manifest.cells)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": {**BASE, "training": {**BASE["training"], "batch": 16, "epochs": 2}}}, "sweep.base.training.epochs: expected 1 as in the manifest, got 2"),
        ({"base": {**BASE, "seed": 4}}, "sweep.base.seed: expected none as in the manifest, got 4; a sweep grows by values and seeds alone: choose another --out"),
        ({"budget": {"epochs": 2}}, "sweep.budget.epochs: expected none as in the manifest, got 2"),
        ({"do": ["train"]}, r"sweep.do: expected \['train', 'probe'\] as in the manifest, got \['train'\]"),
        ({"overrides": ["rule.contrast=hinge"]}, r"sweep.--set: expected \[\] as in the manifest"),
        ({"axes": {"optimiser.learning_rate": [0.001]}}, "sweep.axes: expected optimiser.learning_rate, training.batch as in the manifest, got optimiser.learning_rate;"),
        (
            {"axes": {"optimiser.learning_rate": [0.001], "training.batch": {"list": [{"training.batch": 8}]}}},
            "axes.training.batch: expected a grid as in the manifest, got a list",
        ),
        ({"cells": [{"where": {"seed": 0}, "set": {"rule.contrast": "softplus"}}]}, "expected learning_rate=0.001-batch8-seed0 with|expected learning_rate=0.001-batch=8-seed0 with the settings and sources that stand in the manifest, got others"),
    ],
)  # fmt: skip
def test_another_sweep_is_refused(folder, change, message):
    given = {**FIRST, **change}
    overrides, base = given.pop("overrides", ()), given.pop("base", BASE)
    plan = load(spec(given.pop("axes"), **given) | {"base": base}, overrides)
    with pytest.raises(ConfigError, match=message):
        extended(read(folder), plan, plan.cells())


def test_an_entry_keeps_its_settings(tmp_path):
    first, other = ({"rule": {"entries": {"a": {"training.batch": batch}}}} for batch in (8, 4))
    folder = SweepFolder(tmp_path)
    write(folder, extended(None, *planned(first)))
    with pytest.raises(
        ConfigError, match=r"axes.rule: expected the settings of a that stand in the manifest, got others"
    ):
        extended(read(folder), *planned(other))


def test_a_budget_of_seconds_keeps_its_workers(tmp_path):
    folder = SweepFolder(tmp_path)
    write(folder, extended(None, *planned(budget={"seconds": 3}, workers=2)))
    with pytest.raises(ConfigError, match="workers of a budget of seconds: expected 2 as in the manifest, got 1"):
        extended(read(folder), *planned(budget={"seconds": 3}))


def test_what_is_damaged_or_of_another_version_is_refused(folder):
    path, text = folder.manifest, folder.manifest.read_text()
    path.write_text(text.replace("0.001", "0.002", 1))
    with pytest.raises(ConfigError, match=r"sweep.json: expected JSON, got another text .*changed.*; restore it"):
        read(folder)
    document = unsealed(text)
    write_json(path, document | {"format": 2})
    with pytest.raises(ConfigError, match="expected format 1, got 2; another version"):
        read(folder)
    path.write_text(json.dumps({"format": 1}))
    with pytest.raises(ConfigError, match="expected a mapping with format, plan, cells"):
        read(folder)
    path.unlink()
    with pytest.raises(ConfigError, match=r"expected the folder of a sweep with sweep.json, got none"):
        read(folder)


def test_a_cell_whose_source_was_changed_is_not_gone_on_with(folder, monkeypatch):
    monkeypatch.setattr("apical.protocols.sweep.plan.sources_of", lambda config: {"mine.py:Rule": "abc"})
    with pytest.raises(
        ConfigError, match="with the settings and sources that stand in the manifest, got others; undo what was changed"
    ):
        cells_of(read(folder))

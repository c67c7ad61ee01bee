"""Sweeps as files."""

import pytest
import yaml
from apical.protocols.errors import ConfigError
from apical.protocols.sweep.spec import load, with_workers
from tiny_sweeps import BASE, spec


def write(tmp_path, document):
    path = tmp_path / "rates.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def test_a_file_is_a_plan(tmp_path):
    document = spec(seeds=3, budget={"epochs": 2}, do=["probe", "train"])
    del document["name"]
    plan = load(write(tmp_path, document), ["training.batch=8"])
    assert (plan.name, plan.seeds, plan.budget.epochs, plan.do) == ("rates", (0, 1, 2), 2, ("train", "probe"))
    assert len(plan.cells()) == 6
    assert {cell.config.training.batch for cell in plan.cells()} == {8}
    assert load(spec(seeds=[5, 1])).seeds == (5, 1)
    assert load(spec()).seeds == (0,)


def test_the_base_is_a_preset_several_or_a_mapping_that_extends_one():
    assert load(spec() | {"base": "demo"}).base["name"] == "demo"
    assert load(spec() | {"base": ["demo", "cifar10-dfb-narrow"]}).base["stimulus"]["name"] == "cifar10"
    extended = load(spec() | {"base": {"extends": "demo", "training": {"batch": 8}}}).base
    assert (extended["training"]["batch"], extended["stimulus"]["name"]) == (8, "shapes")


def test_workers_count_where_seconds_are_the_budget():
    assert with_workers(load(spec()), 4).beside is None
    assert with_workers(load(spec(budget={"seconds": 3})), 4).beside == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axis": {}}, "axis: expected one of name, base, axes, .*; did you mean axes"),
        ({"base": 3}, "base: expected a preset, a file or a mapping of settings, got 3"),
        ({"base": "dmo"}, "preset: expected a preset or a YAML file, got 'dmo'; did you mean demo"),
        ({"axes": []}, r"axes: expected a mapping of settings to their values, got \[\]"),
        ({"axes": {3: [1]}}, "axes: expected names of settings, got 3"),
        ({"axes": {"training.batch": 3}}, "axes.training.batch: expected a list of values"),
        ({"seeds": 0}, "seeds: expected how many seeds, or a list of them, got 0"),
        ({"seeds": True}, "seeds: expected how many seeds"),
        ({"seeds": [0, -1]}, "seeds: expected how many seeds"),
        ({"seeds": [1, 1]}, r"seeds: expected different seeds, got \[1, 1\]"),
        ({"budget": {"epochs": 0}}, "budget.epochs: expected at least 1, got 0"),
        (
            {"budget": {"epochs": 1, "seconds": 1}},
            "budget: expected one of epochs, samples, seconds, got epochs and seconds",
        ),
        (
            {"budget": {"epoch": 1}},
            "budget.epoch: expected one of epochs, samples, seconds, .*; did you mean budget.epochs",
        ),
        ({"do": ["train", "prob"]}, "do: expected steps of train, probe, align, got 'prob'; did you mean probe"),
        ({"do": ["probe"]}, "do: expected train among the steps, got probe"),
        ({"name": "a/b"}, "name: expected at most 100 letters"),
        (
            {"cells": [{"where": {"width": 1}, "set": {"training.batch": 8}}]},
            r"cells\[0\].where: expected names of axes, .*, got 'width'",
        ),
        (
            {"cells": [{"where": {"optimiser.learning_rate": 7}, "set": {"training.batch": 8}}]},
            r"cells\[0\].where.optimiser.learning_rate: expected one of 0.001, 0.01, got 7; no cell is there",
        ),
        ({"cells": [{"where": {"seed": 0}, "set": {"seed": 8}}]}, "cells: expected settings of a run, got seed"),
        ({"cells": [{"where": {}, "set": {"training.batch": 8}}]}, r"cells\[0\].where: expected a mapping"),
        ({"cells": [{"where": {"seed": 0}, "set": {"a..b": 8}}]}, r"cells\[0\].set: expected settings as group.name"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, change, message):
    path = write(tmp_path, spec() | change)
    with pytest.raises(ConfigError, match=rf"^{path}: {message}"):
        load(path)


def test_no_file_and_no_mapping_are_refused(tmp_path):
    with pytest.raises(
        ConfigError, match=r"sweep\.spec: expected a YAML file, or the folder of a sweep, got 'nowhere.yaml'"
    ):
        load("nowhere.yaml")
    with pytest.raises(ConfigError, match="expected a mapping with base and axes, got list"):
        load(write(tmp_path, [1]))
    with pytest.raises(ConfigError, match="base: expected a value"):
        load({"axes": {"training.batch": [8]}})
    assert BASE  # is not changed by any of it

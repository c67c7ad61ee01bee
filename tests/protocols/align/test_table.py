"""Averages over batches, and what the lines are called."""

import numpy as np
import pytest
from apical.protocols.align.measure import Alignment
from apical.protocols.align.table import averages, dataset, labels, table
from apical.protocols.settings.load import load


def settings(context="lateral", grids="[8,4,4,4,2,2]"):
    return load("demo", [f"rule.context={context}", f"rule.grids={grids}"])


def test_averages_against_numpy():
    values = np.random.default_rng(0).normal(size=(7, 3))
    mean, error, count = averages(values)
    np.testing.assert_allclose(mean, values.mean(0))
    np.testing.assert_allclose(error, values.std(0, ddof=1) / np.sqrt(7))
    assert count.tolist() == [7, 7, 7]


def test_batches_without_a_change_do_not_count():
    mean, error, count = averages(np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]]))
    np.testing.assert_array_equal(mean, [2, 5, np.nan])
    np.testing.assert_array_equal(error, [1, np.nan, np.nan])
    assert count.tolist() == [2, 1, 0]


def test_dataset_keeps_every_fit_and_step_in_its_place():
    found = {
        (fit, step): Alignment([[0.1 * i, 1], [0.1 * i, 1]], [[i, 1.0], [i + 2.0, 1.0]], [[2.0, 3.0]] * 2)
        for i, (fit, step) in enumerate([("none", 0), ("objective", 0), ("none", 40), ("objective", 40)])
    }
    result = dataset(found, ["conv1", "conv2"])
    assert dict(result.sizes) == {"fit_b": 2, "step": 2, "population": 2}
    chosen = result.sel(fit_b="none", step=40, population="conv1")
    assert float(chosen.cosine) == pytest.approx(0.2)
    assert float(chosen.norm_ratio) == pytest.approx(3)
    assert float(chosen.norm_ratio_se) == pytest.approx(1)
    assert float(chosen.compared) == 2
    assert all(variable.attrs["units"] and variable.attrs["long_name"] for variable in result.data_vars.values())
    rows = table([("DFB", result)])
    assert rows["layers"] == ["conv1", "conv2"]
    assert rows["cosine"]["DFB, B fitted to its objective"]["40"] == pytest.approx([0.3, 1])
    assert rows["steps"] == {"DFB": [0, 40]}


def test_lines_are_called_by_their_wiring():
    flat = "[1,1,1,1,1,1]"
    configs = [settings(grids=flat), settings(), settings("dfb"), settings("both"), settings("dfb", flat)]
    assert labels(configs, list("abcde")) == [
        "no spatial dependency", "lateral", "DFB", "both", "DFB, no spatial dependency"
    ]  # fmt: skip


def test_runs_wired_alike_are_told_apart_by_their_folders():
    assert labels([settings("dfb"), settings(), settings("dfb")], ["runs/a", "runs/b", "runs/c"]) == [
        "DFB (runs/a)", "lateral", "DFB (runs/c)"
    ]  # fmt: skip


def test_a_dense_network_is_not_without_spatial_dependency():
    dense = load("demo", ["network.builder=mlp", "network.hidden=[8]", "rule.grids=[]", "network.width=1.0"])
    assert labels([dense], ["a"]) == ["DFB"]

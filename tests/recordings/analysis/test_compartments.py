"""Apical against basal potentials: numpy's correlation, and errors by hand."""

import numpy as np
import pytest
from apical.recordings.analysis import apical_basal, errors_over_training, prediction_error, windows, with_score

from .signals import signal


def test_correlation_by_unit_and_group_is_that_of_numpy():
    random = np.random.default_rng(0)
    a = 1e3 + random.normal(size=(300, 4))
    e = a * [0.5, 0.0, -1.0, 0.0] + random.normal(size=(300, 4))
    e[:, 3] = 2.0
    phase = random.integers(-1, 2, 300)
    found = apical_basal(signal(e, 40), signal(a, 40), phase, ["fixation", "saccade"])
    groups = {"all": phase >= 0, "fixation": phase == 0, "saccade": phase == 1}
    for name, chosen in groups.items():
        for unit in range(3):
            expected = np.corrcoef(a[chosen, unit], e[chosen, unit])[0, 1]
            assert found["correlation"].sel(group=name).values[unit] == pytest.approx(expected)
    assert np.isnan(found["correlation"].values[:, 3]).all()
    assert found["trials"].values.tolist() == [chosen.sum() for chosen in groups.values()]


def test_trials_without_an_apical_potential_are_left_out():
    random = np.random.default_rng(0)
    a, e = random.normal(size=(2, 50, 3))
    e[[0, 7]] = np.nan
    known = np.isfinite(e[:, 0])
    found = apical_basal(signal(e, 5), signal(a, 5), np.zeros(50, int), ["one"])
    assert found["trials"].values.tolist() == [48, 48]
    assert found["correlation"].values[0, 1] == pytest.approx(np.corrcoef(e[known, 1], a[known, 1])[0, 1])


def test_errors_of_each_trial():
    found = prediction_error(
        signal([[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]], 2), signal([[3.0, 0.0], [0.0, -1.0], [1.0, 0.0]], 2)
    )
    assert found["error"].values == pytest.approx([4, 2, 1])
    assert found["relative_error"].values == pytest.approx([4 / 3, 2, 1])
    assert found["product"].values == pytest.approx([9, -1, 0])
    assert found["angle"].values[:2] == pytest.approx([1 - 9 / 15, 2])
    assert np.isnan(found["angle"].values[2])


def test_correlation_with_the_score():
    random = np.random.default_rng(0)
    e, a = random.normal(size=(2, 50, 5))
    errors = prediction_error(signal(e), signal(a))
    told = with_score(errors, 3 * (e * a).sum(1) + 1)
    assert told["product"] == pytest.approx(1)
    assert told["error"] == pytest.approx(np.corrcoef(errors["error"], (e * a).sum(1))[0, 1])
    assert np.isnan(with_score(errors, np.ones(50))["product"])


def test_errors_in_windows_of_training():
    e, a = np.array([[1.0], [2.0], [3.0], [4.0]]), np.zeros((4, 1))
    basal = signal(a, step=[0, 0, 10, 10])
    errors = prediction_error(signal(e), basal)
    codes, at = windows(basal, 2)
    found = errors_over_training(errors, np.array([0, 1, 0, 0]), ["fixation", "saccade"], codes, at)
    assert found["error"].sel(phase="fixation").values.tolist() == [1, 3.5]
    assert found["error"].sel(phase="saccade").values[0] == 2
    assert np.isnan(found["error"].sel(phase="saccade").values[1])
    assert found["step"].values.tolist() == [0, 10]

"""Variance components of planted objects and views, and the F of scipy."""

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis import invariance
from scipy.stats import f_oneway

from .signals import signal


def test_planted_components():
    random = np.random.default_rng(0)
    objects = np.repeat(np.arange(500), 8)
    spread, noise = np.array([2.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0])
    values = spread * random.normal(size=(500, 3))[objects] + noise * random.normal(size=(4000, 3))
    found = invariance(signal(values, 300, stimulus_id=objects))
    assert found["across"].values == pytest.approx(spread**2, abs=0.4)
    assert found["within"].values == pytest.approx(noise**2, abs=0.05)
    assert found["share"].values == pytest.approx([0.8, 0.0, 1.0], abs=0.03)


def test_f_is_that_of_scipy():
    random = np.random.default_rng(1)
    objects = random.integers(0, 6, 90)
    values = random.normal(size=(90, 2)) + 0.3 * objects[:, None]
    found = invariance(signal(values, 20, label=objects), "label")
    expected = f_oneway(*(values[objects == k] for k in range(6))).statistic
    assert found["f"].values == pytest.approx(expected)


def test_one_glance_each_is_refused():
    with pytest.raises(
        RecordingError, match="expected at least two objects, one of them seen twice, got 3 trials of 3"
    ):
        invariance(signal(np.ones((3, 1)), stimulus_id=[0, 1, 2]))

"""Means and variances of conditions against numpy, whatever the blocks."""

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis import responses
from apical.recordings.analysis.grouped import Moments, grouped
from hypothesis import given
from hypothesis import strategies as st

from .signals import signal


@given(rows=st.integers(2, 60), groups=st.integers(1, 5), chunk=st.integers(1, 20), seed=st.integers(0, 99))
def test_moments_are_those_of_numpy(rows, groups, chunk, seed):
    random = np.random.default_rng(seed)
    values, codes = random.normal(size=(rows, 3)), random.integers(-1, groups, rows)
    found = Moments(np.zeros(groups), np.zeros((groups, 3)), np.zeros((groups, 3)))
    for start in range(0, rows, chunk):
        found.add(values[start : start + chunk], codes[start : start + chunk])
    for g in range(groups):
        part = values[codes == g]
        assert found.count[g] == len(part)
        assert np.allclose(found.known[g], part.mean(axis=0) if len(part) else np.nan, equal_nan=True)
        expected = part.var(axis=0, ddof=1) if len(part) > 1 else np.full(3, np.nan)
        assert np.allclose(found.variance[g], expected, equal_nan=True)


def test_a_small_variance_on_a_large_mean_is_not_lost():
    random = np.random.default_rng(0)
    values = 1e4 + 1e-2 * random.normal(size=(4000, 1))
    found = grouped(signal(values, 100), np.zeros(4000, np.int64), 1)
    assert found.variance[0, 0] == pytest.approx(values.var(ddof=1), rel=1e-6)


def test_combinations_of_parameters_are_dimensions():
    orientation = np.array([0.0, 90.0, 0.0, np.nan, 90.0, 0.0])
    frequency = np.array([1.0, 1.0, 2.0, 1.0, 1.0, 2.0])
    values = np.array([[1.0], [2.0], [3.0], [99.0], [4.0], [5.0]])
    found = responses(
        signal(values, 2, orientation=orientation, spatial_frequency=frequency), ["orientation", "spatial_frequency"]
    )
    assert found["mean"].dims == ("orientation", "spatial_frequency", "unit")
    assert found["mean"].sel(orientation=90.0, spatial_frequency=1.0).item() == 3.0
    assert found["mean"].sel(orientation=0.0, spatial_frequency=2.0).item() == 4.0
    assert np.isnan(found["mean"].sel(orientation=90.0, spatial_frequency=2.0).item())
    assert found["count"].values.tolist() == [[1, 2], [2, 0]]


def test_an_unknown_parameter_names_the_known_ones():
    with pytest.raises(
        RecordingError, match=r"analysis\.by: expected one of label, got 'orientation'; record it as a parameter"
    ):
        responses(signal(np.zeros((2, 1)), label=[0, 1]), ["orientation"])

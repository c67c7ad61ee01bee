"""Sparsity of known distributions."""

import numpy as np
import pytest
from apical.recordings.analysis import sparsity

from .signals import signal


def test_one_of_n_is_1_and_all_alike_is_0():
    values = np.zeros((10, 3))
    values[4, 0] = 7.0
    values[:, 1] = 2.0
    found = sparsity(signal(values, 3))
    assert found["lifetime"].values[:2] == pytest.approx([1.0, 0.0])
    assert np.isnan(found["lifetime"].values[2])
    assert found["silent"].values == pytest.approx([0.9, 0.0, 1.0])
    assert found["active"].item() == pytest.approx(11 / 30)


def test_exponential_rates_have_a_half():
    """E[r]^2 / E[r^2] = 1/2 of an exponential distribution, so S tends to 1/2."""
    values = np.random.default_rng(0).exponential(3.0, size=(20000, 40))
    found = sparsity(signal(values, 1024))
    assert found["lifetime"].values == pytest.approx(np.full(40, 0.5), abs=0.02)
    # of 40 units the ratio of two means is a little above a half: compare with the formula itself
    a = values.mean(1) ** 2 / (values**2).mean(1)
    each = (1 - a) / (1 - 1 / 40)
    assert found["population_sparsity"].item() == pytest.approx(each.mean())
    assert found["population_sparsity_sd"].item() == pytest.approx(each.std())


def test_rates_below_0_have_none():
    values = np.array([[1.0, -1.0], [2.0, 3.0]])
    found = sparsity(signal(values))
    assert np.isnan(found["lifetime"].values[1])
    assert found["lifetime"].values[0] == pytest.approx((1 - 1.5**2 / 2.5) / 0.5)
    assert np.isnan(found["population_sparsity"].item())
    assert found["silent"].values == pytest.approx([0.0, np.nan], nan_ok=True)
    assert np.isnan(found["active"].item())


def test_active_counts_units_above_0():
    """A value that is no number is not above 0."""
    found = sparsity(signal(np.array([[1.0, 0.0], [np.nan, 3.0]])))
    assert found["active"].item() == pytest.approx(0.5)

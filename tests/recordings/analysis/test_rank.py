"""Effective rank of planted spectra."""

import numpy as np
import pytest
from apical.recordings.analysis import effective_rank
from apical.recordings.analysis.rank import covariance
from sklearn.decomposition import PCA

from .signals import signal


def test_planted_spectrum():
    random = np.random.default_rng(0)
    n, planted = 4000, np.array([4.0, 2.0, 1.0, 1.0])
    factors = np.linalg.qr(random.normal(size=(n, 4)) - random.normal(size=(n, 4)).mean(0))[0]
    factors -= factors.mean(0)
    factors = np.linalg.qr(factors)[0]  # exactly uncorrelated
    mixing = np.linalg.qr(random.normal(size=(20, 20)))[0][:4]
    values = 100 + factors * np.sqrt(planted) @ mixing
    found = effective_rank(signal(values, 300))
    p = planted / planted.sum()
    assert found["participation_ratio"].item() == pytest.approx(planted.sum() ** 2 / (planted**2).sum())
    assert found["entropy_rank"].item() == pytest.approx(np.exp(-(p * np.log(p)).sum()))
    assert found["spectrum"].values[:4] == pytest.approx(p)
    assert found["spectrum"].values[4:] == pytest.approx(0, abs=1e-9)


def test_spectrum_is_that_of_scikit_learn():
    values = np.random.default_rng(1).gamma(1.0, size=(500, 12)) @ np.random.default_rng(2).normal(size=(12, 12))
    found = effective_rank(signal(values, 64))
    assert found["spectrum"].values == pytest.approx(PCA().fit(values).explained_variance_ratio_)


def test_covariance_in_blocks():
    values = 1e3 + np.random.default_rng(1).normal(size=(500, 6))
    wanted = np.arange(500) % 3 > 0
    found, count = covariance(signal(values, 70), rows=wanted)
    assert np.allclose(found, np.cov(values[wanted].T), rtol=1e-9)
    assert count == wanted.sum()


def test_too_many_units_are_drawn_by_seed():
    values = np.random.default_rng(0).normal(size=(50, 30))
    first, again, other = (effective_rank(signal(values), most_units=10, seed=seed) for seed in (0, 0, 1))
    assert first["units"].item() == 10
    assert first["participation_ratio"].item() == again["participation_ratio"].item()
    assert first["participation_ratio"].item() != other["participation_ratio"].item()


def test_a_silent_population_has_none():
    found = effective_rank(signal(np.zeros((5, 3))))
    assert np.isnan([found["participation_ratio"].item(), found["entropy_rank"].item()]).all()

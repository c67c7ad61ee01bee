"""Representational similarity against scipy and numpy."""

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis import compared, dissimilarity
from apical.recordings.analysis.similarity import cosine, pearson, ranks, spearman
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from .signals import signal


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30))
def test_ranks_are_those_of_scipy(values):
    assert np.array_equal(ranks(np.array(values, float)), rankdata(values))


@given(seed=st.integers(0, 200), n=st.integers(3, 30))
def test_spearman_is_that_of_scipy(seed, n):
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 6, n).astype(float), random.normal(size=n)
    if np.ptp(a) == 0:
        assert np.isnan(spearman(a, b))
    else:
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_rdm_is_1_minus_the_correlation_of_means():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 300)
    values = random.normal(size=(300, 7)) + random.normal(size=(4, 7))[labels]
    found = dissimilarity(signal(values, 50, label=labels), "label")
    means = np.stack([values[labels == c].mean(0) for c in range(4)])
    assert np.allclose(found.values, 1 - np.corrcoef(means))


def test_comparison_of_rdms():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 3)
    x = random.normal(size=(8, 20))[labels]
    one, other = (dissimilarity(signal(v, label=labels), "label") for v in (x, x + random.normal(size=x.shape)))
    found = compared({"one": one, "other": other})
    upper = np.triu_indices(8, 1)
    assert found["spearman"].values[0, 1] == pytest.approx(spearmanr(one.values[upper], other.values[upper]).statistic)
    assert found["cosine"].values[0, 1] == pytest.approx(cosine(one.values[upper], other.values[upper]))
    assert np.diag(found["spearman"]) == pytest.approx(1)
    assert compared({"one": one}, {"one": one})["spearman"].values.tolist() == [[pytest.approx(1)]]


def test_what_does_not_vary_has_no_correlation():
    assert np.isnan(pearson(np.ones(3), np.arange(3.0)))
    assert np.isnan(cosine(np.zeros(3), np.ones(3)))


def test_refusals():
    few = signal(np.random.default_rng(0).normal(size=(4, 3)), label=[0, 0, 1, 1])
    with pytest.raises(RecordingError, match="expected 3 to 1000 conditions, got 2"):
        dissimilarity(few, "label")
    one, other = (
        dissimilarity(signal(np.random.default_rng(0).normal(size=(3, 3)), label=labels), "label")
        for labels in ([0, 1, 2], [1, 2, 3])
    )
    with pytest.raises(RecordingError, match=r"analysis\.other: expected the same conditions"):
        compared({"one": one}, {"other": other})

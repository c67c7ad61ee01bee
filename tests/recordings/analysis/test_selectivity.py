"""d' of planted Gaussians and the class selectivity index of known means."""

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis import between, class_selectivity

from .signals import signal


def test_d_prime_of_two_gaussians_is_the_planted_one():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 40000)
    planted = np.array([0.0, 1.0, -2.0])
    values = random.normal(size=(40000, 3)) + labels[:, None] * planted
    found = between(signal(values, 1000, label=labels), "label", 1, 0)
    assert np.allclose(found.values, planted, atol=0.05)
    assert np.allclose(between(signal(values, label=labels), "label", 0, 1).values, -found.values)


def test_d_prime_of_unequal_variances():
    """Means 0 and 3, variances 1 and 9: d' = 3 / sqrt(5)."""
    random = np.random.default_rng(1)
    labels = np.repeat([0, 1], 50000)
    values = np.where(labels == 1, 3 + 3 * random.normal(size=100000), random.normal(size=100000))[:, None]
    found = between(signal(values, label=labels), "label", 1, 0)
    assert found.item() == pytest.approx(3 / np.sqrt(5), rel=0.02)


def test_against_the_rest_equals_a_direct_computation():
    random = np.random.default_rng(2)
    labels = random.integers(-1, 4, 600)
    values = random.gamma(2.0, size=(600, 5)) + (labels[:, None] == np.arange(5) % 4)
    found = class_selectivity(signal(values, 64, label=labels))
    assert found["class"].values.tolist() == [0, 1, 2, 3]
    for c in range(4):
        inside, rest = values[labels == c], values[(labels != c) & (labels >= 0)]
        expected = (inside.mean(0) - rest.mean(0)) / np.sqrt((inside.var(0, ddof=1) + rest.var(0, ddof=1)) / 2)
        assert np.allclose(found["d_prime"].sel({"class": c}), expected)
    means = np.stack([values[labels == c].mean(0) for c in range(4)])
    top = means.max(0)
    rest = (means.sum(0) - top) / 3
    assert np.allclose(found["class_selectivity"], (top - rest) / (top + rest))
    assert found["preferred"].values.tolist() == means.argmax(0).tolist()


def test_selectivity_is_1_of_a_unit_for_one_class_and_0_of_one_for_all():
    labels = np.repeat([0, 1, 2], 4)
    values = np.stack([labels == 1, np.ones(12), np.zeros(12)], axis=1).astype(float)
    found = class_selectivity(signal(values, label=labels))["class_selectivity"].values
    assert found[:2].tolist() == [1.0, 0.0]
    assert np.isnan(found[2])


def test_index_of_negative_rates_is_not_defined():
    assert np.isnan(
        class_selectivity(signal([[-1.0], [1.0], [2.0]], label=[0, 1, 1]))["class_selectivity"].values
    ).all()


@pytest.mark.parametrize(
    ("labels", "message"), [([-1, -1], "expected labelled trials"), ([3, 3], "expected at least two classes")]
)
def test_refusals(labels, message):
    with pytest.raises(RecordingError, match=message):
        class_selectivity(signal(np.ones((2, 1)), label=labels))

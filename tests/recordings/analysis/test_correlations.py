"""Noise and signal correlations of planted covariances."""

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis import noise_correlations

from .signals import signal


def test_planted_noise_and_signal_are_told_apart():
    """Two units of equal tuning and opposite noise, two of opposite tuning and equal noise."""
    random = np.random.default_rng(0)
    stimulus = np.repeat(np.arange(40), 50)
    tuning = random.normal(size=40)[stimulus]
    noise = random.normal(size=2000)
    private = 0.5 * random.normal(size=(2000, 2))
    values = np.stack([tuning + noise + private[:, 0], tuning - noise + private[:, 1], noise - tuning], axis=1)
    found = noise_correlations(signal(values, 300, stimulus_id=stimulus))
    left = values - np.stack([values[stimulus == s].mean(0) for s in range(40)])[stimulus]
    expected = np.corrcoef(left.T)
    assert found["noise"].values[0, 1] == pytest.approx(expected[0, 1], abs=1e-9) == pytest.approx(-0.8, abs=0.02)
    means = np.stack([values[stimulus == s].mean(0) for s in range(40)])
    assert found["signal"].values[0, 1] == pytest.approx(np.corrcoef(means.T)[0, 1])
    assert found["signal"].values[0, 2] < -0.9 < 0.8 < found["noise"].values[0, 2]
    assert np.isnan(np.diag(found["noise"].values)).all()
    assert found["repeats"].item() == 50


def test_conditions_shown_once_are_left_out():
    random = np.random.default_rng(0)
    stimulus = np.array([0, 0, 1, 1, 2, 2, 9])
    values = random.normal(size=(7, 2))
    values[-1] = 1e6
    assert noise_correlations(signal(values, stimulus_id=stimulus))["conditions"].item() == 3


def test_equal_repeats_and_none_are_refused():
    stimulus = np.repeat(np.arange(4), 3)
    equal = np.random.default_rng(0).normal(size=(4, 2))[stimulus]
    with pytest.raises(RecordingError, match="expected responses that differ between trials"):
        noise_correlations(signal(equal, stimulus_id=stimulus))
    with pytest.raises(RecordingError, match="expected at least 3 conditions with repeats, got 0"):
        noise_correlations(signal(equal, stimulus_id=np.arange(12)))

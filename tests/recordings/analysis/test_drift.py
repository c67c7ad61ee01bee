"""Drift: a fixed code is stable, a turning one keeps its geometry, a new one keeps nothing."""

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis import drift

from .signals import signal

STIMULI, UNITS, STEPS = 12, 40, 6


def recorded(codes, by="stimulus_id"):
    """Trials of a fixed batch at every step, from codes (step, stimulus, unit)."""
    step, stimulus = (axis.ravel() for axis in np.indices((STEPS, STIMULI)))
    return signal(codes.reshape(-1, UNITS), 10, step=step * 100, **{by: stimulus})


def test_a_fixed_code_is_stable():
    code = np.random.default_rng(0).normal(size=(STIMULI, UNITS))
    found = drift(recorded(np.stack([code * (1 + s) for s in range(STEPS)])), "stimulus_id")
    assert found["stability"].values == pytest.approx(1)
    assert found["geometry"].values == pytest.approx(1)
    assert np.isnan(found["reliability"].values).all()
    assert found["step"].values.tolist() == [0, 100, 200, 300, 400, 500]
    assert found["change"].values[1:] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])


def test_a_turning_code_keeps_its_geometry():
    """A permutation of the units leaves every correlation between population vectors as it is."""
    random = np.random.default_rng(1)
    code = random.normal(size=(STIMULI, UNITS))
    found = drift(recorded(np.stack([code[:, random.permutation(UNITS)] for _ in range(STEPS)])), "stimulus_id")
    off = ~np.eye(STEPS, dtype=bool)
    assert found["geometry"].values == pytest.approx(1)
    assert np.abs(found["stability"].values[off]).max() < 0.35


def test_a_new_code_keeps_nothing():
    found = drift(recorded(np.random.default_rng(2).normal(size=(STEPS, STIMULI, UNITS))), "stimulus_id")
    off = ~np.eye(STEPS, dtype=bool)
    assert np.abs(found["geometry"].values[off]).max() < 0.5
    assert np.abs(found["stability"].values[off]).max() < 0.35


def test_classes_in_windows_of_training():
    random = np.random.default_rng(3)
    code = random.normal(size=(4, UNITS))
    label, step = random.integers(-1, 4, 4000), np.sort(random.integers(0, 1000, 4000))
    values = code[np.clip(label, 0, 3)] + 0.1 * random.normal(size=(4000, UNITS))
    found = drift(signal(values, 256, label=label, step=step), "label", 5)
    assert found.sizes["window"] == 5
    assert found["conditions"].item() == 4
    assert found["stability"].values.min() > 0.98
    assert found["reliability"].values.min() > 0.98


def test_reliability_tells_what_sampling_leaves():
    """Of trials that are noise alone, halves of a window are as unlike as windows are."""
    random = np.random.default_rng(4)
    label, step = np.tile(np.arange(4), 500), np.repeat(np.arange(10), 200)
    found = drift(signal(random.normal(size=(2000, UNITS)), label=label, step=step), "label", 2)
    assert np.abs(found["reliability"].values).max() < 0.4
    assert np.diag(found["stability"].values) == pytest.approx(1)


def test_refusals():
    with pytest.raises(RecordingError, match="expected at least 2 windows of training with 3 values of label"):
        drift(signal(np.ones((4, 3)), label=[0, 1, 2, 3], step=np.zeros(4)), "label")

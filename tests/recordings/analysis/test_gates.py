"""Open gates by phase and window of training."""

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings.analysis import gates_of_trials, gates_of_updates
from apical.recordings.analysis.windows import windows

PHASES = ("fixation", "saccade")


def modulators(values, **coords):
    return xr.DataArray(np.asarray(values, float), {name: ("trial", c) for name, c in coords.items()}, ("trial",))


def test_gates_of_trials_are_counted():
    step = np.repeat([0, 10, 20, 30], 4)
    phase = np.tile([0, 1], 8)
    values = np.where(phase == 0, step >= 20, -(step < 10).astype(float))
    found = gates_of_trials(modulators(values, step=step), phase, PHASES, 2)["gate_rate"]
    assert found.sel(phase="fixation").values.tolist() == [0, 1]
    assert found.sel(phase="saccade").values.tolist() == [0.5, 0]
    assert found["step"].values.tolist() == [5, 25]


def test_a_recording_without_steps_is_one_window_and_nan_is_unknown():
    found = gates_of_trials(modulators([1.0, 0.0, np.nan]), np.zeros(3, int), PHASES, 5)["gate_rate"]
    assert found.values.tolist() == [[0.5]]
    assert found["phase"].values.tolist() == ["fixation"]


def test_gates_of_batches_are_averaged():
    updates = xr.Dataset(
        {"gate_fixation": ("step", [0.1, 0.3, 0.5]), "gate_saccade": ("step", [1.0, 0.0, 0.0])}, {"step": [0, 10, 20]}
    )
    found = gates_of_updates(updates, PHASES, 3)["gate_rate"]
    assert found.values.tolist() == [[0.1, 0.3, 0.5], [1.0, 0.0, 0.0]]


def test_windows_have_about_equal_numbers_of_steps():
    codes, at = windows(modulators(np.zeros(10), step=np.arange(10)), 3)
    assert np.bincount(codes).tolist() == [4, 3, 3]
    assert at.values.tolist() == [1.5, 5, 8]
    with pytest.raises(RecordingError, match=r"analysis\.step: expected this coordinate"):
        windows(modulators([0.0]), 1)

"""Gate rate: how often plasticity is open, by phase, over training.

A trial's gate is open where its neuromodulator is not 0. Of training, the tables `updates/*` hold the share of open gates of whole batches;
of any other recording it is counted over the recorded trials.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .blocks import blocks
from .described import variable
from .windows import windows

PHASES = ("fixation", "saccade")


def gates_of_updates(updates: xr.Dataset, count: int, suffix: str = "") -> xr.Dataset:
    """Open gates of whole batches, from a table `updates/<population>`: (phase, window)."""
    codes, at = windows(updates, count)
    rows = {}
    for phase in PHASES:
        name = f"gate_{phase}{suffix}"
        if name in updates:
            rows[phase] = _means(updates[name].values.astype(np.float64), codes, at.size)
    return _dataset(rows, at)


def gates_of_trials(modulator: xr.DataArray, phase: NDArray[np.integer], count: int) -> xr.Dataset:
    """Share of trials whose neuromodulator is not 0: (phase, window).

    Args:
        modulator: (trial,).
        phase: of every trial, 0 fixation and 1 saccade; trials of any other value are of neither.
        count: windows over training; all trials are one window where they have no step.
    """
    if "step" in modulator.coords:
        codes, at = windows(modulator, count)
    else:
        told = {"units": "1", "long_name": "window of all trials"}
        codes, at = np.zeros(len(modulator), np.int64), xr.Variable(("window",), np.zeros(1), told)
    opened = np.empty(len(modulator))
    for rows, (values,) in blocks(modulator):
        opened[rows] = np.where(np.isfinite(values), values != 0, np.nan)
    rows_of = {}
    for i, name in enumerate(PHASES):
        if (phase == i).any():
            rows_of[name] = _means(opened[phase == i], codes[phase == i], at.size)
    return _dataset(rows_of, at)


def _means(values: NDArray[np.float64], codes: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    known = np.isfinite(values)
    sums = np.bincount(codes[known], weights=values[known], minlength=count)
    sizes = np.bincount(codes[known], minlength=count)
    return np.asarray(np.where(sizes > 0, sums / np.maximum(sizes, 1), np.nan))


def _dataset(rows: dict[str, NDArray[np.float64]], at: xr.Variable) -> xr.Dataset:
    values = np.stack(list(rows.values())) if rows else np.empty((0, at.size))
    made = variable(("phase", "window"), values, "share of open gates")
    coords = {"phase": variable(("phase",), list(rows), "phase of the glance"), "step": at}
    return xr.Dataset({"gate_rate": made}, coords)

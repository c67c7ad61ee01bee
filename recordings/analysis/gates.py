"""Gate rate: how often plasticity is open, by phase, over training.

A trial's gate is open where its neuromodulator is not 0. Of training, the tables `updates/*` hold the share of open gates of whole batches;
of any other recording it is counted over the recorded trials.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .blocks import blocks
from .described import variable
from .windows import windows

PREFIX = "gate_"
COLUMNS = ("fixation", "saccade")  # of a table of updates, whatever the rule calls its two phases


def gates_of_updates(updates: xr.Dataset, phases: Sequence[str], count: int, suffix: str = "") -> xr.Dataset:
    """Open gates of whole batches: (phase, window).

    Args:
        updates: a table `updates/<population>`.
        phases: what the rule calls its two phases.
        count: windows over training.
        suffix: `_NAME` for the modulator of a further apical dendrite.
    """
    codes, at = windows(updates, count)
    rows = {
        phase: _means(updates[f"{PREFIX}{column}{suffix}"].values.astype(np.float64), codes, at.size)
        for phase, column in zip(phases, COLUMNS, strict=True)
        if f"{PREFIX}{column}{suffix}" in updates
    }
    return _dataset(rows, at)


def gates_of_trials(
    modulator: xr.DataArray, phase: NDArray[np.integer], phases: Sequence[str], count: int
) -> xr.Dataset:
    """Share of trials whose neuromodulator is not 0: (phase, window).

    Args:
        modulator: (trial,).
        phase: of every trial, an index into `phases`; trials of any other value are of none.
        phases: what the phases are called.
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
    for i, name in enumerate(phases):
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
    coords = {"phase": variable(("phase",), list(rows), "phase"), "step": at}
    return xr.Dataset({"gate_rate": made}, coords)

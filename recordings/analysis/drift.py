"""Drift through training: how much of a population's representation of the same things is kept.

    stability(t, t') = mean over conditions c of r( x_c(t) - mean_c x(t), x_c(t') - mean_c x(t') )     population vectors
    geometry(t, t')  = Spearman's rho of the RDMs at t and t'

Stability falls where single units change what they answer, geometry only where relations between conditions change: a code that turns
within its space keeps its geometry and loses its stability (Driscoll, Duncker and Harvey 2022, Curr. Opin. Neurobiol. 76:102609).
Conditions are the stimuli of a fixed probe batch, where a table of one was recorded; of training trials, whose images are others every
time, they are classes.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .described import variable
from .grouped import coded, grouped
from .similarity import correlations, pearson, spearman
from .windows import windows

Array = NDArray[np.float64]


def drift(signal: xr.DataArray, by: str, count: int = 8, *, rows: NDArray[np.bool_] | None = None) -> xr.Dataset:
    """Stability and geometry between windows of training.

    Args:
        signal: (trial, unit), with the coordinates `step` and `by`.
        by: coordinate that names the condition: stimulus_id of a probe batch, label of training trials.
        count: windows; of a probe batch its steps where they are fewer.
        rows: trials to use.

    Returns:
        stability, geometry (window, other_window); mean_rate, change (window): norm of the change of the population vectors since the window
        before, relative to their norm; reliability (window): correlation of the population vectors of the first half of a window's trials with those
        of the second half, NaN where a condition was seen once. Stability cannot be larger than sampling lets it be, which this tells.
        Conditions missing in a window are left out of every window.

    Raises:
        RecordingError: fewer than two windows, or fewer than 3 conditions that all of them have.
    """
    if by not in signal.coords:
        raise RecordingError(
            f"analysis.by: expected a coordinate of the trials, got {by!r}; choose label or stimulus_id"
        )
    window, at = windows(signal, count)
    codes, distinct = coded(signal.coords[by].values)
    if by == "label":
        codes = np.where(signal.coords[by].values >= 0, codes, -1)
    codes = codes if rows is None else np.where(rows, codes, -1)
    joint = np.where(codes >= 0, window * len(distinct) + codes, -1)
    groups = at.size * len(distinct)
    halves = grouped(signal, np.where(joint >= 0, 2 * joint + _half(joint), -1), 2 * groups)
    half_mean = halves.known.reshape(at.size, len(distinct), 2, -1)
    half_count = halves.count.reshape(at.size, len(distinct), 2)
    count_of = half_count.sum(axis=2)
    mean = (half_count[..., None] * np.nan_to_num(half_mean)).sum(axis=2) / np.maximum(count_of, 1)[..., None]
    complete = (count_of > 0).all(axis=0)
    if at.size < 2 or complete.sum() < 3:
        raise RecordingError(
            f"analysis.drift: expected at least 2 windows of training with 3 values of {by} in each, got {at.size} and "
            f"{int(complete.sum())}; take fewer windows, or another --by"
        )
    mean = mean[:, complete]
    dims = ("window", "other_window")
    shift = np.linalg.norm(np.diff(mean, axis=0), axis=(1, 2)) / np.maximum(
        np.linalg.norm(mean[:-1], axis=(1, 2)), 1e-300
    )
    variables = {
        "stability": variable(dims, _stability(mean), "stability of the population vectors", symbol="r"),
        "geometry": variable(dims, _geometry(mean), "Spearman's correlation of the RDMs", symbol="ρ"),
        "mean_response": variable(("window",), mean.mean(axis=(1, 2)), f"mean {signal.attrs.get('long_name', signal.name)}", units=str(signal.attrs.get("units", "1"))),
        "change": variable(("window",), np.concatenate([[np.nan], shift]), "change of the population vectors since the window before, relative"),
        "reliability": variable(("window",), _reliability(half_mean[:, complete]), "stability between halves of one window", symbol="r"),
        "conditions": variable((), int(complete.sum()), f"number of {by}"),
    }  # fmt: skip
    return xr.Dataset(variables, {"step": at})


def _half(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whether a row stands in the second half of the rows of its group: the glances at one object follow each other, and stay together."""
    order = np.argsort(codes, kind="stable")
    _, first, count = np.unique(codes[order], return_index=True, return_counts=True)
    found = np.empty(len(codes), np.int64)
    found[order] = 2 * (np.arange(len(codes)) - np.repeat(first, count)) >= np.repeat(count, count)
    return found


def _reliability(halves: Array) -> Array:
    """Stability between the halves (window, condition, 2, unit) of each window."""
    return np.array([_stability(np.stack([each[:, 0], each[:, 1]]))[0, 1] for each in halves])


def _stability(mean: Array) -> Array:
    centred = mean - mean.mean(axis=1, keepdims=True)
    n = len(mean)
    values = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            each = [pearson(a, b) for a, b in zip(centred[i], centred[j], strict=True)]
            known = [r for r in each if np.isfinite(r)]
            values[i, j] = np.mean(known) if known else np.nan
    return values


def _geometry(mean: Array) -> Array:
    upper = np.triu_indices(mean.shape[1], 1)
    rdms = [1 - correlations(each)[upper] for each in mean]
    values = np.full((len(rdms), len(rdms)), np.nan)
    for i, a in enumerate(rdms):
        for j, b in enumerate(rdms):
            known = np.isfinite(a) & np.isfinite(b)
            if known.sum() > 1:
                values[i, j] = spearman(a[known], b[known])
    return values

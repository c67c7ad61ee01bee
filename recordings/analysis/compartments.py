"""The two dendrites of a unit: how apical and basal potential go together, and how far one predicts the other.

    r        Pearson's correlation over trials of the apical potential e and the basal potential a of a unit
    error    ||e - a||     over the recorded units of a population in one trial
    1 - cos  1 - e.a / (|e| |a|)

A rule's own score may be of more units than were recorded, or pooled; how it goes with these two is told as a correlation over trials.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .blocks import blocks
from .described import result, two_dimensional, variable
from .similarity import pearson

Array = NDArray[np.float64]


class _Paired:
    """Sums of two signals and their products, about the mean of the first block."""

    def __init__(self, units: int) -> None:
        self.sums = np.zeros((5, units))
        self.count = 0

    def add(self, a: Array, b: Array) -> None:
        if len(a):
            self.sums += np.stack([a.sum(0), b.sum(0), (a * a).sum(0), (b * b).sum(0), (a * b).sum(0)])
            self.count += len(a)

    def correlation(self) -> Array:
        n = max(self.count, 1)
        a, b, aa, bb, ab = self.sums / n
        first, second = aa - a * a, bb - b * b
        valid = (first > 1e-12 * aa) & (second > 1e-12 * bb) & (self.count > 1)
        return np.asarray(np.where(valid, (ab - a * b) / np.sqrt(np.where(valid, first * second, 1)), np.nan))


def apical_basal(
    apical: xr.DataArray, basal: xr.DataArray, groups: NDArray[np.int64], names: list[str]
) -> xr.Dataset:  # fmt: skip
    """Correlation over trials of apical and basal potential, by unit and group of trials.

    Args:
        apical, basal: (trial, unit) of one population.
        groups: of every trial, an index into `names` (its phase, say), or -1.
        names: what the groups are called.

    Trials without a context have no apical potential and are left out.

    Returns:
        correlation (group, unit), with the group `all` of all trials of the others first; trials (group).
    """
    two_dimensional(basal)
    units = basal.sizes["unit"]
    sums = [_Paired(units) for _ in range(len(names) + 1)]
    shift: tuple[Array, Array] | None = None
    kept = groups[groups >= 0]
    for rows, (first, second) in blocks(apical, basal, rows=groups >= 0):
        known = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
        e, a, group = first[known].astype(np.float64), second[known].astype(np.float64), kept[rows][known]
        if not len(e):
            continue
        shift = (e.mean(0), a.mean(0)) if shift is None else shift
        e, a = e - shift[0], a - shift[1]
        sums[0].add(e, a)
        for g in range(len(names)):
            sums[g + 1].add(e[group == g], a[group == g])
    variables = {
        "correlation": variable(("group", "unit"), np.stack([each.correlation() for each in sums]), "correlation of apical and basal potential", symbol="r"),
        "trials": variable(("group",), [each.count for each in sums], "trials"),
    }  # fmt: skip
    return result(basal, variables, group=variable(("group",), ["all", *names], "trials of"))


def prediction_error(apical: xr.DataArray, basal: xr.DataArray) -> xr.Dataset:
    """Distance and angle between apical and basal potential in every trial, over the recorded units.

    Returns:
        error, relative_error (||e - a|| / ||a||), angle (1 - cos), product (e.a), by trial, with the coordinates of the trials.
    """
    two_dimensional(basal)
    length = basal.shape[0]
    values = {name: np.full(length, np.nan) for name in ("error", "relative_error", "angle", "product")}
    for rows, (first, second) in blocks(apical, basal):
        e, a = first.astype(np.float64), second.astype(np.float64)
        distance = np.linalg.norm(e - a, axis=1)
        size_e, size_a = np.linalg.norm(e, axis=1), np.linalg.norm(a, axis=1)
        product = np.einsum("tu,tu->t", e, a)
        both = size_e * size_a
        values["error"][rows] = distance
        values["product"][rows] = product
        values["relative_error"][rows] = np.where(size_a > 0, distance / np.where(size_a > 0, size_a, 1), np.nan)
        values["angle"][rows] = np.where(both > 0, 1 - product / np.where(both > 0, both, 1), np.nan)
    told = {
        "error": ("prediction error", "‖e − a‖"),
        "relative_error": ("relative prediction error", "‖e − a‖/‖a‖"),
        "angle": ("prediction error as an angle", "1 − cos(e, a)"),
        "product": ("product of apical and basal potential", "e·a"),
    }
    dim = str(basal.dims[0])
    made = {name: variable((dim,), values[name], said, symbol=symbol) for name, (said, symbol) in told.items()}
    coords = {str(name): c.variable for name, c in basal.coords.items() if c.dims == (dim,)}
    return result(basal, made, **coords)


def with_score(errors: xr.Dataset, score: Array) -> dict[str, float]:
    """Pearson's r over trials of a rule's score with each measure of the error; NaN where one does not vary."""
    found = {}
    for name in map(str, errors.data_vars):
        values = errors[name].values
        known = np.isfinite(values) & np.isfinite(score)
        found[name] = pearson(values[known], score[known].astype(np.float64)) if known.sum() > 1 else float("nan")
    return found


def errors_over_training(
    errors: xr.Dataset, phase: NDArray[np.integer], phases: Sequence[str], window: NDArray[np.int64], at: xr.Variable
) -> xr.Dataset:
    """Means of the measures of `prediction_error` in every phase and window of training: (phase, window).

    Args:
        errors: of every trial.
        phase: of every trial, an index into `phases`.
        phases: what they are called.
        window: of every trial.
        at: where each window is.
    """
    shape = (len(phases), at.size)
    made = {}
    for name in map(str, errors.data_vars):
        values = errors[name].values
        means = np.full(shape, np.nan)
        for i in range(len(phases)):
            chosen = np.isfinite(values) & (phase == i)
            count = np.bincount(window[chosen], minlength=at.size)
            total = np.bincount(window[chosen], weights=values[chosen], minlength=at.size)
            means[i] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        made[name] = xr.Variable(("phase", "window"), means, dict(errors[name].attrs))
    return xr.Dataset(made, {"phase": variable(("phase",), list(phases), "phase"), "step": at})

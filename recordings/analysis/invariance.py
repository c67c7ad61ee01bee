"""Invariance: how little a unit varies over views of one object beside how much it varies across objects.

    F = between / within          one-way analysis of variance, objects as groups: about 1 of a unit that knows nothing of them
    share = V_objects / (V_objects + V_views)     variance components; 1 of a unit that is the same over all views of an object

V_views is the mean square within objects, V_objects = (mean square between - V_views) / n_0 with n_0 the effective number of views an object
(Searle 1971, Linear Models, ch. 11); it is held at 0 from below.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .described import result, variable
from .grouped import coded, grouped


def invariance(signal: xr.DataArray, by: str = "stimulus_id", *, rows: NDArray[np.bool_] | None = None) -> xr.Dataset:
    """Variance across objects and over their views, by unit.

    Args:
        signal: (trial, unit), several trials (views, positions, phases) for each object.
        by: coordinate of the trials that names the object.
        rows: trials to use.

    Returns:
        within, across (variance components), share, f (unit); objects, views: how many, on average.

    Raises:
        RecordingError: fewer than two objects, or none that was seen twice.
    """
    if by not in signal.coords:
        raise RecordingError(
            f"analysis.by: expected a coordinate of the trials, got {by!r}; choose one that names the object"
        )
    codes, distinct = coded(signal.coords[by].values)
    if rows is not None:
        codes = np.where(rows, codes, -1)
    found = grouped(signal, codes, len(distinct))
    used = found.count > 0
    count, mean = found.count[used], found.mean[used]
    n, k = count.sum(), len(count)
    if k < 2 or n <= k:
        raise RecordingError(
            f"analysis.{by}: expected at least two objects, one of them seen twice, got {int(n)} trials of {k}; record views of each"
        )
    centre = (count[:, None] * mean).sum(axis=0) / n
    within = found.squares[used].sum(axis=0) / (n - k)
    between = (count[:, None] * (mean - centre) ** 2).sum(axis=0) / (k - 1)
    effective = (n - (count**2).sum() / n) / (k - 1)
    across = np.clip((between - within) / effective, 0, None)
    total = across + within
    squared = "1" if signal.attrs.get("units", "1") == "1" else f"({signal.attrs['units']})^2"
    variables = {
        "within": variable(("unit",), within, f"variance within one {by}", units=squared),
        "across": variable(("unit",), across, f"variance across {by}", units=squared),
        "share": variable(("unit",), np.where(total > 0, across / np.where(total > 0, total, 1), np.nan), f"share of the variance that {by} explains"),
        "f": variable(("unit",), np.where(within > 0, between / np.where(within > 0, within, 1), np.nan), "F, mean square between objects over that within"),
        "objects": variable((), k, f"number of {by}"),
        "views": variable((), n / k, f"trials of each {by}, mean"),
    }  # fmt: skip
    return result(signal, variables)

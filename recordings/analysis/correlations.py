"""Noise and signal correlations between units.

    signal   Pearson's r over conditions of the mean responses of two units
    noise    Pearson's r over trials of what is left of the responses when the mean of their condition is taken away
                                                                  (Cohen and Kohn 2011, Nat. Neurosci. 14:811)

In a network without noise of its own, what is called noise is what differs between trials of one condition: the view, the object of a class,
the glance before. Two passes: means of the conditions, then the covariance of the residuals.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .blocks import blocks
from .described import result, variable
from .grouped import coded, grouped
from .rank import drawn_units
from .similarity import correlations

MOST_UNITS = 256


def noise_correlations(
    signal: xr.DataArray,
    by: str = "stimulus_id",
    *,
    rows: NDArray[np.bool_] | None = None,
    most_units: int = MOST_UNITS,
    seed: int = 0,
) -> xr.Dataset:
    """Noise and signal correlation of every two units.

    Args:
        signal: (trial, unit).
        by: coordinate of the trials that names the condition; conditions of one trial are left out.
        rows: trials to use.
        most_units: units that are paired; of more, this many are drawn.
        seed: of that draw.

    Returns:
        noise, signal (unit, other_unit), NaN on the diagonal and for units that do not vary; conditions, repeats: how many.

    Raises:
        RecordingError: fewer than 3 conditions with at least two trials, or no unit that varies within one.
    """
    if by not in signal.coords:
        raise RecordingError(
            f"analysis.by: expected a coordinate of the trials, got {by!r}; choose one that names the condition"
        )
    signal = drawn_units(signal, most_units, seed)
    codes, distinct = coded(signal.coords[by].values)
    codes = codes if rows is None else np.where(rows, codes, -1)
    count = np.bincount(codes[codes >= 0], minlength=len(distinct))
    codes = np.where((codes >= 0) & (count[codes] > 1), codes, -1)
    if (count > 1).sum() < 3:
        raise RecordingError(
            f"analysis.{by}: expected at least 3 conditions with repeats, got {int((count > 1).sum())}; record repeats, or choose another --by"
        )
    found = grouped(signal, codes, len(distinct))
    units = signal.sizes["unit"]
    products, kept = np.zeros((units, units)), codes[codes >= 0]
    for part, (values,) in blocks(signal, rows=codes >= 0):
        left = values.astype(np.float64) - found.mean[kept[part]]
        products += left.T @ left
    spread = np.sqrt(np.diag(products))
    scale = np.sqrt((found.count[:, None] * found.mean**2).sum(axis=0))
    spread = np.where(spread > 1e-6 * scale, spread, np.nan)  # repeats that are equal but for rounding
    if not np.isfinite(spread).any():
        raise RecordingError(
            f"analysis.{by}: expected responses that differ between trials of one {by}, got equal ones: nothing varies between the "
            "repeats; record with views or with other glances before"
        )
    used = found.count > 0
    matrices = {"noise": products / np.outer(spread, spread), "signal": correlations(found.mean[used].T)}
    said = {
        "noise": f"noise correlation: of what varies within one {by}",
        "signal": f"signal correlation: of the means over {by}",
    }
    variables = {}
    for name, matrix in matrices.items():
        np.fill_diagonal(matrix, np.nan)
        variables[name] = variable(("unit", "other_unit"), matrix, said[name])
    variables["conditions"] = variable((), int(used.sum()), f"number of {by} with repeats")
    variables["repeats"] = variable((), float(found.count[used].mean()), "trials of each, mean")
    return result(signal, variables)

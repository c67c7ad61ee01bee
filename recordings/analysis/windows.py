"""Stretches of training: which trials belong to which, for whatever is followed over it."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError


def windows(table: xr.Dataset | xr.DataArray, count: int, by: str = "step") -> tuple[NDArray[np.int64], xr.Variable]:
    """Window of every row, and the mean step of each window.

    Args:
        table: with the coordinate `by` along its rows.
        count: windows of about equal numbers of distinct steps; as many as there are steps where those are fewer.
        by: step or epoch.

    Raises:
        RecordingError: no such coordinate.
    """
    if by not in table.coords:
        raise RecordingError(
            f"analysis.{by}: expected this coordinate of the rows, got none; analyse a recording of training"
        )
    values = table.coords[by].values
    steps, inverse = np.unique(values, return_inverse=True)
    count = max(1, min(count, len(steps)))
    codes = (np.arange(len(steps)) * count // max(1, len(steps)))[inverse.reshape(-1)]
    sums = np.bincount(codes, weights=values, minlength=count)
    sizes = np.bincount(codes, minlength=count)
    told = dict(table.coords[by].attrs) or {"units": "1", "long_name": by}
    return codes.astype(np.int64), xr.Variable(("window",), sums / np.maximum(sizes, 1), told)

"""Mean and variance of every unit under every condition, in one pass over a recording.

Deviations are summed about the mean of each block and joined by the pairwise formula of Chan, Golub and LeVeque (1983, Am. Stat. 37:242),
so that a small variance on a large mean is not lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .blocks import blocks
from .described import result, two_dimensional, variable

Codes = NDArray[np.int64]


@dataclass(slots=True)
class Moments:
    """Count, mean and summed squared deviation of every unit in every group.

    Attributes:
        count: rows of each group, (groups,).
        mean: (groups, units); 0 where there are no rows.
        squares: sums of squared deviations from it, (groups, units).
    """

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.float64]:
        """Means, with NaN where there are no rows."""
        return np.where(self.count[:, None] > 0, self.mean, np.nan)

    @property
    def variance(self) -> NDArray[np.float64]:
        """Unbiased variance; NaN of fewer than two rows."""
        fewer = np.where(self.count > 1, self.count - 1, np.nan)
        return np.asarray(self.squares / fewer[:, None])

    def add(self, values: NDArray[np.floating], codes: Codes) -> None:
        """Take rows in, (rows, units), each of the group of its code; a code below 0 leaves a row out."""
        order = np.argsort(codes, kind="stable")
        order = order[np.searchsorted(codes[order], 0) :]
        if not len(order):
            return
        group, first, count = np.unique(codes[order], return_index=True, return_counts=True)
        ordered = values[order].astype(np.float64)
        mean = np.add.reduceat(ordered, first, axis=0) / count[:, None]
        ordered -= np.repeat(mean, count, axis=0)
        np.square(ordered, out=ordered)
        squares = np.add.reduceat(ordered, first, axis=0)
        before, total = self.count[group][:, None], (self.count[group] + count)[:, None]
        shift = mean - self.mean[group]
        self.squares[group] += squares + shift**2 * before * count[:, None] / total
        self.mean[group] += shift * count[:, None] / total
        self.count[group] += count


def grouped(signal: xr.DataArray, codes: Codes, groups: int) -> Moments:
    """Moments of a signal (trial, unit) in groups of its trials.

    Args:
        signal: lazy or not.
        codes: group of every trial, 0 to groups - 1; below 0 leaves a trial out.
        groups: how many.
    """
    two_dimensional(signal)
    shape = (groups, signal.sizes["unit"])
    found = Moments(np.zeros(groups), np.zeros(shape), np.zeros(shape))
    kept = codes[codes >= 0]
    for rows, (values,) in blocks(signal, rows=codes >= 0):
        found.add(values, kept[rows])
    return found


def coded(values: NDArray[np.generic]) -> tuple[Codes, NDArray[np.generic]]:
    """Code of every value among the sorted distinct ones, and these; NaN and None have code -1.

    >>> coded(np.array([30.0, 0.0, np.nan, 30.0]))
    (array([ 1,  0, -1,  1]), array([ 0., 30.]))
    """
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    distinct, codes = np.unique(values[~missing], return_inverse=True)
    whole = np.full(len(values), -1, np.int64)
    whole[~missing] = codes.reshape(-1)
    return whole, distinct


def responses(signal: xr.DataArray, by: Sequence[str], *, rows: NDArray[np.bool_] | None = None) -> xr.Dataset:
    """Mean and variance of every unit under every combination of some parameters of the trials.

    Args:
        signal: (trial, unit), e.g. the rate.
        by: coordinates of the trials, e.g. orientation and spatial_frequency; trials where one is NaN are left out.
        rows: trials to use, (trial,); all by default.

    Returns:
        mean and variance (..., unit), count (...), a dimension per parameter; NaN where a combination was not shown.

    Raises:
        RecordingError: no such coordinate, or no trial that has all of them.
    """
    dim = signal.dims[0]
    used = np.ones(signal.shape[0], bool) if rows is None else np.asarray(rows, bool).copy()
    for name in by:
        if name not in signal.coords or signal.coords[name].dims != (dim,):
            known = sorted(str(each) for each in signal.coords if signal.coords[each].dims == (dim,))
            raise RecordingError(
                f"analysis.by: expected one of {', '.join(known) or '(none)'}, got {name!r}; record it as a parameter of the trials"
            )
        used &= coded(signal.coords[name].values)[0] >= 0
    if not used.any():
        raise RecordingError(
            f"analysis.by: expected trials with {', '.join(by)}, got none; choose other trials or parameters"
        )
    codes = np.full(signal.shape[0], -1, np.int64)
    codes[used] = 0
    distinct: dict[str, NDArray[np.generic]] = {}
    for name in by:
        one, distinct[name] = coded(signal.coords[name].values[used])
        codes[used] = codes[used] * len(distinct[name]) + one
    sizes = tuple(len(values) for values in distinct.values())
    found = grouped(signal, codes, prod(sizes))
    return _dataset(signal, found, distinct)


def _dataset(signal: xr.DataArray, found: Moments, distinct: Mapping[str, NDArray[np.generic]]) -> xr.Dataset:
    shape, dims = tuple(len(values) for values in distinct.values()), tuple(distinct)
    told, units = str(signal.attrs.get("long_name", signal.name)), str(signal.attrs.get("units", "1"))
    squared = "1" if units == "1" else f"({units})^2"
    coordinates = {
        name: xr.Variable((name,), values, dict(signal.coords[name].attrs)) for name, values in distinct.items()
    }
    variables = {
        "mean": variable((*dims, "unit"), found.known.reshape(*shape, -1), f"mean {told}", units=units, symbol=str(signal.attrs.get("symbol", ""))),
        "variance": variable((*dims, "unit"), found.variance.reshape(*shape, -1), f"variance of the {told} over trials", units=squared),
        "count": variable(dims, found.count.reshape(shape), "trials"),
    }  # fmt: skip
    return result(signal, variables, **coordinates)

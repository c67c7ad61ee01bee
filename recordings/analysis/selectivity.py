"""How well single units tell classes apart: d' and the class selectivity index.

    d'_c = (m_c - m_rest) / sqrt((s_c^2 + s_rest^2) / 2)        (Green and Swets 1966, for unequal variances)
    CSI  = (m_max - m_-max) / (m_max + m_-max)                  (Morcos et al. 2018, arXiv 1803.06959)

m_-max is the mean over all classes but the preferred one, each with equal weight. CSI is 0 where a unit answers all classes alike, 1 where
it answers one alone; it is defined for rates, which are not negative.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .described import result, variable
from .grouped import responses


def d_prime(
    mean: NDArray[np.float64], variance: NDArray[np.float64], other: NDArray[np.float64], other_variance: NDArray[np.float64]
) -> NDArray[np.float64]:  # fmt: skip
    """d' of two conditions from means and variances; NaN where neither varies."""
    spread = np.sqrt((variance + other_variance) / 2)
    return np.asarray((mean - other) / np.where(spread > 0, spread, np.nan))


def between(signal: xr.DataArray, by: str, first: object, second: object) -> xr.DataArray:
    """d' of every unit between two values of a parameter of the trials.

    Args:
        signal: (trial, unit).
        by: coordinate of the trials.
        first, second: two of its values; d' is positive where the first one drives a unit more.

    Raises:
        RecordingError: a value that no trial has.
    """
    found = responses(signal, [by])
    known = found[by].values.tolist()
    for value in (first, second):
        if value not in known:
            raise RecordingError(f"analysis.{by}: expected one of {known}, got {value!r}; choose among those recorded")
    a, b = (found.isel({by: known.index(value)}) for value in (first, second))
    values = d_prime(a["mean"].values, a["variance"].values, b["mean"].values, b["variance"].values)
    made = variable(("unit",), values, f"d' between {by} {first} and {second}", symbol="d'")
    return result(signal, {"d_prime": made})["d_prime"]


def class_selectivity(signal: xr.DataArray, by: str = "label", *, rows: NDArray[np.bool_] | None = None) -> xr.Dataset:
    """d' of every unit for every class against the rest, its preferred class and its class selectivity index.

    Args:
        signal: (trial, unit).
        by: coordinate of the trials that holds the class; classes below 0 (unlabelled) are left out.
        rows: trials to use.

    Returns:
        mean (class, unit), d_prime (class, unit); preferred, best_d_prime, class_selectivity (unit).

    Raises:
        RecordingError: fewer than two classes.
    """
    kept = np.ones(signal.shape[0], bool) if rows is None else np.asarray(rows, bool)
    if by == "label" and by in signal.coords:
        kept = kept & (signal.coords[by].values >= 0)
        if not kept.any():
            raise RecordingError("analysis.label: expected labelled trials, got none; analyse by another parameter")
    found = responses(signal, [by], rows=kept)
    classes = found[by].values
    if len(classes) < 2:
        raise RecordingError(f"analysis.{by}: expected at least two classes, got {len(classes)}; record more of them")
    count, mean, variance = found["count"].values, found["mean"].values, found["variance"].values
    values = _against_rest(count, mean, variance)
    best = np.argmax(np.nan_to_num(values, nan=-np.inf), axis=0)
    units = np.arange(len(best))
    top = np.max(mean, axis=0)
    rest = (mean.sum(axis=0) - top) / (len(classes) - 1)
    total = top + rest
    valid = (mean.min(axis=0) >= 0) & (total > 0)
    index = np.where(valid, (top - rest) / np.where(valid, total, 1), np.nan)
    name = str(signal.attrs.get("long_name", signal.name))
    variables = {
        "mean": variable(("class", "unit"), mean, f"mean {name}", units=str(signal.attrs.get("units", "1"))),
        "d_prime": variable(("class", "unit"), values, "d' against the other classes", symbol="d'"),
        "preferred": variable(("unit",), classes[np.argmax(mean, axis=0)], f"preferred {by}"),
        "best_d_prime": variable(("unit",), values[best, units], "largest d' against the other classes"),
        "class_selectivity": variable(("unit",), index, "class selectivity index", symbol="CSI"),
    }
    return result(signal, variables, **{"class": variable(("class",), classes, by)})


def _against_rest(
    count: NDArray[np.float64], mean: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """d' of every class against all trials of the others, from the moments of the classes."""
    values = np.full(mean.shape, np.nan)
    weighted, squares = count[:, None] * mean, np.nan_to_num(variance) * np.maximum(count - 1, 0)[:, None]
    for c in range(len(count)):
        others = np.arange(len(count)) != c
        n = count[others].sum()
        if n < 2 or count[c] < 2:
            continue
        centre = weighted[others].sum(axis=0) / n
        spread = squares[others].sum(axis=0) + (count[others, None] * (mean[others] - centre) ** 2).sum(axis=0)
        values[c] = d_prime(mean[c], variance[c], centre, spread / (n - 1))
    return values

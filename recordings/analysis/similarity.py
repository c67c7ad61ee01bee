"""Representational similarity: dissimilarity of conditions within a population, and how alike two populations see them.

RDM_cd = 1 - r(x_c, x_d)     Pearson's r over units between the mean responses to conditions c and d
Spearman's rho and the cosine of the upper triangles of two RDMs     (Kriegeskorte, Mur and Bandettini 2008, Front. Syst. Neurosci. 2:4)
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .described import variable
from .grouped import responses

MOST_CONDITIONS = 1000

Matrix = NDArray[np.float64]


def ranks(values: NDArray[np.floating]) -> Matrix:
    """Ranks from 1 on, equal values share the mean of theirs.

    >>> ranks(np.array([3.0, 1.0, 3.0]))
    array([2.5, 1. , 2.5])
    """
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[inverse.reshape(-1)], dtype=np.float64)


def pearson(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Pearson's r of two vectors; NaN where one does not vary."""
    x, y = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 0 else float("nan")


def spearman(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of two vectors."""
    return pearson(ranks(a), ranks(b))


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Cosine between two vectors; NaN where one is 0."""
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else float("nan")


def correlations(rows: Matrix) -> Matrix:
    """Pearson's r over columns between every two rows; NaN for a row that does not vary."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1)
    tiny = norm <= 1e-12 * np.maximum(1e-300, np.linalg.norm(rows, axis=1))
    scaled = centred / np.where(tiny, np.nan, norm)[:, None]
    return np.asarray(scaled @ scaled.T)


def dissimilarity(signal: xr.DataArray, by: str, *, rows: NDArray[np.bool_] | None = None) -> xr.DataArray:
    """RDM of a population, (condition, other_condition): 1 - r between mean responses.

    Args:
        signal: (trial, unit), of two or more units.
        by: coordinate of the trials that names the condition.
        rows: trials to use.

    Raises:
        RecordingError: fewer than 3 conditions, or more than 1,000.
    """
    found = responses(signal, [by], rows=rows)
    count = found.sizes[by]
    if not 3 <= count <= MOST_CONDITIONS:
        raise RecordingError(
            f"analysis.{by}: expected 3 to {MOST_CONDITIONS} conditions, got {count}; group the trials by another parameter"
        )
    values = 1 - correlations(found["mean"].values)
    np.fill_diagonal(values, 0)
    made = variable(("condition", "other_condition"), values, "dissimilarity of mean responses", symbol="1 − r")
    names = found[by].values
    coords = {name: (name, names, {"long_name": by}) for name in ("condition", "other_condition")}
    return xr.DataArray(made.data, coords, made.dims, name="rdm", attrs=made.attrs)


def compared(populations: Mapping[str, xr.DataArray], others: Mapping[str, xr.DataArray] | None = None) -> xr.Dataset:
    """Spearman's rho and cosine of the RDMs of every two populations.

    Args:
        populations: RDMs of `dissimilarity` by name.
        others: those of a second network, of the same conditions; None for the first ones again.

    Returns:
        spearman, cosine (population, other_population); pairs of conditions in which either RDM is NaN are left out.

    Raises:
        RecordingError: RDMs of different conditions.
    """
    second = populations if others is None else others
    first = next(iter(populations.values()))
    for name, rdm in [*populations.items(), *second.items()]:
        if not np.array_equal(rdm["condition"].values, first["condition"].values):
            raise RecordingError(
                f"analysis.{name}: expected the same conditions in every population, got others; record both with the same stimuli"
            )
    upper = np.triu_indices(first.sizes["condition"], 1)
    measures = {"spearman": spearman, "cosine": cosine}
    values = {name: np.full((len(populations), len(second)), np.nan) for name in measures}
    for i, one in enumerate(populations.values()):
        for j, other in enumerate(second.values()):
            a, b = one.values[upper], other.values[upper]
            known = np.isfinite(a) & np.isfinite(b)
            if known.sum() < 3:
                continue
            for name, measure in measures.items():
                values[name][i, j] = measure(a[known], b[known])
    dims = ("population", "other_population")
    made = {
        "spearman": variable(dims, values["spearman"], "Spearman's correlation of the RDMs", symbol="ρ"),
        "cosine": variable(dims, values["cosine"], "cosine between the RDMs"),
    }
    coords = {
        "population": ("population", list(populations), {"long_name": "population"}),
        "other_population": ("other_population", list(second), {"long_name": "population"}),
    }
    return xr.Dataset(made, coords)

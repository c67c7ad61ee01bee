"""How two sets of signals are compared."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...models.spiking import cosine

Array = NDArray[np.float64]


def correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's correlation over all entries; NaN where one is constant."""
    a, b = (np.asarray(v, dtype=np.float64).ravel() for v in (x, y))
    if not (a.std() > 0 and b.std() > 0):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def slope(x: ArrayLike, y: ArrayLike) -> float:
    """Slope of the regression of y on x."""
    return line(x, y)[1]


def line(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Intercept and slope of the regression of y on x."""
    a, b = (np.asarray(v, dtype=np.float64).ravel() for v in (x, y))
    spread = np.square(a - a.mean()).sum()
    found = float(((a - a.mean()) * (b - b.mean())).sum() / spread) if spread > 0 else float("nan")
    return float(b.mean() - found * a.mean()), found


def partial_correlation(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> float:
    """Correlation of x and y with what `given` predicts of them linearly taken out."""
    known = np.asarray(given, dtype=np.float64).ravel()

    def rest(values: ArrayLike) -> Array:
        start, rise = line(known, values)
        left: Array = np.asarray(values, dtype=np.float64).ravel() - start - rise * known
        return left

    return correlation(rest(x), rest(y))


def ratio(found: float, expected: float) -> float:
    """The one relative to the other; NaN where that is 0."""
    return float(found / expected) if expected else float("nan")


def total_cosine(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """Cosine of two arrays as wholes; NaN where the expected one is 0, 0 where the found one alone is."""
    return float(cosine(np.asarray(expected)[None], np.asarray(found)[None])[0])


def mean_cosine(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """Mean over trials of the cosine, over those where the expected side is not 0; where the found one alone is 0, it counts as 0."""
    angle = cosine(expected, found)
    return float(np.nanmean(angle)) if np.isfinite(angle).any() else float("nan")


def top_agreement(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """Share of equal signs among the larger half of the expected entries that are not 0."""
    size = np.abs(expected)
    if not (size > 0).any():
        return float("nan")
    large = size >= np.median(size[size > 0])
    return float((np.sign(expected[large]) == np.sign(found[large])).mean())


def relative_error(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Mean over trials of |x - y| / (|x| + |y|), scale included; trials in which both are 0 are left out, NaN where all are."""
    left, right = (np.asarray(v, dtype=np.float64).reshape(len(v), -1) for v in (x, y))
    norm = np.linalg.norm(left, axis=1) + np.linalg.norm(right, axis=1)
    error = np.linalg.norm(left - right, axis=1)
    return float((error[norm > 0] / norm[norm > 0]).mean()) if (norm > 0).any() else float("nan")

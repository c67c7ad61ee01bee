"""Effective rank: over how many dimensions the variance of a population is spread.

With the eigenvalues l of the covariance over trials:

    participation ratio   (sum l)^2 / sum(l^2)                      (Gao et al. 2017, bioRxiv 214262)
    entropy form          exp(-sum p log p),  p = l / sum l         (Roy and Vetterli 2007, EUSIPCO; here of the eigenvalues of the
                                                                     covariance, which are the squared singular values)

Both are 1 of a population that varies along one line and n where n dimensions vary alike.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .blocks import blocks
from .described import result, two_dimensional, variable

MOST_UNITS = 1024  # whose covariance is computed: 8 MB, and its eigenvalues in seconds


def covariance(signal: xr.DataArray, *, rows: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.float64], int]:
    """Covariance of the units over trials, (unit, unit), in one pass about the mean of the first block; and the number of trials."""
    two_dimensional(signal)
    units = signal.sizes["unit"]
    total, products, count = np.zeros(units), np.zeros((units, units)), 0
    shift = None
    for _, (values,) in blocks(signal, rows=rows):
        block = values.astype(np.float64)
        shift = block.mean(axis=0) if shift is None else shift
        block -= shift
        total += block.sum(axis=0)
        products += block.T @ block
        count += len(block)
    n = max(count, 1)
    return (products - np.outer(total, total) / n) / max(n - 1, 1), count


def participation_ratio(eigenvalues: NDArray[np.float64]) -> float:
    """(sum l)^2 / sum(l^2); NaN where all are 0."""
    power = float((eigenvalues**2).sum())
    return float(eigenvalues.sum()) ** 2 / power if power > 0 else float("nan")


def entropy_rank(eigenvalues: NDArray[np.float64]) -> float:
    """exp of the entropy of the normalised eigenvalues; NaN where all are 0."""
    total = float(eigenvalues.sum())
    if not total > 0:
        return float("nan")
    p = eigenvalues[eigenvalues > 0] / total
    return float(np.exp(-(p * np.log(p)).sum()))


def effective_rank(
    signal: xr.DataArray, *, rows: NDArray[np.bool_] | None = None, most_units: int = MOST_UNITS, seed: int = 0
) -> xr.Dataset:
    """Effective rank of a population and the spectrum of its covariance.

    Args:
        signal: (trial, unit).
        rows: trials to use.
        most_units: units whose covariance is computed; of more, this many are drawn.
        seed: of that draw.

    Returns:
        participation_ratio, entropy_rank, units, trials; spectrum (rank,): share of the variance along every eigenvector, largest first.

    Raises:
        RecordingError: values that are not finite.
    """
    chosen = drawn_units(signal, most_units, seed)
    matrix, trials = covariance(chosen, rows=rows)
    if not np.isfinite(matrix).all():
        raise RecordingError(
            f"analysis.{signal.name}: expected finite values, got others; the run has diverged: take trials before that, with --until"
        )
    values = np.clip(np.linalg.eigvalsh(matrix)[::-1], 0, None)
    total = values.sum()
    variables = {
        "participation_ratio": variable((), participation_ratio(values), "effective rank, participation ratio"),
        "entropy_rank": variable((), entropy_rank(values), "effective rank, exponential of the entropy of the eigenvalues"),
        "units": variable((), chosen.sizes["unit"], "units"),
        "trials": variable((), trials, "trials"),
        "spectrum": variable(("rank",), values / total if total > 0 else values * np.nan, "share of the variance"),
    }  # fmt: skip
    return result(signal, variables, rank=variable(("rank",), np.arange(1, len(values) + 1), "eigenvector"))


def drawn_units(signal: xr.DataArray, most: int, seed: int) -> xr.DataArray:
    """The signal of `most` units drawn without replacement, in their order; of all where there are no more."""
    units = signal.sizes["unit"]
    if units <= most:
        return signal
    return signal.isel(unit=np.sort(np.random.default_rng(seed).choice(units, most, replace=False)))

"""Sparsity of rates, over stimuli for each unit (lifetime) and over units for each stimulus (population).

    a = (mean r)^2 / mean(r^2)        (Treves and Rolls 1991, Network 2:371)
    S = (1 - a) / (1 - 1/n)           (Vinje and Gallant 2000, Science 287:1273)

S is 0 where all n rates are equal and 1 where one of them alone is not 0.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .blocks import blocks
from .described import result, two_dimensional, variable


def vinje_gallant(mean: NDArray[np.float64], power: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """S from mean rate and mean squared rate of n values; NaN where all are 0 or n is 1."""
    known = (power > 0) & (n > 1)
    a = np.where(known, mean**2 / np.where(known, power, 1), np.nan)
    return np.asarray((1 - a) / (1 - 1 / n) if n > 1 else np.full_like(a, np.nan))


def sparsity(rate: xr.DataArray, *, rows: NDArray[np.bool_] | None = None) -> xr.Dataset:
    """Lifetime and population sparsity, and how often a unit is silent.

    Args:
        rate: (trial, unit), not negative.
        rows: trials to use.

    Returns:
        lifetime, silent (unit); population_sparsity, population_sparsity_sd: mean and standard deviation over trials; active: mean share of
        units above 0. NaN where a rate is below 0, of that unit and of its population: the measures are not defined there.
    """
    two_dimensional(rate)
    units = rate.sizes["unit"]
    total, power, silent, above = (np.zeros(units) for _ in range(4))
    of_trials, count, negative = [], 0, np.zeros(units, bool)
    for _, (values,) in blocks(rate, rows=rows):
        block = values.astype(np.float64)
        negative |= (block < 0).any(axis=0)
        silent += (block == 0).sum(axis=0)
        above += (block > 0).sum(axis=0)
        total += block.sum(axis=0)
        mean = block.mean(axis=1)
        np.square(block, out=block)
        power += block.sum(axis=0)
        of_trials.append(vinje_gallant(mean, block.mean(axis=1), units))
        count += len(values)
    n = max(count, 1)
    lifetime = np.where(negative, np.nan, vinje_gallant(total / n, power / n, n))
    population = np.concatenate(of_trials) if of_trials and not negative.any() else np.full(1, np.nan)
    known = population[np.isfinite(population)]
    variables = {
        "lifetime": variable(("unit",), lifetime, "lifetime sparsity", symbol="S"),
        "silent": variable(("unit",), np.where(negative, np.nan, silent / n), "share of trials in which the unit is silent"),
        "population_sparsity": variable((), known.mean() if len(known) else np.nan, "population sparsity, mean over trials", symbol="S"),
        "population_sparsity_sd": variable((), known.std() if len(known) else np.nan, "population sparsity, standard deviation over trials"),
        "active": variable((), np.nan if negative.any() else above.mean() / n, "share of units above 0, mean over trials"),
    }  # fmt: skip
    return result(rate, variables)

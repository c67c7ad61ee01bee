"""What was measured, as an xarray Dataset, and as the table of several runs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...plasticity import underneath
from ..settings.load import RunConfig
from ..settings.rule import make_rule
from .measure import Alignment

FITS = {"none": "", "objective": ", B fitted to its objective", "backprop": ", B fitted to backprop"}
STATISTICS = ("cosine", "cosine_se", "norm_ratio", "norm_ratio_se")
NAMES = {
    "cosine": "cosine between local change and backprop gradient",
    "cosine_se": "standard error over batches of the cosine",
    "norm_ratio": "norm of the local change over that of the backprop gradient",
    "norm_ratio_se": "standard error over batches of the norm ratio",
    "loss": "local objective",
    "loss_se": "standard error over batches of the local objective",
    "compared": "batches in which both changes were other than zero",
}
DIMENSIONS = ("fit_b", "step", "population")
Found = Mapping[tuple[str, int], Alignment]  # by fit of B and training step


def dataset(found: Found, populations: Sequence[str]) -> xr.Dataset:
    """Means and standard errors over batches, (fit_b, step, population).

    Args:
        found: what was measured, by fit of B and by training step, every fit at every step.
        populations: names, bottom first.
    """
    fits, steps = list(dict.fromkeys(fit for fit, _ in found)), list(dict.fromkeys(step for _, step in found))
    shape = (len(fits), len(steps), len(populations))
    values = {name: np.full(shape, np.nan) for name in NAMES}
    for (fit, step), alignment in found.items():
        place = fits.index(fit), steps.index(step)
        for name in ("cosine", "norm_ratio", "loss"):
            mean, error, count = averages(np.array(getattr(alignment, name)))
            values[name][place], values[f"{name}_se"][place] = mean, error
            if name == "cosine":
                values["compared"][place] = count
    variables = {name: (DIMENSIONS, array, {"units": "1", "long_name": NAMES[name]}) for name, array in values.items()}
    coordinates = {
        "fit_b": ("fit_b", fits, {"long_name": "what B was fitted to; none = as trained"}),
        "step": ("step", steps, {"units": "1", "long_name": "training step; 0 = initialisation"}),
        "population": ("population", list(populations), {"long_name": "population"}),
    }
    return xr.Dataset(variables, coordinates)


def averages(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, standard error and count of the finite values of every column; NaN where there are too few.

    >>> averages(np.array([[1.0, np.nan], [3.0, 2.0]]))
    (array([2., 2.]), array([ 1., nan]), array([2., 1.]))
    """
    finite = np.isfinite(values)
    count = finite.sum(axis=0).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(finite, values, 0).sum(axis=0) / count
        spread = np.where(finite, (values - mean) ** 2, 0).sum(axis=0) / np.where(count > 1, count - 1, np.nan)
        return mean, np.sqrt(spread / count), count


def labels(configs: Sequence[RunConfig], names: Sequence[str]) -> list[str]:
    """What the lines of a figure are called: by wiring, by rule where there are several, and by the name of the run where two are alike.

    Args:
        configs: settings of the runs.
        names: their own names, in the same order.
    """
    several = len({config.rule.name for config in configs}) > 1
    wirings = [wiring(config, named=several) for config in configs]
    return [
        wired if wirings.count(wired) == 1 else f"{wired} ({name})" for wired, name in zip(wirings, names, strict=True)
    ]


def wiring(config: RunConfig, *, named: bool = False) -> str:
    """Context of a run, and whether it is without spatial dependency: every map pooled to one place before the score.

    Args:
        config: settings of the run.
        named: with the name of the rule; always, where it has no context to choose.
    """
    rule = make_rule(config.rule)
    if not hasattr(underneath(rule), "context"):
        return config.rule.name
    word = {"dfb": "DFB"}.get(config.rule.context, config.rule.context)
    word = f"{config.rule.name} {word}" if named else word
    if not config.rule.grids or any(grid > 1 for grid in config.rule.grids):
        return word
    return "no spatial dependency" if word == "lateral" else f"{word}, no spatial dependency"


def lines(runs: Iterable[tuple[str, xr.Dataset]]) -> list[tuple[str, str, xr.Dataset]]:
    """Label, fit and dataset (step, population) of every line of a table or figure."""
    return [
        (f"{label}{FITS[str(fit)]}", str(fit), found.sel(fit_b=fit))
        for label, found in runs
        for fit in found["fit_b"].values
    ]


def table(runs: Sequence[tuple[str, xr.Dataset]]) -> dict[str, Any]:
    """JSON-ready: layers, and by statistic, line and step one number per layer."""
    rows: dict[str, Any] = {"layers": [str(name) for name in runs[0][1]["population"].values]}
    rows["steps"] = {label: found["step"].values.tolist() for label, found in runs}
    for name in STATISTICS:
        rows[name] = {
            label: {str(step): found[name].sel(step=step).values.tolist() for step in found["step"].values}
            for label, _, found in lines(runs)
        }
    return rows

"""`apical analyse RUN sparsity`: over trials for each unit, over units for each trial."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...recordings import RecordingError
from ...recordings.analysis import side_by_side, sparsity
from ...recordings.analysis.figures import distributions
from . import hints
from .analysis import Analysis, Row, medians
from .options import Options
from .recorded import Recorded


def missing(recorded: Recorded, options: Options) -> str:
    """Trials."""
    return hints.trials(len(recorded.activity))


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Sparsity of every unit and population.

    Raises:
        RecordingError: every unit is below 0 in some trial.
    """
    signals = recorded.signals(options)
    found = side_by_side({n: sparsity(s, rows=recorded.rows(s, options)) for n, s in signals.items()})
    if np.isnan(found["silent"].values).all():
        raise RecordingError(
            f"analysis.sparsity: expected a signal that is not negative, such as rate, got {options.value}, which is below 0 in every unit; choose --value rate"
        )
    return found


def draw(dataset: xr.Dataset) -> Figure:
    """Sparsity by population."""
    return distributions(dataset, ["lifetime", "silent"])


def rows(dataset: xr.Dataset) -> list[Row]:
    """Medians by population, and the population's own."""
    found = medians(dataset, {"lifetime": "lifetime"}, quantiles=True)
    for row in found:
        of = dataset.sel(of=row["population"])
        for heading, name in (("population S", "population_sparsity"), ("active", "active")):
            row[heading] = float(of[name])
    return found


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """Silent units."""
    silent = int((dataset["silent"].values == 1).sum())
    return (f"{silent} of {dataset.sizes['unit']} recorded units are silent in every trial.",) if silent else ()


ANALYSIS = Analysis(
    title="Sparsity",
    says="lifetime and population sparsity (Treves-Rolls, Vinje-Gallant), silent units",
    missing=missing,
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "Left: S = (1 − a) / (1 − 1/n) with a = (mean r)² / mean(r²) over the n trials of a unit, 0 where all rates are equal and 1 where one "
        "trial alone drives it. Right: share of the trials in which a unit is silent."
    ),
)

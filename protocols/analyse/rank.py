"""`apical analyse RUN rank`: over how many dimensions a population varies."""

import xarray as xr

from ...recordings.analysis import effective_rank, side_by_side
from ...recordings.analysis.figures import spectra
from . import hints
from .analysis import Analysis, Row
from .options import Options
from .recorded import Recorded


def missing(recorded: Recorded, options: Options) -> str:
    """Trials."""
    return hints.trials(len(recorded.activity))


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Effective rank of every population."""
    return side_by_side(
        {
            name: effective_rank(signal, rows=recorded.rows(signal, options), most_units=options.most_units, seed=options.seed)
            for name, signal in recorded.signals(options).items()
        }
    )  # fmt: skip


def rows(dataset: xr.Dataset) -> list[Row]:
    """Both ranks by population."""
    return [
        {
            "population": str(name),
            "units": int(dataset["units"].sel(population=name)),
            "trials": int(dataset["trials"].sel(population=name)),
            "participation ratio": float(dataset["participation_ratio"].sel(population=name)),
            "exp entropy": float(dataset["entropy_rank"].sel(population=name)),
        }
        for name in dataset["population"].values
    ]


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """The bound."""
    return ("Neither can be larger than the number of units, or of trials less one.",)


ANALYSIS = Analysis(
    title="Effective rank",
    says="participation ratio, and exponential of the entropy of the eigenvalues, by population",
    missing=missing,
    measure=measure,
    draw=spectra,
    rows=rows,
    told=told,
    caption=(
        "Left: with the eigenvalues l of the covariance over trials, (∑l)² / ∑l² and exp(−∑ p log p) with p = l/∑l. Right: share of the variance "
        "along the first eigenvectors."
    ),
)

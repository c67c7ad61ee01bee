"""`apical analyse RUN rsa`: representational similarity of populations, within a run or between two."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import compared, dissimilarity
from ...recordings.analysis.figures import matrices
from . import hints
from .alike import check_same_images
from .analysis import SIGNAL, Analysis, Row
from .cka import named
from .options import Options
from .recorded import Recorded

DRAWN = 2  # RDMs beside the comparison: of the lowest and of the highest population
LEAST = 3


def _by(recorded: Recorded, options: Options) -> str:
    return options.by or ("label" if recorded.has("label", varied=True) else "stimulus_id")


def missing(recorded: Recorded, options: Options) -> str:
    """Several conditions."""
    by = _by(recorded, options)
    lacking = f"trials of {LEAST} or more values of {by}; {hints.LABELS}"
    return hints.trials(len(recorded.activity)) or ("" if recorded.has(by, varied=True) else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """RDMs, and how alike they are."""
    by = _by(recorded, options)
    rdms = _rdms(recorded, options, by)
    return _dataset(rdms, compared(rdms), by)


def measure_two(recorded: Recorded, other: Recorded, options: Options) -> xr.Dataset:
    """RDMs of one run, and how alike they are to those of another."""
    by = _by(recorded, options)
    check_same_images(recorded, other, by)
    rdms = _rdms(recorded, options, by)
    return _dataset(rdms, compared(rdms, _rdms(other, options, by)), by)


def _rdms(recorded: Recorded, options: Options, by: str) -> dict[str, xr.DataArray]:
    return {
        name: dissimilarity(signal, by, rows=recorded.rows(signal, options))
        for name, signal in recorded.signals(options).items()
    }


def _dataset(rdms: Mapping[str, xr.DataArray], alike: xr.Dataset, by: str) -> xr.Dataset:
    index = xr.Variable(("population",), list(rdms), {"long_name": "population"})
    joined = xr.concat(list(rdms.values()), index.to_index_variable(), combine_attrs="override")
    return alike.assign(rdm=joined).assign_attrs(by=by)


def draw(dataset: xr.Dataset) -> Figure:
    """RDMs of the lowest and the highest population, and the comparison of all."""
    names = list(map(str, dataset["population"].values))
    ends = [names[0], names[-1]][: min(DRAWN, len(names))]
    shown = [(f"RDM of {name}", dataset["rdm"].sel(population=name)) for name in dict.fromkeys(ends)]
    return matrices([*shown, ("similarity of RDMs", dataset["spearman"])], axes_named=("", named(dataset, "other_run")))


def rows(dataset: xr.Dataset) -> list[Row]:
    """Spearman's rho, a row per population."""
    return [
        {"population": str(name)} | {str(other): float(dataset["spearman"].sel(population=name, other_population=other)) for other in dataset["other_population"].values}
        for name in dataset["population"].values
    ]  # fmt: skip


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """Conditions."""
    values = dataset["spearman"].values
    ends = f" Between the lowest and the highest population ρ is {values[0, -1]:.2f}." if np.isfinite(values[0, -1]) else ""  # fmt: skip
    return (f"{dataset.sizes['condition']} conditions, the values of {dataset.attrs['by']}.{ends}",)


ANALYSIS = Analysis(
    title="Representational similarity",
    says="RDMs of mean responses and their Spearman correlation, within a run or with another",
    missing=missing,
    reads=(*SIGNAL, "by"),
    measure=measure,
    measure_two=measure_two,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "RDM: 1 − Pearson's r over units between the mean responses to two conditions, of the lowest and the highest population. Last: Spearman's "
        "correlation of the upper triangles of the RDMs of two populations. The table holds the latter; cosines are in the recording."
    ),
)

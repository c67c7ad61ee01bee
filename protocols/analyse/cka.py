"""`apical analyse RUN cka`: how alike populations represent the same trials, within a run or between two."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import cka
from ...recordings.analysis.figures import matrices
from . import hints
from .alike import check_same_trials
from .analysis import Analysis, Row
from .options import Options
from .recorded import Recorded


def missing(recorded: Recorded, options: Options) -> str:
    """Trials."""
    return hints.trials(len(recorded.activity))


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """CKA of every pair of populations."""
    signals = recorded.signals(options)
    check_same_trials(signals)
    chosen = recorded.rows(next(iter(signals.values())), options)
    return cka(signals, rows=chosen, batch=options.batch, seed=options.seed).to_dataset()


def measure_two(recorded: Recorded, other: Recorded, options: Options) -> xr.Dataset:
    """CKA of every population of one run with every one of another."""
    signals, others = recorded.signals(options), other.signals(options)
    check_same_trials(signals, others, recorded, other)
    chosen = recorded.rows(next(iter(signals.values())), options)
    return cka(signals, others, rows=chosen, batch=options.batch, seed=options.seed).to_dataset()


def draw(dataset: xr.Dataset) -> Figure:
    """The matrix."""
    return matrices([("linear CKA", dataset["cka"])], axes_named=(named(dataset, "run"), named(dataset, "other_run")))


def named(dataset: xr.Dataset, which: str) -> str:
    """Name of a run at an axis, where there are two."""
    return str(dataset.attrs.get(which, ""))


def rows(dataset: xr.Dataset) -> list[Row]:
    """The matrix, a row per population."""
    return [
        {"population": str(name)} | {str(other): float(dataset["cka"].sel(population=name, other_population=other)) for other in dataset["other_population"].values}
        for name in dataset["population"].values
    ]  # fmt: skip


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """The most alike pair."""
    values = dataset["cka"].values.copy()
    if "other_run" not in dataset.attrs:
        np.fill_diagonal(values, np.nan)
    if not np.isfinite(values).any():
        return ()
    i, j = np.unravel_index(np.nanargmax(values), values.shape)
    pair = f"{dataset['population'].values[i]} and {dataset['other_population'].values[j]}"
    where = f" of {dataset.attrs['other_run']}" if "other_run" in dataset.attrs else ""
    return (f"Most alike are {pair}{where}: {values[i, j]:.2f}.",)


ANALYSIS = Analysis(
    title="Linear CKA of populations",
    says="centred kernel alignment of populations (unbiased, mini-batch), within a run or with another",
    missing=missing,
    measure=measure,
    measure_two=measure_two,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "∑ HSIC<sub>1</sub>(K, L) / √(∑ HSIC<sub>1</sub>(K, K) ∑ HSIC<sub>1</sub>(L, L)) over mini-batches of trials, K and L the linear kernels "
        "of two populations. 1: the same up to rotation and scale; 0: nothing in common. The estimate is unbiased and may lie slightly outside."
    ),
)

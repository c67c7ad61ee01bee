"""`apical analyse RUN selectivity`: how well single units tell classes apart."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import class_selectivity, side_by_side
from ...recordings.analysis.figures import distributions
from . import hints
from .analysis import SIGNAL, Analysis, Row, medians, number
from .options import Options
from .recorded import Recorded


def missing(recorded: Recorded, options: Options) -> str:
    """Trials of two classes."""
    by = options.by or "label"
    lacking = f"trials of two or more values of {by}; {hints.LABELS}"
    return hints.trials(len(recorded.activity)) or ("" if recorded.has(by, varied=True) else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """d' and class selectivity index of every unit."""
    by = options.by or "label"
    found = {
        name: class_selectivity(signal, by, rows=recorded.rows(signal, options))
        for name, signal in recorded.signals(options).items()
    }
    return side_by_side(found).assign_attrs(by=by)


def draw(dataset: xr.Dataset) -> Figure:
    """d' and index by population."""
    return distributions(dataset, ["best_d_prime", "class_selectivity"], levels={"best_d_prime": 0})


def rows(dataset: xr.Dataset) -> list[Row]:
    """Medians by population."""
    return medians(dataset, {"d'": "best_d_prime", "CSI": "class_selectivity"})


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """The clearest unit."""
    values = dataset["best_d_prime"]
    if not values.notnull().any():
        return ()
    best = int(np.nanargmax(values.values))
    name = f"unit {int(dataset['unit_id'].values[best])} of {dataset['population'].values[best]}"
    return (f"The unit that tells one {dataset.attrs['by']} best from the others is {name} with d' = {number(values.values[best])}.",)  # fmt: skip


ANALYSIS = Analysis(
    title="Selectivity for classes",
    says="d' of every class against the rest, class selectivity index, by unit",
    missing=missing,
    reads=(*SIGNAL, "by"),
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "Units as dots, quartiles as boxes. Left: d' = (m<sub>c</sub> − m<sub>rest</sub>) / √((s<sub>c</sub>² + s<sub>rest</sub>²)/2) of the "
        "class that a unit tells best. Right: (m<sub>max</sub> − m<sub>−max</sub>) / (m<sub>max</sub> + m<sub>−max</sub>), 0 for a unit that "
        "answers all classes alike, 1 for one that answers a single class."
    ),
)

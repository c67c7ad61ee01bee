"""`apical analyse RUN invariance`: variance across objects beside that over views of one."""

import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import invariance, side_by_side
from ...recordings.analysis.figures import distributions
from . import hints
from .analysis import SIGNAL, Analysis, Row, medians
from .options import Options
from .recorded import Recorded

CHOICES = ("image_id", "stimulus_id", "label")


def _by(recorded: Recorded, options: Options) -> str:
    """What names the object: the image where views of each were recorded, else the class."""
    if options.by:
        return options.by
    for name in CHOICES:
        for table in recorded.activity.values():
            values = table.coords[name].values if name in table.coords else ()
            if 1 < len(set(values)) <= len(values) / 2:
                return name
    return "stimulus_id"


def missing(recorded: Recorded, options: Options) -> str:
    """Several trials of each object."""
    lacking = f"several trials of each object; {hints.VIEWS}"
    known = recorded.has(_by(recorded, options), varied=True)
    return hints.trials(len(recorded.activity)) or ("" if known else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Variance components of every unit."""
    by = _by(recorded, options)
    found = {
        name: invariance(signal, by, rows=recorded.rows(signal, options))
        for name, signal in recorded.signals(options).items()
    }
    return side_by_side(found).assign_attrs(by=by)


def draw(dataset: xr.Dataset) -> Figure:
    """Shares by population."""
    return distributions(dataset, ["share", "f"], levels={"f": 1, "share": 0})


def rows(dataset: xr.Dataset) -> list[Row]:
    """Medians by population."""
    return medians(dataset, {"share": "share", "F": "f"})


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """What the objects are."""
    objects, views = int(dataset["objects"].values.max()), float(dataset["views"].values.mean())
    return (f"Objects are the values of {dataset.attrs['by']}: {objects}, with {views:.3g} trials each.",)


ANALYSIS = Analysis(
    title="Invariance",
    says="share of a unit's variance that the object explains, over its views",
    missing=missing,
    reads=(*SIGNAL, "by"),
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "One-way analysis of variance of every unit with objects as groups. Left: variance across objects over the sum of this and the variance "
        "within objects, 1 for a unit that is the same over all views of an object. Right: ratio of the mean squares, about 1 for a unit that "
        "knows nothing of the object (dashed)."
    ),
)

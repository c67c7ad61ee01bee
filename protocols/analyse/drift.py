"""`apical analyse RUN drift`: how much of a representation is kept through training."""

import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import drift
from ...recordings.analysis.figures import matrices
from . import hints
from .analysis import SIGNAL, Analysis, Row
from .options import Options
from .recorded import Recorded


def _signals(recorded: Recorded, options: Options) -> tuple[dict[str, xr.DataArray], str]:
    """Signals of the probe batch where one was recorded, else of training trials; and what names the condition."""
    probes = {name: table[options.value] for name, table in recorded.tables("probe").items() if options.value in table}
    if probes:
        return probes, options.by or "stimulus_id"
    return recorded.signals(options), options.by or "label"


def missing(recorded: Recorded, options: Options) -> str:
    """Steps of training."""
    if recorded.tables("probe"):
        return ""
    if not recorded.has("step", varied=True):
        return f"trials of several training steps; {hints.TRAINING}"
    return "" if recorded.has(options.by or "label", varied=True) else f"trials of {options.by or 'label'}s; {hints.LABELS}"  # fmt: skip


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Stability and geometry between windows."""
    signals, by = _signals(recorded, options)
    parts = {name: drift(signal, by, options.windows, rows=recorded.rows(signal, options)) for name, signal in signals.items()}  # fmt: skip
    index = xr.Variable(("population",), list(parts), {"long_name": "population"})
    joined = xr.concat(list(parts.values()), index.to_index_variable(), coords="minimal", compat="override", join="override", combine_attrs="override")  # fmt: skip
    of = "a fixed probe batch" if recorded.tables("probe") else "training trials, whose images are others every time"
    return joined.assign_attrs(by=by, of=of)


def draw(dataset: xr.Dataset) -> Figure:
    """Stability of the lowest and highest population, and how far each window is from the last."""
    names = list(map(str, dataset["population"].values))
    shown = []
    for name in dict.fromkeys((names[0], names[-1])):
        for measure_of in ("stability", "geometry"):
            one = dataset[measure_of].sel(population=name)
            steps = dataset["step"].values
            labelled = one.assign_coords(window=("window", [f"{s:.0f}" for s in steps]), other_window=("other_window", [f"{s:.0f}" for s in steps]))  # fmt: skip
            shown.append((f"{name}: {measure_of}", labelled))
    return matrices(shown, axes_named=("training step", "training step"), columns=2)


def rows(dataset: xr.Dataset) -> list[Row]:
    """First with last window, and last with the one before, by population."""
    return [
        {
            "population": str(name),
            "stability first-last": float(one["stability"][0, -1]),
            "stability last two": float(one["stability"][-2, -1]),
            "halves of the last": float(one["reliability"][-1]),
            "geometry first-last": float(one["geometry"][0, -1]),
            "geometry last two": float(one["geometry"][-2, -1]),
        }
        for name in dataset["population"].values
        for one in [dataset.sel(population=name)]
    ]


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """Of what."""
    conditions = int(dataset["conditions"].values.max())
    return (
        f"Population vectors of {conditions} values of {dataset.attrs['by']} in {dataset.sizes['window']} windows of training; of {dataset.attrs['of']}.",
    )


ANALYSIS = Analysis(
    title="Drift through training",
    says="stability of population vectors and of their geometry between stretches of training",
    missing=missing,
    reads=(*SIGNAL, "by"),
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "Stability: mean over conditions of the correlation between a condition's population vectors in two windows of training, less the mean over "
        "conditions. Geometry: Spearman's correlation of the RDMs of two windows. The lowest and the highest population; windows by their mean step."
    ),
)

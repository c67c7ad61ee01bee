"""`apical analyse RUN prediction-error`: how far the apical potential is from the basal one, and what the rule's score says of it."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...recordings.analysis import errors_over_training, prediction_error, windows, with_score
from ...recordings.analysis.figures import lines
from . import hints
from .analysis import TRIALS, Analysis, Row
from .options import Options
from .recorded import Recorded, phases

DRAWN = ("relative_error", "angle")


def missing(recorded: Recorded, options: Options) -> str:
    """Apical and basal potentials."""
    lacking = f"apical and basal potentials; {hints.APICAL}"
    return hints.trials(len(recorded.activity)) or ("" if recorded.dendrites(options) else lacking)


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Errors by phase and window of training, and their correlation with the score over the trials of the last window."""
    parts = []
    for table, suffix in recorded.dendrites(options).values():
        errors = prediction_error(table[f"apical{suffix}"], table["basal"])
        names, phase = phases(table)
        names, phase = (names, phase) if names else (["all"], np.zeros(len(phase), np.int64))
        kept = recorded.rows(table["basal"], options)
        phase = phase if kept is None else np.where(kept, phase, -1)
        if "step" in table.coords:
            codes, at = _windows(table["basal"], kept, options.windows)
        else:
            codes, at = np.zeros(len(phase), np.int64), xr.Variable(("window",), [0.0], {"units": "1", "long_name": "all trials"})  # fmt: skip
        found = errors_over_training(errors, phase, names, codes, at)
        if f"score{suffix}" in table:
            score = table[f"score{suffix}"].values.astype(float)
            last = codes == at.size - 1
            for name in ("angle", "product"):
                chosen = [(phase == i) & last for i in range(len(names))]
                r = [with_score(errors.isel(trial=one), score[one])[name] for one in chosen]
                found[f"score_{name}"] = xr.Variable(("phase",), r, {"units": "1", "long_name": f"correlation over trials of the last window of the rule's score with {errors[name].attrs['long_name']}", "symbol": "r"})  # fmt: skip
        parts.append(found)
    index = xr.Variable(("population",), list(recorded.dendrites(options)), {"long_name": "population"})
    return xr.concat(parts, index.to_index_variable(), coords="minimal", compat="override", join="outer", combine_attrs="override")  # type: ignore[no-any-return, unused-ignore]  # fmt: skip


def _windows(signal: xr.DataArray, kept: NDArray[np.bool_] | None, count: int) -> tuple[NDArray[np.int64], xr.Variable]:
    """Window of every trial among those that are used, -1 of the others: the last one then has trials whatever was chosen."""
    if kept is None:
        return windows(signal, count)
    codes = np.full(len(kept), -1, np.int64)
    codes[kept], at = windows(signal[kept], count)
    return codes, at


def draw(dataset: xr.Dataset) -> Figure:
    """Errors over training by phase."""
    shown = [
        (str(phase), dataset[name].sel(phase=phase)) for name in DRAWN for phase in dataset["phase"].values
    ]  # fmt: skip
    return lines(dataset, shown, columns=max(2, dataset.sizes["phase"]))


def rows(dataset: xr.Dataset) -> list[Row]:
    """The last window, by population and phase."""
    found = []
    for name in dataset["population"].values:
        for phase in dataset["phase"].values:
            one = dataset.sel(population=name, phase=phase).isel(window=-1)
            row: Row = {"population": str(name), "phase": str(phase)}
            row |= {key: float(one[key]) for key in ("error", "relative_error", "angle")}
            row |= {f"r(score, {key})": float(one[f"score_{key}"]) for key in ("angle", "product") if f"score_{key}" in one}  # fmt: skip
            found.append(row)
    return found


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """What these numbers are of."""
    return (
        "Errors are over the recorded units alone; the rule's score is of all units, by its own formula. Table: trials of the last window of training.",
    )


ANALYSIS = Analysis(
    title="Prediction error of the apical dendrite",
    says="||e - a||, relative to ||a||, 1 - cos, by phase over training, and the rule's score beside them",
    missing=missing,
    reads=(*TRIALS, "source"),
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption=(
        "Distance between apical potential <var>e</var> and basal potential <var>a</var> over the recorded units of a trial, relative to "
        "‖<var>a</var>‖, and 1 − cos(<var>e</var>, <var>a</var>): means over the trials of a window of training."
    ),
)

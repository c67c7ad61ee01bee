"""`apical analyse RUN gates`: how often plasticity is open."""

import xarray as xr
from matplotlib.figure import Figure

from ...recordings.analysis import gates_of_trials, gates_of_updates
from ...recordings.analysis.figures import lines
from ...recordings.analysis.gates import COLUMNS
from . import hints
from .analysis import Analysis, Row
from .options import Options
from .recorded import Recorded, phases


def missing(recorded: Recorded, options: Options) -> str:
    """Gates of batches, or neuromodulators of trials."""
    found = _of_updates(recorded, options) or _of_trials(recorded, options)
    return "" if found else f"gates of training steps or neuromodulators of trials; {hints.TRAINING}, and a rule that has a neuromodulator"  # fmt: skip


def _suffix(options: Options) -> str:
    return f"_{options.source}" if options.source else ""


def _of_updates(recorded: Recorded, options: Options) -> dict[str, xr.Dataset]:
    return {
        name: table
        for name, table in recorded.tables("updates").items()
        if any(str(n).startswith("gate_") and str(n).endswith(_suffix(options)) for n in table.data_vars)
    }


def _of_trials(recorded: Recorded, options: Options) -> dict[str, xr.Dataset]:
    name = f"neuromodulator{_suffix(options)}"
    return {population: table for population, table in recorded.activity.items() if name in table}


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Share of open gates by population, phase and window of training."""
    updates = _of_updates(recorded, options)
    if updates:
        names = _phases(recorded)
        parts = {name: gates_of_updates(table, names, options.windows, _suffix(options)) for name, table in updates.items()}  # fmt: skip
    else:
        parts = {}
        for name, table in _of_trials(recorded, options).items():
            words, codes = phases(table)
            modulator = table[f"neuromodulator{_suffix(options)}"]
            parts[name] = gates_of_trials(modulator, codes if words else 0 * codes, words or ["all"], options.windows)
    index = xr.Variable(("population",), list(parts), {"long_name": "population"})
    joined = xr.concat(list(parts.values()), index.to_index_variable(), coords="minimal", compat="override", join="outer", combine_attrs="override")  # fmt: skip
    return joined.assign_attrs(of="whole batches" if updates else "recorded trials")


def _phases(recorded: Recorded) -> list[str]:
    """Phases in the words of the recording's trials."""
    for table in recorded.activity.values():
        names, _ = phases(table)
        if len(names) == len(COLUMNS):
            return names
    return list(COLUMNS)


def draw(dataset: xr.Dataset) -> Figure:
    """Gates over training, a panel per phase."""
    shown = [(str(phase), dataset["gate_rate"].sel(phase=phase)) for phase in dataset["phase"].values]
    figure = lines(dataset, shown, columns=max(2, len(shown)))
    for axes in figure.axes:
        axes.set_ylim(-0.03, 1.03)
    return figure


def rows(dataset: xr.Dataset) -> list[Row]:
    """First and last window by population and phase."""
    return [
        {
            "population": str(name),
            "phase": str(phase),
            "first window": float(dataset["gate_rate"].sel(population=name, phase=phase)[0]),
            "last window": float(dataset["gate_rate"].sel(population=name, phase=phase)[-1]),
        }
        for name in dataset["population"].values
        for phase in dataset["phase"].values
    ]


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """What was counted."""
    return (f"Open gates of {dataset.attrs['of']}, means over {dataset.sizes['window']} windows of training.",)


ANALYSIS = Analysis(
    title="Gate rate",
    says="share of open plasticity gates by phase, over training",
    missing=missing,
    reads=("source",),
    measure=measure,
    draw=draw,
    rows=rows,
    told=told,
    caption="Share of the rows of a batch, or of the recorded trials, whose neuromodulator is not 0: in these, weights move.",
)

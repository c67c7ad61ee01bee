"""`apical analyse RUN spikes --replay NAME`: how regular and how variable spike trains of a replay are."""

import xarray as xr

from ...recordings.analysis import spike_measures, trains
from ...recordings.analysis.described import unit_coordinates
from ...recordings.analysis.figures import spiking
from . import hints
from .analysis import Analysis, Row, medians
from .options import Options
from .recorded import Recorded


def missing(recorded: Recorded, options: Options) -> str:
    """A replay."""
    if not recorded.replays():
        return f"a replay; {hints.REPLAY}"
    return "" if recorded.replay else f"the name of a replay: --replay {recorded.replays()[0]}"


def measure(recorded: Recorded, options: Options) -> xr.Dataset:
    """Measures of every unit."""
    replay = recorded.of_replay()
    trials = replay["trials"].to_dataset()
    step = float(trials["time"].diff("time").values[0]) if trials.sizes["time"] > 1 else 1.0
    window = float(trials["time"].values[-1]) + step
    found = spike_measures(trains(replay), window, wanted=options.engine or None)
    named = recorded.replay
    population = xr.Variable(("unit",), [named] * found.sizes["unit"], {"long_name": "replay"})
    return found.assign_coords(unit_coordinates(trials["output_rate"])).assign_coords(population=population)


def rows(dataset: xr.Dataset) -> list[Row]:
    """Medians over units."""
    found = medians(dataset, {"rate (Hz)": "firing_rate", "CV": "cv", "CV2": "cv2", "LV": "lv", "Fano": "fano"}, quantiles=False)  # fmt: skip
    for row in found:
        row["replay"] = row.pop("population")
    return [{"replay": row["replay"], **row} for row in found]


def told(dataset: xr.Dataset) -> tuple[str, ...]:
    """By what."""
    by = "elephant" if dataset.attrs["engine"] == "elephant" else "Apical's own functions"
    return (
        f"{int(dataset['spikes'].sum())} spikes of {dataset.sizes['unit']} units; CV, CV2, LV and Fano factor by {by}. Trials differ in their "
        "stimulus, so that the Fano factor counts how the drive differs as well.",
    )


ANALYSIS = Analysis(
    title="Spike trains of a replay",
    says="CV, CV2, LV, Fano factor and correlograms of the units of a replay (by elephant, where installed)",
    missing=missing,
    reads=(),
    measure=measure,
    draw=spiking,
    rows=rows,
    told=told,
    caption=(
        "Left and middle: units as dots, quartiles as boxes; of a Poisson process all four measures are 1 (dashed). Right: coincidences per spike of "
        "one unit with itself, of two units in the same trial, and of two units in different trials, which is what their rates alone make."
    ),
)

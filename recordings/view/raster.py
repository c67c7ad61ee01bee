"""Spikes and potentials of one trial of a replay, beside what the rate network said of the same glance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..replay_names import GROUP
from .source import Signal, Source, described, said

TRIALS, SPIKES, CIRCUIT = "trials", "spikes", "circuit"


@dataclass(frozen=True, slots=True)
class Trial:
    """One window of a replay.

    Attributes:
        time: of each spike, ms from the start of the window.
        row: of each spike, the place of its unit among the units of the circuit.
        unit_id: of each unit of the circuit.
        told: what the trial was, in words: phase, stimulus, ...
    """

    time: NDArray[np.float64]
    row: NDArray[np.int64]
    unit_id: NDArray[Any]
    told: str


def count(source: Source, replay: str) -> int:
    """Trials of a replay that are committed."""
    return int(_table(source, replay, TRIALS).sizes.get("trial", 0))


def trial(source: Source, replay: str, number: int) -> Trial:
    """Its spikes; those of the trial alone are read."""
    trials = _table(source, replay, TRIALS)
    units = np.asarray(trials["unit_id"])
    begun, spikes = (int(np.asarray(trials[name].data[number])) for name in ("spike_offset", "spike_count"))
    if spikes:
        table = _table(source, replay, SPIKES)
        time = np.asarray(table["spike_time"].data[begun : begun + spikes], dtype=np.float64)
        row = np.asarray(table["spike_unit"].data[begun : begun + spikes], dtype=np.int64)
    else:
        time, row = np.zeros(0), np.zeros(0, np.int64)
    return Trial(time, row, units, _told(source, replay, number))


def potentials(
    source: Source, replay: str, number: int, row: int
) -> tuple[NDArray[Any], dict[str, NDArray[Any]], list[Signal]]:
    """Time in ms, and every potential of a unit in a trial, with what it is."""
    trials = _table(source, replay, TRIALS)
    names = [str(name) for name, each in trials.data_vars.items() if each.dims == ("trial", "unit", "time")]
    values = {name: np.asarray(trials[name].data[number, row], dtype=np.float64) for name in names}
    return np.asarray(trials["time"], dtype=np.float64), values, [described(name, trials[name]) for name in names]


def readings(source: Source, replay: str, number: int, row: int) -> list[tuple[str, float, str]]:
    """What was counted of the unit in the trial, and what the rate network said of it: name, value, units."""
    found = []
    for name in (TRIALS, CIRCUIT):
        table = _table(source, replay, name)
        for key, each in table.data_vars.items():
            if each.dims == ("trial", "unit") and not str(key).endswith(("_offset", "_before")):
                signal = described(str(key), each)
                found.append(
                    (
                        f"{signal.long_name} {signal.symbol}".strip(),
                        float(np.asarray(each.data[number, row])),
                        signal.units,
                    )
                )
    return found


def _told(source: Source, replay: str, number: int) -> str:
    words: list[str] = []
    for name in (TRIALS, CIRCUIT):
        table = _table(source, replay, name)
        for key in ("phase", "stimulus_id", "context_id", "label"):
            if key in table and table[key].dims == ("trial",) and not any(word.startswith(key) for word in words):
                value = said(table[key], np.asarray(table[key].data[number : number + 1]))[0]
                words.append(f"{key} {value}")
    return ", ".join(words)


def _table(source: Source, replay: str, name: str) -> xr.Dataset:
    return source.table(f"{GROUP}/{replay}/{name}")

"""A replay with spiking neurons as an NWB session: units with spikes, potentials, trials."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pynwb import NWBFile

from ..errors import RecordingError
from .content import Content, blocks
from .nwb_tables import add_neurons, add_trials, series


def add_replay(file: NWBFile, content: Content) -> None:
    """Add a replay: its windows stand one after another.

    Raises:
        RecordingError: it has no trials or no time.
    """
    tables = content.tables
    if "trials" not in tables or "spikes" not in tables or not tables["trials"].sizes.get("trial"):
        raise RecordingError(
            f"export.replay: expected trials and spikes, got {', '.join(tables)} of {content.replay}; replay it again"
        )
    trials = tables["trials"]
    told = content.attributes["replay"]
    duration = float(told.get("duration_ms", np.asarray(trials["time"]).size)) / 1000
    count = int(trials.sizes["trial"])
    observed = np.array([[0.0, count * duration]])  # windows without gaps are one interval; neo reads no more than one
    name = str(told.get("population") or content.replay)
    places = {str(each): np.asarray(trials[each]) for each in trials.coords if trials[each].dims == ("unit",)}
    region = add_neurons(
        file, {name: places}, _spikes(tables, duration), observed, float(told.get("dt_ms", 0.1)) / 1000
    )[name]
    circuit = tables.get("circuit", xr.Dataset())
    further = {
        str(key): each
        for table in (circuit, trials)
        for key, each in table.data_vars.items()
        if _is_said(str(key), each)
    }
    add_trials(
        file,
        trials,
        duration,
        f"Windows of {duration} s of simulated time, one after another; between two the circuit is set back.",
        further,
    )
    for key, each in trials.data_vars.items():
        of = str(each.attrs.get("long_name", key))
        if each.dims == ("trial", "unit", "time"):
            step = float(np.diff(np.asarray(trials["time"])[:2])[0]) / 1000
            if abs(each.sizes["time"] * step - duration) > step / 2:
                continue  # samples that do not fill the window have no place on one axis
            series(file, str(key), _one_axis(each), f"{of}, window after window", 1 / step, region)
        elif each.dims == ("trial", "unit") and key != "spike_before":
            series(file, str(key), each, f"{of}, one value for each window", 1 / duration, region)
    for key in ("basal", "rate", "prediction"):
        if key in circuit and circuit[key].dims == ("trial", "unit"):
            of = str(circuit[key].attrs.get("long_name", key))
            series(file, f"rate_network_{key}", circuit[key], f"{of}, one value for each window", 1 / duration, region)


def _is_said(name: str, variable: xr.DataArray) -> bool:
    """Whether it tells what a trial was; where its spikes stand is no property of it."""
    return variable.dims == ("trial",) and not name.endswith(("_count", "_offset", "_row"))


def _one_axis(variable: xr.DataArray) -> xr.DataArray:
    """(trial, unit, time) as (time of all trials, unit), lazily."""
    data = variable.data.transpose(0, 2, 1)
    flat = data.reshape(-1, data.shape[2])
    return xr.DataArray(flat, dims=("time", "unit"), name=variable.name, attrs=variable.attrs)


def _spikes(tables: Any, duration: float) -> list[NDArray[np.float64]]:
    """Times of each unit in seconds, in order."""
    trials, spikes = tables["trials"], tables["spikes"]
    count = np.asarray(trials["spike_count"], dtype=np.int64)
    window = np.repeat(np.arange(len(count)), count)
    units = int(trials.sizes["unit"])
    found: list[list[NDArray[np.float64]]] = [[] for _ in range(units)]
    seen = 0
    for time, unit in zip(blocks(spikes["spike_time"]), _like(spikes), strict=True):
        part = window[seen : seen + len(time)]
        seconds = part * duration + time[: len(part)].astype(np.float64) / 1000
        for number in np.unique(unit[: len(part)]):
            found[int(number)].append(seconds[unit[: len(part)] == number])
        seen += len(time)
    return [np.sort(np.concatenate([np.zeros(0), *parts])) for parts in found]


def _like(spikes: xr.Dataset) -> Any:
    """Units of the spikes, in the same blocks as their times."""
    from .content import rows_of, values

    for start, stop in rows_of(spikes["spike_time"].variable):
        yield values(spikes["spike_unit"].variable, start, stop)

"""Tables and series of an NWB file, from variables of a recording."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import DynamicTableRegion, VectorData, VectorIndex
from hdmf.data_utils import GenericDataChunkIterator
from numpy.typing import NDArray
from pynwb import NWBFile, TimeSeries
from pynwb.epoch import TimeIntervals
from pynwb.misc import Units

from .content import BLOCK_BYTES, values

SI = {
    "mV": ("volts", 1e-3),
    "pA": ("amperes", 1e-12),
    "ms": ("seconds", 1e-3),
    "Hz": ("hertz", 1.0),
    "1": ("a.u.", 1.0),
}
PLACES = {
    "unit_id": "flat position in the population, channel by channel, as in the recording",
    "channel": "channel of the population's map",
    "row": "row on the map",
    "col": "column on the map",
}


class Streamed(GenericDataChunkIterator):  # type: ignore[misc, unused-ignore]
    """A variable that is read block by block as it is written."""

    def __init__(self, variable: xr.DataArray) -> None:
        self._variable = variable.variable
        row = max(1, int(variable.nbytes) // max(variable.shape[0], 1))
        chunk = tuple(min(size, most) for size, most in zip(variable.shape, (512, 512, 512, 512), strict=False))
        rows = max(chunk[0], BLOCK_BYTES // row // chunk[0] * chunk[0])
        buffer = (min(rows, variable.shape[0]), *variable.shape[1:])
        super().__init__(buffer_shape=buffer, chunk_shape=chunk)

    def _get_data(self, selection: tuple[slice, ...]) -> NDArray[Any]:
        first, *rest = selection
        return values(self._variable, first.start, first.stop)[(slice(None), *rest)]

    def _get_maxshape(self) -> tuple[int, ...]:
        return tuple(self._variable.shape)

    def _get_dtype(self) -> np.dtype[Any]:
        found: np.dtype[Any] = self._variable.dtype
        return found


def streamed(variable: xr.DataArray) -> Any:
    """What HDF5 is given to write a variable, compressed."""
    if not variable.size:
        return np.asarray(variable)
    return H5DataIO(Streamed(variable), compression="gzip", compression_opts=1, shuffle=True)


def series(
    file: NWBFile, name: str, variable: xr.DataArray, description: str, rate: float, region: tuple[int, int] | None
) -> None:
    """Add a signal.

    Args:
        file: the session.
        name: of the series.
        variable: its first dimension is time, a second one units.
        description: what it is.
        rate: rows in a second.
        region: first and last row of its units among the electrodes.
    """
    unit, conversion = SI.get(str(variable.attrs.get("units", "1")), (str(variable.attrs.get("units", "1")), 1.0))
    symbol = f" ({variable.attrs['symbol']})" if variable.attrs.get("symbol") else ""
    where = (
        f"; columns are the rows {region[0]} to {region[1]} of the table of electrodes"
        if region and variable.ndim == 2
        else ""
    )
    file.add_acquisition(
        TimeSeries(
            name=name, data=streamed(variable), unit=unit, conversion=conversion, rate=rate, starting_time=0.0,
            description=f"{description}{symbol}{where}", comments=_said(variable.attrs),
        )
    )  # fmt: skip


def _said(attributes: Mapping[Any, Any]) -> str:
    told = [f"{name} {value}" for name, value in attributes.items() if isinstance(value, str | int | float)]
    return ", ".join(told) or "no further attributes"


def add_trials(
    file: NWBFile,
    table: xr.Dataset,
    duration: float,
    description: str,
    further: Mapping[str, xr.DataArray] | None = None,
) -> None:
    """Add the table of trials: times, and every coordinate that has one value for each.

    Args:
        file: the session.
        table: its coordinates along `trial`.
        duration: of a trial, seconds.
        description: what the times mean.
        further: more columns by name.
    """
    count = int(table.sizes.get("trial", 0))
    start = np.arange(count) * duration
    columns = [
        VectorData(name="start_time", description="Start time of the trial, in seconds", data=start),
        VectorData(name="stop_time", description="Stop time of the trial, in seconds", data=start + duration),
    ]
    told = {str(name): each for name, each in table.coords.items() if each.dims == ("trial",)} | dict(further or {})
    for name, each in told.items():
        units = str(each.attrs.get("units", "1"))
        said = str(each.attrs.get("long_name", name)) + (f" ({units})" if units != "1" else "")
        columns.append(VectorData(name=name, description=said, data=_meant(each)))
    file.trials = TimeIntervals(name="trials", description=description, columns=columns)


def _meant(variable: xr.DataArray) -> Any:
    """Values, or the words that its flags stand for."""
    found = values(variable.variable, 0, int(variable.shape[0]))
    flags, meanings = variable.attrs.get("flag_values"), str(variable.attrs.get("flag_meanings", "")).split()
    if flags is None or len(flags) != len(meanings):
        return found.tolist() if found.dtype.kind == "U" else found
    told = dict(zip(map(int, flags), meanings, strict=True))
    return [told.get(int(each), str(each)) for each in found]


def add_neurons(
    file: NWBFile,
    places: Mapping[str, Mapping[str, NDArray[Any]]],
    spikes: list[NDArray[np.float64]] | None = None,
    observed: NDArray[np.float64] | None = None,
    resolution: float | None = None,
) -> dict[str, tuple[int, int]]:
    """Add the table of electrodes, and where there are spikes that of units: a row for every neuron.

    Args:
        file: the session.
        places: of each population, `unit_id`, `channel`, `row` and `col` of its neurons.
        spikes: times of each neuron in seconds, growing; None where there are no spikes.
        observed: start and stop of what was observed, (windows, 2), the same of all.
        resolution: smallest difference of two spike times, seconds.

    Returns:
        First and last row of each population.
    """
    device = file.create_device(name="simulator", description="No device: potentials and rates of a simulated network")
    regions: dict[str, tuple[int, int]] = {}
    groups: list[Any] = []
    names: list[str] = []
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in PLACES}
    for population, place in places.items():
        count = len(next(iter(place.values())))
        group = file.create_electrode_group(
            name=population, description=f"neurons of the population {population}", location=population, device=device
        )
        regions[population] = (len(names), len(names) + count - 1)
        groups += [group] * count
        names += [population] * count
        for name, column in columns.items():
            column.append(np.asarray(place.get(name, np.full(count, -1)), dtype=np.int64))
    whole = {name: np.concatenate(column) for name, column in columns.items()}
    _electrodes(file, groups, names, whole)
    if spikes is not None and observed is not None:
        file.units = _units(file, groups, names, whole, spikes, observed, resolution)
    return regions


def _electrodes(file: NWBFile, groups: list[Any], names: list[str], places: Mapping[str, NDArray[Any]]) -> None:
    from pynwb.ecephys import ElectrodesTable

    columns = [
        VectorData(name="location", description="population of the neuron", data=names),
        VectorData(name="group", description="group of the population", data=groups),
        VectorData(name="group_name", description="name of the group", data=names),
        *(VectorData(name=name, description=PLACES[name], data=each) for name, each in places.items()),
    ]
    file.electrodes = ElectrodesTable(columns=columns)


def _units(
    file: NWBFile, groups: list[Any], names: list[str], places: Mapping[str, NDArray[Any]],
    spikes: list[NDArray[np.float64]], observed: NDArray[np.float64], resolution: float | None,
) -> Units:  # fmt: skip
    count = len(names)
    electrodes = DynamicTableRegion(
        name="electrodes",
        description="row of the neuron among the electrodes",
        data=np.arange(count),
        table=file.electrodes,
    )
    columns: list[Any] = [
        VectorData(name="population", description="population of the neuron", data=names),
        *(VectorData(name=name, description=PLACES[name], data=each) for name, each in places.items()),
        VectorData(name="electrode_group", description="group of the population", data=groups),
        electrodes,
        VectorIndex(name="electrodes_index", data=np.arange(1, count + 1), target=electrodes),
    ]
    times = VectorData(
        name="spike_times", description="times of the spikes, in seconds", data=np.concatenate([np.zeros(0), *spikes])
    )
    windows = VectorData(
        name="obs_intervals",
        description="start and stop of each window, in seconds",
        data=np.tile(observed, (count, 1)),
    )
    columns += [
        times,
        VectorIndex(name="spike_times_index", data=np.cumsum([len(each) for each in spikes]), target=times),
        windows,
        VectorIndex(name="obs_intervals_index", data=len(observed) * np.arange(1, count + 1), target=windows),
    ]
    fine = {} if resolution is None else {"resolution": resolution}
    return Units(name="units", description="neurons of the replayed circuit and their spikes", columns=columns, **fine)

"""Replays in the store of a run: spikes, voltages and the circuit itself under ``/replay/<name>``.

A replay is a recording of its own inside the run's store, with its own attributes, status and ``committed`` rows, written by
the same :class:`Writer`. Nothing of the run's other groups is touched, so a kill loses the trials after the last commit of the
replay and nothing else. Its tables:

    trials    per trial: voltages (unit, time) in mV, output rate, and where its spikes stand (``spike_offset``, ``spike_count``)
    spikes    all spikes in one row after another: ``spike_time`` (ms from the start of the window), ``spike_unit``
    circuit   what was replayed: weights, pre-synaptic rates, context, the factors of the rate network
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from .errors import RecordingError, unknown_name
from .layout import StoreLike
from .reader import _store as store_of
from .reader import open
from .replay_names import GROUP, replay_groups
from .schema import Coordinate, Table, Variable
from .stores import refusing
from .writer import Writer

MOST_HZ = 1000  # spikes of a unit; only bounds the length that is declared, nothing is allocated
COMPARTMENTS = {"V_soma": "soma", "V_basal": "basal dendrite", "V_apical": "apical dendrite"}


class ReplayStore:
    """Sink of one replay; a context manager, like :class:`Writer`.

    >>> with ReplayStore("runs/demo", "first") as sink:          # doctest: +SKIP
    ...     replay(circuit, sink=sink)

    Args:
        recording: a ``recording.zarr`` or a run folder that holds one; a folder or URL, not an archive.
        name: name of the replay.
        overwrite: replace a replay of that name.

    Raises:
        RecordingError: no recording there, a malformed name, or the name is taken.
    """

    def __init__(self, recording: StoreLike, name: str, *, overwrite: bool = False) -> None:
        if not name or "/" in name or name.startswith((".", "__")):
            raise RecordingError(f"replay.name: expected a plain name, got {name!r}; leave out '/' and dots")
        store = store_of(recording)
        if not isinstance(store, str):
            raise RecordingError(
                f"replay.recording: expected a folder, got {recording}; unpack it, an archive is read only"
            )
        if name in _all_names(store) and not overwrite:
            raise RecordingError(
                f"replay.name: expected a new name, got {name!r}, which exists; overwrite it or rename"
            )
        self._store, self._name = store, name
        self._writer: Writer | None = None
        self._spikes = 0

    def begin(
        self,
        *,
        trials: int,
        units: Mapping[str, NDArray[Any]],
        samples: int,
        voltages: tuple[str, ...],
        circuit: Mapping[str, tuple[tuple[str, ...], NDArray[Any], Mapping[str, Any]]],
        attributes: Mapping[str, Any],
    ) -> None:
        """Create the tables and write the circuit.

        Args:
            trials: trials of the replay.
            units: coordinates of the units, e.g. ``unit_id``, ``channel``, ``row``, ``col``; each (units,).
            samples: time points of a trial, 1 ms apart.
            voltages: names of the recorded potentials.
            circuit: name to (dims, values, attributes); those with ``trial`` as first dimension become rows.
            attributes: attributes of the replay (JSON values): seed, versions, target, ...

        Raises:
            RecordingError: the store cannot be written.
        """
        tables = [
            _trials_table(trials, units, samples, voltages),
            _spikes_table(trials * len(next(iter(units.values()))) * (samples * MOST_HZ // 1000 + 1)),
            _circuit_table(trials, units, circuit),
        ]
        with refusing(self._store, "a recording that can be written", "check the path and its permissions"):
            root = zarr.open_group(self._store, mode="r+")
            root.require_group(GROUP)
            if f"{GROUP}/{self._name}" in root:
                del root[f"{GROUP}/{self._name}"]
        self._writer = Writer.create(f"{self._store}/{GROUP}/{self._name}", tables, attributes=attributes)
        rows = {name: np.asarray(values) for name, (dims, values, _) in circuit.items() if dims[0] == "trial"}
        self._writer.append("circuit", rows)
        self._writer.commit()

    def append(self, trials: Mapping[str, NDArray[Any]], spikes: Mapping[str, NDArray[Any]]) -> None:
        """Write trials and their spikes, and commit both together.

        Args:
            trials: rows of the table ``trials`` without ``spike_offset``.
            spikes: ``spike_time`` in ms and ``spike_unit``, trial by trial.

        Raises:
            RecordingError: nothing was begun, rows do not fit, or the store cannot be written.
        """
        if self._writer is None:
            raise RecordingError(
                "replay.store: expected begin() before append(), got none; call it once with the tables"
            )
        counts = np.asarray(trials["spike_count"], dtype=np.int64)
        offset = self._spikes + np.cumsum(counts) - counts
        self._spikes += int(counts.sum())
        if len(spikes["spike_time"]):
            self._writer.append("spikes", spikes)
        self._writer.append("trials", {**trials, "spike_offset": offset})
        self._writer.commit()

    def close(self, status: str = "complete") -> None:
        """Write the status and end the writer; nothing happens where nothing was begun."""
        if self._writer is not None:
            self._writer.close(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, traceback)


def open_replay(recording: StoreLike, name: str) -> xr.DataTree:
    """One replay of a run, lazily: nodes ``trials``, ``spikes`` and ``circuit``, trimmed to what is committed.

    The spikes of trial k are ``spikes[spike_offset[k] : spike_offset[k] + spike_count[k]]``.

    Raises:
        RecordingError: no such recording or no such replay.
    """
    store = store_of(recording)
    with refusing(recording, "a recording", "give the recording.zarr of a run"):
        known = replay_groups(zarr.open_group(store, mode="r"))
    if name not in known:
        raise unknown_name("replay.name", name, known)
    if isinstance(store, str):
        return open(f"{store}/{GROUP}/{name}")
    tree = open(recording)[f"{GROUP}/{name}"]
    assert isinstance(tree, xr.DataTree)
    return tree


def _all_names(store: str) -> list[str]:
    """Every group under ``/replay``, also one whose creation was interrupted."""
    with refusing(store, "a recording", "give the recording.zarr of a run"):
        root = zarr.open_group(store, mode="r")
        found = [name for name, _ in root[GROUP].groups()] if GROUP in root else []  # type: ignore[union-attr]
    folder = Path(store) / GROUP
    return found + ([path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else [])


def _trials_table(trials: int, units: Mapping[str, NDArray[Any]], samples: int, voltages: tuple[str, ...]) -> Table:
    count = len(next(iter(units.values())))
    time = {"units": "ms", "long_name": "time in the window"}
    rows = [
        Variable(
            name=name, dims=("unit", "time"), shape=(count, samples), units="mV",
            long_name=f"potential of the {COMPARTMENTS.get(name, name)}",
            attributes={"compartment": COMPARTMENTS.get(name, name)},
        )
        for name in voltages
    ]  # fmt: skip
    return Table(
        path="trials", dim="trial", length=trials,
        variables=(
            Variable(name="output_rate", dims=("unit",), shape=(count,), units="Hz", long_name="output rate"),
            Variable(name="spike_count", dtype="int64", long_name="spikes of the trial"),
            Variable(name="spike_offset", dtype="int64", long_name="first spike of the trial in spikes"),
            *rows,
        ),
        coords=_unit_coords(units) | {"time": (("time",), np.arange(samples, dtype=np.float64), time)},
    )  # fmt: skip


def _spikes_table(length: int) -> Table:
    return Table(
        path="spikes", dim="spike", length=length,
        variables=(
            Variable(name="spike_time", units="ms", long_name="spike time in the window"),
            Variable(name="spike_unit", dtype="int32", long_name="unit of the spike"),
        ),
    )  # fmt: skip


def _circuit_table(
    trials: int,
    units: Mapping[str, NDArray[Any]],
    circuit: Mapping[str, tuple[tuple[str, ...], NDArray[Any], Mapping[str, Any]]],
) -> Table:
    variables, coords = [], _unit_coords(units)
    for name, (dims, values, attributes) in circuit.items():
        if dims[0] != "trial":
            coords[name] = (dims, values, attributes)
            continue
        rest = {key: value for key, value in attributes.items() if key not in ("units", "long_name")}
        variables.append(
            Variable(
                name=name, dims=dims[1:], shape=values.shape[1:], dtype=str(values.dtype), units=attributes["units"],
                long_name=attributes["long_name"], attributes=rest,
            )
        )  # fmt: skip
    return Table(path="circuit", dim="trial", length=trials, variables=tuple(variables), coords=coords)


def _unit_coords(units: Mapping[str, NDArray[Any]]) -> dict[str, Coordinate]:
    return {
        name: (("unit",), np.asarray(values, dtype=np.int64), {"units": "1", "long_name": f"{name} of the unit"})
        for name, values in units.items()
    }

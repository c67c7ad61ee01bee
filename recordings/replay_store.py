"""Replays in the store of a run: spikes, voltages and the circuit itself under ``/replay/<name>``.

A replay is a recording of its own inside the run's store, with its own attributes, status and ``committed`` rows, written by
the same :class:`Writer`. Nothing of the run's other groups is touched, so a kill loses the trials after the last commit of the
replay and nothing else. Its tables:

    trials    per trial: voltages (unit, time) in mV, output rate, and where its spikes stand (``spike_offset``, ``spike_count``);
              coordinates: ``stimulus_id``, ``context_id``, ``label`` and ``phase``, those of them that the circuit or ``further`` has
    spikes    all spikes in one row after another: ``spike_time`` (ms from the start of the window), ``spike_unit``
    circuit   what was replayed: weights, pre-synaptic rates, context, the factors of the rate network; label and stimulus

and, where the replay sends them,

    input_spikes, context_spikes   spikes of the sources: ``input_time`` (emission), ``input_index``; ``context_time``, ``context_index``
    change                         one row: ``dW``, sum over trials of gamma, weight and eligibility; written when all trials are there

``trials`` then holds the eligibility of every trial, up to `ELIGIBILITY_BYTES` in all, and the last spike of every unit before the window.

The attributes of the replay stand on its own node and on each of its tables.

Lengths are declared before anything is known of the spikes, and cut to what there is when the replay is closed.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from .errors import RecordingError, unknown_name
from .layout import StoreLike
from .members import groups
from .reader import _store as store_of
from .reader import open
from .replay_names import GROUP, replay_groups
from .replay_tables import (
    ELIGIBILITY_BYTES,
    MOST_HZ,
    OF_TRIALS,
    SOURCES,
    Described,
    circuit_table,
    source_table,
    spikes_table,
    trials_table,
)
from .schema import Table, Variable
from .stores import refusing
from .trimming import trim
from .writer import Writer


class ReplayStore:
    """Sink of one replay; a context manager, like :class:`Writer`.

    >>> with ReplayStore("runs/demo", "first") as sink:          # doctest: +SKIP
    ...     replay(circuit, sink=sink)

    Args:
        recording: a ``recording.zarr`` or a run folder that holds one; a folder or URL, not an archive.
        name: name of the replay.
        overwrite: replace a replay of that name.
        further: more about the circuit or its trials, e.g. labels: name to (dims, values, attributes).

    Raises:
        RecordingError: no recording there, a malformed name, or the name is taken.
    """

    def __init__(
        self, recording: StoreLike, name: str, *, overwrite: bool = False, further: Mapping[str, Described] | None = None
    ) -> None:  # fmt: skip
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
        self._store, self.name = store, name
        self._writer: Writer | None = None
        self._further = dict(further or {})
        self._offsets: dict[str, int] = {}
        self._kept: set[str] = set()  # of a trial, beside spikes
        self._trials = 0
        self._known: dict[str, NDArray[Any]] = {}  # of every trial, before it is replayed
        self._change: NDArray[np.float64] | None = None
        self._modulated = np.zeros(0)

    def begin(
        self,
        *,
        trials: int,
        units: Mapping[str, NDArray[Any]],
        samples: int,
        voltages: tuple[str, ...],
        circuit: Mapping[str, Described],
        attributes: Mapping[str, Any],
        sources: bool = False,
    ) -> None:
        """Create the tables and write the circuit.

        Args:
            trials: trials of the replay.
            units: coordinates of the units, e.g. ``unit_id``, ``channel``, ``row``, ``col``; each (units,).
            samples: time points of a trial, 1 ms apart.
            voltages: names of the recorded potentials.
            circuit: name to (dims, values, attributes); those with ``trial`` as first dimension become rows.
            attributes: attributes of the replay (JSON values): seed, versions, target, ...
            sources: whether spikes of the sources and the eligibility will come too.

        Raises:
            RecordingError: the store cannot be written.
        """
        described = {**circuit, **self._further}
        inputs = {name: len(circuit[of][1]) for name, (of, _) in SOURCES.items() if of in circuit} if sources else {}
        whole = sources and 4 * trials * circuit["W"][1].size <= ELIGIBILITY_BYTES
        known = {name: described[name] for name in OF_TRIALS if name in described}
        self._known = {name: np.asarray(values) for name, (_, values, _) in known.items()}
        tables = [
            trials_table(trials, units, samples, voltages, inputs, eligibility=whole, known=known),
            spikes_table(trials * len(next(iter(units.values()))) * (samples * MOST_HZ // 1000 + 1)),
            circuit_table(trials, units, described),
            *(source_table(name, trials * count * 2 * (samples + 100)) for name, count in inputs.items()),
        ]
        if sources:
            rows, columns = circuit["W"][1].shape
            dW = Variable(
                name="dW",
                dims=("unit", "input"),
                shape=(rows, columns),
                dtype="float64",
                long_name="change of the batch",
            )
            tables.append(Table(path="change", dim="batch", length=1, variables=(dW,)))
            self._change = np.zeros((rows, columns))
            self._modulated = np.asarray(circuit["gamma"][1]) * np.asarray(circuit["weight"][1])
            attributes = {**attributes, "eligibility_kept": "every trial" if whole else "sum over trials, in change"}
        self._kept = {variable.name for variable in tables[0].variables}
        # also on every table: xarray alone opens one of them without the group above
        tables = [replace(table, attributes={**attributes, **table.attributes}) for table in tables]
        with refusing(self._store, "a recording that can be written", "check the path and its permissions"):
            root = zarr.open_group(self._store, mode="r+")
            root.require_group(GROUP)
            if f"{GROUP}/{self.name}" in root:
                del root[f"{GROUP}/{self.name}"]
        self._writer = Writer.create(f"{self._store}/{GROUP}/{self.name}", tables, attributes=attributes)
        self._writer.append(
            "circuit", {name: np.asarray(values) for name, (dims, values, _) in described.items() if dims[0] == "trial"}
        )
        self._writer.commit()

    def append(self, trials: Mapping[str, NDArray[Any]], spikes: Mapping[str, NDArray[Any]]) -> None:
        """Write trials and their spikes, and commit both together.

        Args:
            trials: rows of the table ``trials`` without offsets; with the eligibility, also where the table does not keep it.
            spikes: ``spike_time`` in ms and ``spike_unit``, trial by trial; the same of each source, e.g. ``input_time``.

        Raises:
            RecordingError: nothing was begun, rows do not fit, or the store cannot be written.
        """
        if self._writer is None:
            raise RecordingError(
                "replay.store: expected begin() before append(), got none; call it once with the tables"
            )
        part = slice(self._trials, self._trials + len(next(iter(trials.values()))))
        rows = {**trials, **{name: values[part] for name, values in self._known.items()}}
        for name in ("spike", "input", "context"):
            if f"{name}_count" not in trials:
                continue
            counts = np.asarray(trials[f"{name}_count"], dtype=np.int64)
            begun = self._offsets.get(name, 0)
            rows[f"{name}_offset"] = begun + np.cumsum(counts) - counts
            self._offsets[name] = begun + int(counts.sum())
            table = {key: values for key, values in spikes.items() if key.startswith(f"{name}_")}
            if len(table[f"{name}_time"]):
                self._writer.append("spikes" if name == "spike" else f"{name}_spikes", table)
        if self._change is not None:
            self._change += np.tensordot(self._modulated[part], np.asarray(trials["eligibility"], dtype=np.float64), 1)
        self._trials = part.stop
        self._writer.append("trials", {name: values for name, values in rows.items() if name in self._kept})
        self._writer.commit()

    def close(self, status: str = "complete") -> None:
        """Write the status, end the writer and cut the tables to their rows; nothing happens where nothing was begun."""
        if self._writer is None:
            return
        if self._change is not None and self._trials == len(self._modulated):
            self._writer.append("change", {"dW": self._change[None]})
            self._change = None
        self._writer.close(status)
        self._trim()

    def _trim(self) -> None:
        where = f"{self._store}/{GROUP}/{self.name}"
        with refusing(where, "a replay that can be cut to its rows", "check the disk"):
            trim(zarr.open_group(where, mode="r+"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif self._writer is not None:
            self._writer.__exit__(kind, error, traceback)
            with suppress(RecordingError):  # the error on its way says more
                self._trim()


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
        found = list(groups(cast(zarr.Group, root[GROUP]))) if GROUP in root else []
    folder = Path(store) / GROUP
    return found + ([path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else [])

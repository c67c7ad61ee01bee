"""The recording of a closed loop: everything the first copy did, and the weights of all, glance by glance.

glances   per glance: phase, object, score and neuromodulator by population and copy; weights after it; eligibility and potentials of the
          first copy; where its spikes stand (`spike_offset`, `spike_count`)
spikes    all spikes of the first copy: `spike_time` (ms from the start of the saccade), `spike_unit`, `spike_population`
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from ...models.spiking.loop import LoopNetwork, Seen
from ...recordings import Writer
from ...recordings.schema import Coordinate, Table, Variable
from ...recordings.stores import refusing
from ...recordings.trimming import trim
from .settings import SpikeSettings

MOST_HZ = 500  # of a neuron, mean over a glance; only bounds the length that is declared, nothing is allocated


class LoopStore:
    """Writes one closed loop; an unfinished one of that name is replaced.

    Args:
        path: of the store.
        network: says what there is to record.
        settings: what was asked for.
        seed: of the cell.

    Raises:
        RecordingError: the store cannot be written.
    """

    def __init__(self, path: Path, network: LoopNetwork, settings: SpikeSettings, seed: int) -> None:
        if path.exists():
            shutil.rmtree(path)
        tables = [_glances(network, settings), _spikes(network, settings)]
        attributes = {"kind": "closed loop", "seed": seed, "settings": settings.as_dict()}
        self._writer = Writer.create(path, tables, attributes=attributes)
        self._path, self._spikes = path, 0

    def append(self, seen: Seen) -> None:
        """Write one glance and commit it."""
        count = len(seen.spike_time)
        row: dict[str, Any] = {
            "phase": (seen.glance.sign < 0).astype(np.int8), "object": seen.glance.object, "score": seen.score,
            "gamma": seen.gamma, "spike_count": count, "spike_offset": self._spikes,
        }  # fmt: skip
        row |= {f"W{k}": W for k, W in enumerate(seen.W)} | {f"B{k}": B for k, B in enumerate(seen.B)}
        row |= {f"eligibility_{name}": value for name, value in seen.eligibility.items()} | seen.voltage
        self._add("glances", {name: np.asarray(value)[None] for name, value in row.items()})
        if count:
            names = ("spike_time", "spike_unit", "spike_population")
            self._add("spikes", {name: getattr(seen, name) for name in names})
        self._spikes += count
        self._writer.commit()

    def _add(self, table: str, rows: dict[str, Any]) -> None:
        kinds = {variable.name: variable.dtype for variable in self._writer.tables[table].variables}
        self._writer.append(table, {name: np.asarray(values, dtype=kinds[name]) for name, values in rows.items()})

    def close(self, status: str) -> None:
        """End the recording, and cut its tables to their rows, so that plain xarray sees no padding."""
        self._writer.close(status)
        with refusing(self._path, "a recording that can be cut to its rows", "check the disk"):
            trim(zarr.open_group(self._path, mode="r+"))


def _glances(network: LoopNetwork, s: SpikeSettings) -> Table:
    populations, units = len(network.units), network.units
    traced = [(k, unit) for k, n in enumerate(units) for unit in range(min(s.chosen, n))]
    rows = [
        Variable(
            name="phase", dims=("copy",), shape=(s.copies,), dtype="int8", long_name="phase (0 fixation, 1 saccade)"
        ),
        Variable(name="object", dims=("copy",), shape=(s.copies,), dtype="int64", long_name="object that is seen"),
        Variable(
            name="score", dims=("population", "copy"), shape=(populations, s.copies), long_name="score u by spikes"
        ),
        Variable(name="gamma", dims=("population", "copy"), shape=(populations, s.copies), long_name="neuromodulator"),
        Variable(name="spike_count", dtype="int64", long_name="spikes of the first copy"),
        Variable(name="spike_offset", dtype="int64", long_name="first of them in spikes"),
    ]
    for k, wiring in enumerate(network.wiring):
        speaker = units[network.speaker(k)]
        rows += [
            Variable(name=f"W{k}", dims=(f"weight_{k}",), shape=(wiring.weights,), long_name=f"basal weights of population {k}"),
            Variable(name=f"B{k}", dims=(f"unit_{k}", f"context_{k}"), shape=(units[k], speaker), long_name=f"apical weights of population {k}"),
        ]  # fmt: skip
        if s.loop.eta_basal:
            rows.append(
                Variable(
                    name=f"eligibility_W{k}",
                    dims=(f"synapse_{k}",),
                    shape=(len(wiring.source),),
                    long_name="basal eligibility",
                )
            )
        if s.loop.eta_apical:
            rows.append(
                Variable(
                    name=f"eligibility_B{k}",
                    dims=(f"apical_{k}",),
                    shape=(units[k] * speaker,),
                    long_name="apical eligibility",
                )
            )
    samples = int(s.loop.cycle)
    for name, where in (("V_soma", "soma"), ("V_basal", "basal dendrite"), ("V_apical", "apical dendrite")):
        rows.append(
            Variable(
                name=name,
                dims=("traced", "time"),
                shape=(len(traced), samples),
                units="mV",
                long_name=f"potential of the {where}",
            )
        )
    coords: dict[str, Coordinate] = {
        "time": (("time",), np.arange(samples, dtype=np.float64), {"units": "ms", "long_name": "time since the saccade began"}),
        "traced_population": (("traced",), np.array([k for k, _ in traced]), {"units": "1", "long_name": "population of the neuron"}),
        "traced_unit": (("traced",), np.array([unit for _, unit in traced]), {"units": "1", "long_name": "unit of the neuron"}),
    }  # fmt: skip
    return Table(path="glances", dim="glance", length=s.glances, variables=tuple(rows), coords=coords)


def _spikes(network: LoopNetwork, s: SpikeSettings) -> Table:
    neurons = sum(network.units) * s.loop.pool
    return Table(
        path="spikes", dim="spike", length=s.glances * neurons * max(1, round(s.loop.cycle * MOST_HZ / 1000)),
        variables=(
            Variable(name="spike_time", units="ms", long_name="spike time since the saccade began"),
            Variable(name="spike_unit", dtype="int32", long_name="neuron of the spike"),
            Variable(name="spike_population", dtype="int32", long_name="population of the spike"),
        ),
    )  # fmt: skip

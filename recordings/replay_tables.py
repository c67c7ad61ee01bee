"""Tables of a replay: trials, spikes of the circuit and of its sources, and the circuit itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .schema import Coordinate, Table, Variable

Described = tuple[tuple[str, ...], NDArray[Any], Mapping[str, Any]]  # dims, values, attributes
MOST_HZ = 1000  # spikes of a unit; only bounds the length that is declared, nothing is allocated
ELIGIBILITY_BYTES = 256 << 20  # of all trials; beyond, their sum alone is kept
COMPARTMENTS = {"V_soma": "soma", "V_basal": "basal dendrite", "V_apical": "apical dendrite"}
# which array of the circuit names the neurons of a source, and what the source is called
SOURCES = {"input": ("inputs", "input"), "context": ("contexts", "context neuron")}


# what is known of a trial before it is replayed, and stands in `trials` beside what came of it
OF_TRIALS = ("stimulus_id", "context_id", "label", "phase")


def trials_table(
    trials: int, units: Mapping[str, NDArray[Any]], samples: int, voltages: tuple[str, ...], inputs: Mapping[str, int],
    *, eligibility: bool, known: Mapping[str, Described] | None = None,
) -> Table:  # fmt: skip
    """Table ``trials``.

    Args:
        trials: how many.
        units: coordinates of the units.
        samples: time points, 1 ms apart.
        voltages: names of the potentials.
        inputs: neurons of each source whose spikes are kept; none where they are not.
        eligibility: whether that of every trial is kept.
        known: coordinates of the trials, (trial,): stimulus, label, phase.
    """
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
    for name in ("spike", *inputs):
        said = "" if name == "spike" else f" of the {SOURCES[name][1]}s"
        table = "spikes" if name == "spike" else f"{name}_spikes"
        rows += [
            Variable(name=f"{name}_count", dtype="int64", long_name=f"spikes{said} of the trial"),
            Variable(name=f"{name}_offset", dtype="int64", long_name=f"first spike{said} of the trial in {table}"),
        ]
    if inputs:
        rows.append(
            Variable(
                name="spike_before", dims=("unit",), shape=(count,), units="ms",
                long_name="last spike of the unit before the window",
            )
        )  # fmt: skip
    if eligibility:
        shape = (count, inputs["input"])
        rows.append(Variable(name="eligibility", dims=("unit", "input"), shape=shape, long_name="eligibility"))
    rate = Variable(name="output_rate", dims=("unit",), shape=(count,), units="Hz", long_name="output rate")
    told = [_of_trial(name, *described, coordinate=True) for name, described in (known or {}).items()]
    return Table(
        path="trials", dim="trial", length=trials, variables=(*told, rate, *rows),
        coords=_unit_coords(units) | {"time": (("time",), np.arange(samples, dtype=np.float64), time)},
    )  # fmt: skip


def spikes_table(length: int) -> Table:
    """Table ``spikes``: those of the circuit's units."""
    return Table(
        path="spikes", dim="spike", length=length,
        variables=(
            Variable(name="spike_time", units="ms", long_name="spike time in the window"),
            Variable(name="spike_unit", dtype="int32", long_name="unit of the spike"),
        ),
    )  # fmt: skip


def source_table(name: str, length: int) -> Table:
    """Table of the spikes of one source; those that left before the window and arrive in it have times below 0."""
    said = SOURCES[name][1]
    return Table(
        path=f"{name}_spikes", dim="spike", length=length,
        variables=(
            Variable(name=f"{name}_time", units="ms", long_name="time of emission in the window"),
            Variable(name=f"{name}_index", dtype="int32", long_name=f"{said} of the spike, its pool together"),
        ),
    )  # fmt: skip


def circuit_table(
    trials: int,
    units: Mapping[str, NDArray[Any]],
    circuit: Mapping[str, Described],
) -> Table:
    """Table ``circuit``: what was replayed; what has no trial are coordinates."""
    variables, coords = [], _unit_coords(units)
    for name, (dims, values, attributes) in circuit.items():
        if dims[0] != "trial":
            coords[name] = (dims, values, attributes)
            continue
        variables.append(_of_trial(name, dims, values, attributes))
    return Table(path="circuit", dim="trial", length=trials, variables=tuple(variables), coords=coords)


def _of_trial(
    name: str, dims: tuple[str, ...], values: NDArray[Any], attributes: Mapping[str, Any], *, coordinate: bool = False
) -> Variable:
    """A variable with trial as its first dimension."""
    rest = {key: value for key, value in attributes.items() if key not in ("units", "long_name")}
    return Variable(
        name=name, dims=dims[1:], shape=values.shape[1:], dtype=str(values.dtype), units=attributes["units"],
        long_name=attributes["long_name"], attributes=rest, coordinate=coordinate,
    )  # fmt: skip


def _unit_coords(units: Mapping[str, NDArray[Any]]) -> dict[str, Coordinate]:
    return {
        name: (("unit",), np.asarray(values, dtype=np.int64), {"units": "1", "long_name": f"{name} of the unit"})
        for name, values in units.items()
    }

"""Cells and synapses given by equations, driven from outside: currents and spikes in, spikes, potentials and weights out.

    found = drive(CELLS["burst-poisson"], SYNAPSES["burst-dependent"], rates=[10.0] * 50, inputs={"I_a": 200.0}, duration=2000.0)
    found.spikes, found.potentials["apical"], found.weights

Weights change inside Brian2 while it runs, by the synapse's own equations; what comes back are plain arrays.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ModelError
from ..brian import session, unburdened
from .arguments import check_post, check_size, check_times, count_sources, course, initial_weights
from .cell import ROLES, Cell, Synapse
from .check import check
from .driven import Driven
from .quantities import constants, quantity, unit_of

Array = NDArray[np.float64]


def drive(
    cell: Cell,
    synapse: Synapse | None = None,
    *,
    cells: int = 1,
    duration: float,
    inputs: Mapping[str, ArrayLike] | None = None,
    step: float = 1.0,
    pre: Sequence[ArrayLike] | None = None,
    rates: ArrayLike | None = None,
    weights: ArrayLike = 0.0,
    wiring: str = "all",
    post: Sequence[ArrayLike] | None = None,
    every: float = 1.0,
    weight_every: float | None = None,
    dt: float = 0.1,
    seed: int = 0,
    target: str = "numpy",
) -> Driven:
    """Run cells that are driven from outside.

    Args:
        cell: the neuron.
        synapse: what the sources end with; None for cells without sources.
        cells: how many of them.
        duration: ms.
        inputs: what drives the cell's inputs, in the units that the cell states: a number, (cells,), or (cells, steps) in steps of `step` ms.
        step: length of a step of a time course, ms.
        pre: spike times of every source, ms; or
        rates: rates of Poisson sources, Hz, (sources,).
        weights: at the start, in the synapse's unit: a number, or what the wiring has, (cells, sources) or (cells,).
        wiring: `all` sources onto all cells, or `one` source onto each.
        post: spike times of every cell, ms, in place of its threshold: its spikes are then given and not its own.
        every: time between samples of potentials, ms.
        weight_every: time between samples of weights, ms; None for the end alone.
        dt: time step, ms.
        seed: of all noise.
        target: where Brian2 computes, `numpy` or `cython`.

    Raises:
        ModelError: a cell or synapse that `check` refuses, or numbers, shapes and words that do not fit.
    """
    check(cell, synapse)
    check_times(duration, step, every, weight_every, dt, seed)
    if target == "cpp_standalone":
        raise ModelError(
            "drive.target: expected numpy or cython, got cpp_standalone; compiling takes longer than single cells do"
        )
    if cells < 1:
        raise ModelError(f"drive.cells: expected at least 1, got {cells!r}; correct it")
    courses = {name: course(cell, name, values, cells) for name, values in (inputs or {}).items()}
    sources = count_sources(synapse, pre, rates, duration, dt)
    if post is not None:
        check_post(cell, post, cells)
    start = initial_weights(weights, wiring, cells, sources) if synapse is not None else None
    check_size(cell, cells, duration / every, start, weight_every and duration / weight_every)
    with unburdened(), session(target) as (b2, _):
        b2.seed(seed)
        clock = b2.Clock(dt=dt * b2.ms, name="drive_clock")
        group = _group(b2, cell, cells, courses, step, post, duration, dt, clock)
        sampled = list(dict.fromkeys([*_potentials(b2, cell).values(), *cell.kept]))
        monitor = b2.StateMonitor(group, sampled, record=True, dt=every * b2.ms, name="drive_samples")
        network = b2.Network(group, monitor, name="drive_network")
        spikes = b2.SpikeMonitor(group, name="drive_spikes") if cell.threshold or post is not None else None
        network.add(*([spikes] if spikes is not None else []))
        wires = weight_monitor = None
        if synapse is not None and start is not None:
            wires = _wire(b2, synapse.reading(cell), cell, group, start, wiring, pre, rates, clock, network)
            if weight_every is not None:
                weight_monitor = b2.StateMonitor(
                    wires, synapse.bounded or synapse.weight, record=True, dt=weight_every * b2.ms, name="drive_weights"
                )
                network.add(weight_monitor)
        network.run(duration * b2.ms, namespace={})
        return _read(b2, cell, synapse, cells, duration, monitor, spikes, wires, weight_monitor, start)


def _group(
    b2: Any, cell: Cell, cells: int, courses: dict[str, Array], step: float, post: Sequence[ArrayLike] | None,
    duration: float, dt: float, clock: Any,
) -> Any:  # fmt: skip
    space = constants(b2, "cell", cell.namespace)
    lines = []
    for line in cell.model.splitlines():
        name = line.split(":")[0].strip()
        if name in courses and courses[name].shape[1] > 1:
            unit = line.split(":")[1].split("(")[0].split("#")[0].strip()
            given = unit_of(b2, f"cell.inputs.{name}", cell.inputs[name])
            space[f"{name}_course"] = b2.TimedArray(courses[name].T * given, dt=step * b2.ms, name=f"drive_{name}")
            line = f"{name} = {name}_course(t, i) : {unit}"
        lines.append(line)
    words: dict[str, Any] = {}
    if cell.threshold:
        words = {"threshold": cell.threshold, "reset": cell.reset or ""}
        if cell.refractory:
            words["refractory"] = quantity(b2, "cell.refractory", cell.refractory)
    if post is not None:
        given_spikes = np.zeros((math.ceil(duration / dt) + 1, cells))
        for number, times in enumerate(post):
            given_spikes[np.rint(np.asarray(times, dtype=np.float64) / dt).astype(int), number] = 1
        space["given_spikes"] = b2.TimedArray(given_spikes, dt=dt * b2.ms, name="drive_given_spikes")
        words = words | {"threshold": "given_spikes(t, i) > 0.5", "reset": cell.reset, "refractory": dt * b2.ms}
    group = b2.NeuronGroup(
        cells, "\n".join(lines), method=cell.method, namespace=space, clock=clock, name="driven_cells", **words
    )
    for name, value in cell.start.items():
        group.state(name)[:] = quantity(b2, f"cell.start.{name}", value)
    for name, values in courses.items():
        if values.shape[1] == 1:
            group.state(name)[:] = values[:, 0] * unit_of(b2, f"cell.inputs.{name}", cell.inputs[name])
    for number, code in enumerate(cell.every_step):
        group.run_regularly(code, when="start", name=f"driven_step_{number}")
    return group


def _wire(
    b2: Any, synapse: Synapse, cell: Cell, group: Any, start: Array, wiring: str, pre: Sequence[ArrayLike] | None,
    rates: ArrayLike | None, clock: Any, network: Any,
) -> Any:  # fmt: skip
    cells = start.shape[0]
    sources = start.shape[1] if start.ndim == 2 else cells
    if pre is not None:
        who = np.repeat(np.arange(sources), [np.size(times) for times in pre])
        when = np.concatenate([np.zeros(0), *(np.asarray(times, dtype=np.float64).ravel() for times in pre)])
        source = b2.SpikeGeneratorGroup(sources, who, when * b2.ms, clock=clock, name="drive_sources")
    else:
        given = np.broadcast_to(np.asarray(rates, dtype=np.float64), (sources,))
        source = b2.PoissonGroup(sources, np.array(given) * b2.Hz, clock=clock, name="drive_sources")
    space = constants(b2, "cell", cell.namespace) | constants(b2, "synapse", synapse.namespace)
    events = {"on_pre": synapse.on_pre} | ({"on_post": synapse.on_post} if synapse.on_post else {})
    wires = b2.Synapses(
        source, group, synapse.model, method=synapse.method, namespace=space, clock=clock, name="drive_synapses",
        delay=quantity(b2, "synapse.delay", synapse.delay), **events,
    )  # fmt: skip
    post_of, pre_of = np.nonzero(np.ones((cells, sources))) if wiring == "all" else (np.arange(cells),) * 2
    wires.connect(i=pre_of, j=post_of)
    for name, value in synapse.start.items():
        wires.state(name)[:] = quantity(b2, f"synapse.start.{name}", value)
    wires.state(synapse.weight)[:] = start.ravel() * unit_of(b2, "synapse.unit", synapse.unit)
    network.add(source, wires)
    return wires


def _read(
    b2: Any, cell: Cell, synapse: Synapse | None, cells: int, duration: float, monitor: Any, spikes: Any, wires: Any,
    weight_monitor: Any, start: Array | None,
) -> Driven:  # fmt: skip
    potentials = {role: np.asarray(getattr(monitor, f"{name}_")) * 1e3 for role, name in _potentials(b2, cell).items()}
    kept = {
        name: np.asarray(getattr(monitor, f"{name}_")) / float(unit_of(b2, f"cell.kept.{name}", unit))
        for name, unit in cell.kept.items()
    }
    times = np.asarray(spikes.t_) * 1e3 if spikes is not None else np.zeros(0)
    who = np.asarray(spikes.i) if spikes is not None else np.zeros(0, dtype=np.int64)
    found: dict[str, Any] = {}
    if synapse is not None and wires is not None and start is not None:
        unit = float(unit_of(b2, "synapse.unit", synapse.unit))
        found["weights"] = (
            np.array(wires.state(synapse.bounded or synapse.weight, use_units=False)[:]).reshape(start.shape) / unit
        )
        if synapse.eligibility:
            other = float(unit_of(b2, "synapse.eligibility_unit", synapse.eligibility_unit))
            found["eligibility"] = (
                np.array(wires.state(synapse.eligibility, use_units=False)[:]).reshape(start.shape) / other
            )
        if weight_monitor is not None:
            course = np.asarray(getattr(weight_monitor, f"{synapse.bounded or synapse.weight}_")) / unit
            found["weight_course"] = course.reshape(*start.shape, -1)
            found["weight_time"] = np.asarray(weight_monitor.t_) * 1e3
    return Driven(
        duration=duration, time=np.asarray(monitor.t_) * 1e3, potentials=potentials, kept=kept,
        spikes=[np.sort(times[who == k]) for k in range(cells)], **found,
    )  # fmt: skip


def _potentials(b2: Any, cell: Cell) -> dict[str, str]:
    """Variables of the model that are potentials, by role."""
    return {role: name for role, name in cell.roles.items() if ROLES[role] == "volt" and name not in cell.namespace}

"""A circuit of a trained network with an eligibility of one's own: the replay's neuron, wiring and inputs, another synapse.

found = replay_synapse(circuit, SYNAPSES["apical-pre-conditional"], neuron=BAC)
found.cosine, found.batch_cosine, found.rate
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ..assemble import Setup, block_diagonal
from ..brian import session, unburdened
from ..calibration import Calibration, calibrate
from ..circuit import Circuit
from ..dale import split
from ..limits import check_rates, check_step, check_times, time_constants
from ..neuron import BAC, Neuron
from ..result import cosine
from .cell import Cell, Synapse
from .check import check
from .quantities import constants, quantity
from .two_compartment import from_neuron

Array = NDArray[np.float64]
SYNAPSES_AT_ONCE = 400_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traced:
    """What a circuit did with another synapse.

    Attributes:
        circuit: what was replayed.
        eligibility: of every trial, in the synapse's unit, (trials, units, inputs).
        rate: of every unit, Hz, (trials, units).
        V_apical: mean V_a - E_a, mV, (trials, units).
    """

    circuit: Circuit
    eligibility: NDArray[np.float32]
    rate: Array
    V_apical: Array

    @property
    def cosine(self) -> Array:
        """Of every trial's eligibility with the rate rule's, (trials,); NaN where the rule's is 0."""
        return np.asarray(cosine(self.circuit.eligibility(), self.eligibility))

    @property
    def batch_change(self) -> Array:
        """Sum over trials of gamma weight e_ji, (units, inputs)."""
        c = self.circuit
        return np.asarray(np.tensordot(c.gamma * c.weight, self.eligibility.astype(np.float64), 1), dtype=np.float64)

    @property
    def batch_cosine(self) -> float:
        """Of that sum with the rate rule's."""
        return float(cosine(self.circuit.change().sum(0)[None], self.batch_change[None])[0])


def replay_synapse(
    circuit: Circuit,
    synapse: Synapse,
    *,
    neuron: Neuron = BAC,
    cell: Cell | None = None,
    calibration: Calibration | None = None,
    pool: int = 10,
    duration: float = 500.0,
    settle: float = 100.0,
    dt: float = 0.1,
    seed: int = 0,
    target: str = "numpy",
) -> Traced:
    """Replay every trial with spikes, signed current synapses and an eligibility of one's own.

    Args:
        circuit: from `extract`.
        synapse: with an eligibility; it is set to 0 when the window opens.
        neuron: of the replay.
        cell: the neuron as a cell with further variables that the synapse reads; None for `from_neuron(neuron)`.
        calibration: scales; None for `calibrate(circuit, neuron)`. A lesioned circuit needs that of the intact one.
        pool: neurons per input and per context neuron.
        duration, settle: window and what goes before it, ms.
        dt, seed, target: as in `replay`; `numpy` or `cython`.

    Raises:
        ModelError: a synapse without eligibility, one that `check` refuses, or settings out of range.
    """
    if not synapse.eligibility:
        raise ModelError(f"synapse.eligibility: expected the name of a variable, got none in {synapse.name}; name one")
    if target == "cpp_standalone":
        raise ModelError(
            "replay_synapse.target: expected numpy or cython, got cpp_standalone; it stops between two parts"
        )
    check_times("replay_synapse", duration=duration, settle=settle, dt=dt, tau_e=None, seed=seed, pool=pool)
    check_step("replay_synapse", dt, time_constants(neuron, level=2))
    scales = calibrate(circuit, neuron) if calibration is None else calibration
    setup = Setup(
        neuron=neuron, calibration=scales, basal=split(circuit.W, "none", neuron), apical=split(circuit.B, "none", neuron),
        level=2, pool=pool, conductance=False, slope=1.0, tau_e=None, dt=dt, settle=settle, duration=duration,
    )  # fmt: skip
    check_rates("replay_synapse", circuit, setup)
    cell = from_neuron(neuron) if cell is None else cell
    check(cell, synapse)
    chunk = max(1, SYNAPSES_AT_ONCE // (circuit.W.size + circuit.B.size))
    starts = range(0, circuit.trials, chunk)
    with unburdened():
        parts = [
            _chunk(circuit.take(slice(k, k + chunk)), setup, cell, synapse.reading(cell), seed + 7919 * k, target)
            for k in starts
        ]
    e, rate, apical = (np.concatenate([part[n] for part in parts]) for n in range(3))
    return Traced(
        circuit=circuit, eligibility=e * circuit.winner[:, :, None].astype(np.float32), rate=rate, V_apical=apical
    )


def _chunk(
    part: Circuit, setup: Setup, cell: Cell, synapse: Synapse, seed: int, target: str
) -> tuple[NDArray[np.float32], Array, Array]:
    trials, units = part.basal.shape
    scales, n = setup.calibration, setup.neuron
    with session(target) as (b2, _):
        b2.seed(seed)
        clock = b2.Clock(dt=setup.dt * b2.ms, name="circuit_clock")
        space = constants(b2, "cell", cell.namespace)
        group = b2.NeuronGroup(
            trials * units, cell.model, threshold=cell.threshold, reset=cell.reset, refractory=n.t_ref * b2.ms, method=cell.method,
            namespace=space, clock=clock, name="circuit_cells",
        )  # fmt: skip
        for name, value in cell.start.items():
            group.state(name)[:] = quantity(b2, f"cell.start.{name}", value)
        for number, code in enumerate(cell.every_step):
            group.run_regularly(code, when="start", name=f"circuit_step_{number}")
        group.I_s = setup.bias(part).ravel() * scales.bias_current * b2.pA
        group.I_t = setup.apical_bias(part).ravel() * scales.apical_current * b2.pA
        network = b2.Network(group, name="circuit_network")
        wires = []
        for side, rates in (("basal", setup.pre_rates(part)), ("apical", setup.context_rates(part))):
            source = b2.PoissonGroup(
                rates.size, rates.ravel() * setup.pool * b2.Hz, clock=clock, name=f"circuit_{side}"
            )
            pathway = (setup.basal if side == "basal" else setup.apical)[0]
            pre, post, weight = block_diagonal(pathway, trials)
            amount = setup.step(side, pathway)[0] * b2.pA
            plastic = side == "basal"
            joined = b2.Synapses(
                source, group, synapse.model if plastic else "w : amp (constant)",
                on_pre=synapse.on_pre if plastic else f"{cell.roles['apical_synaptic']}_post += w",
                method=synapse.method, clock=clock, delay=pathway.delay * b2.ms, name=f"circuit_{side}_synapses",
                namespace=space | (constants(b2, "synapse", synapse.namespace) if plastic else {}),
                **({"on_post": synapse.on_post} if plastic and synapse.on_post else {}),
            )  # fmt: skip
            joined.connect(i=pre, j=post)
            if plastic:
                for name, value in synapse.start.items():
                    joined.state(name)[:] = quantity(b2, f"synapse.start.{name}", value)
                wires = [joined, pre, post]
            joined.state(synapse.weight if plastic else "w")[:] = weight * amount
            network.add(source, joined)
        network.run(setup.settle * b2.ms, namespace={})
        wires[0].state(synapse.eligibility)[:] = 0 * wires[0].state(synapse.eligibility)[:]
        spikes = b2.SpikeMonitor(group, name="circuit_spikes", record=False)
        voltages = b2.StateMonitor(group, "V_a", record=True, dt=1 * b2.ms, name="circuit_voltages")
        network.add(spikes, voltages)
        network.run(setup.duration * b2.ms, namespace={})
        e = np.zeros((trials, part.W.shape[1], units), dtype=np.float32)
        unit = float(quantity(b2, "synapse.eligibility_unit", f"1 {synapse.eligibility_unit}".replace("1 1", "1")))
        e[wires[1] // part.W.shape[1], wires[1] % part.W.shape[1], wires[2] % units] = (
            np.asarray(wires[0].state(synapse.eligibility, use_units=False)[:]) / unit
        )
        rate = np.asarray(spikes.count[:]).reshape(trials, units) / setup.duration * 1e3
        apical = np.asarray(voltages.V_a_).mean(1).reshape(trials, units) * 1e3 - n.E_a
    return e.transpose(0, 2, 1), rate, apical

"""From a chunk of trials to a Brian2 network, and from its state to arrays.

Every object has a name and each group at most one `xi`: Brian2 orders objects by name and noise terms by hash, and unnamed objects or a
second `xi` would deal the same random numbers in another order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import Calibration
from .circuit import Circuit
from .dale import Pathway
from .equations import COINCIDENT, CURRENT, DECAYING, ELIGIBLE, hold_step, namespace, neuron_equations, noise_step
from .neuron import Neuron

Index = NDArray[np.int64]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """What all chunks of a replay share.

    Attributes:
        neuron: neuron type.
        calibration: scales.
        basal, apical: pathways of W and B.
        level: of fidelity.
        pool: neurons per source.
        conductance: apical synapses are conductances.
        slope: slope of V_a on s_a B c, below 1 with conductances.
        tau_e: decay of the eligibility in ms, or None for none.
        dt, settle, duration: ms.
        coincidence: synapses also count the pre-synaptic spikes that met an open gate.
        gate: what opens the gate of the eligibility, a word of `GATES`.
        held: gate and apical deviation are read once a millisecond.
        sources: the spikes of inputs and context are kept.
        modulated: synapses also hold `change`, for a modulator that acts during the run.
        tuft: whether the units have an apical compartment.
        counted: the trace is the gate alone, for a second factor of the rule's own.
    """

    neuron: Neuron
    calibration: Calibration
    basal: tuple[Pathway, ...]
    apical: tuple[Pathway, ...]
    level: int
    pool: int
    conductance: bool
    slope: float
    tau_e: float | None
    dt: float
    settle: float
    duration: float
    coincidence: bool = False
    modulated: bool = False
    gate: str = "voltage"
    held: bool = False
    sources: bool = False
    tuft: bool = True
    counted: bool = False

    @property
    def rest(self) -> float:
        """Apical potential without context, mV."""
        return self.neuron.E_base if self.conductance else self.neuron.E_a

    def pre_rates(self, part: Circuit) -> Array:
        """Rates of the basal sources, Hz per neuron of a pool; spiking ones are clipped."""
        return self._rates(part.z_pre, self.calibration.pre_rate)

    def context_rates(self, part: Circuit) -> Array:
        """Rates of the apical sources, Hz per neuron of a pool; spiking ones are clipped."""
        return self._rates(part.context, self.calibration.context_rate)

    def _rates(self, values: Array, scale: float) -> Array:
        rates: Array = values * scale
        return np.minimum(rates, self.calibration.ceiling) if self.level else rates

    def bias(self, part: Circuit) -> Array:
        """Bias of every trial and unit; carries what the sources are clipped of, so that a stays exact, (trials, units)."""
        return part.bias + (part.z_pre - self.pre_rates(part) / self.calibration.pre_rate) @ part.W.T

    def apical_bias(self, part: Circuit) -> Array:
        """The same for the apical side, (trials, units)."""
        return part.apical_bias + (part.context - self.context_rates(part) / self.calibration.context_rate) @ part.B.T

    def step(self, side: str, pathway: Pathway) -> tuple[float, str, str]:
        """What one spike through a unit weight adds: amount (pA or nS), unit and variable, charge over pool and time constant."""
        c, n = self.calibration, self.neuron
        if side == "basal":
            return pathway.sign * c.basal_charge * 1e3 / (self.pool * n.tau_syn), "pA", "I_b"
        if not self.conductance:
            return pathway.sign * c.apical_charge * 1e3 / (self.pool * n.tau_syn_a), "pA", "I_a"
        amount = conductance_per_unit(n, c, pathway.sign) * 1e3 / (c.context_rate * self.pool * n.tau_syn_a)
        return amount, "nS", "g_exc" if pathway.sign > 0 else "g_inh"


def conductance_per_unit(neuron: Neuron, calibration: Calibration, sign: int) -> float:
    """Conductance per unit of B c that moves a resting tuft by s_a, nS."""
    total = neuron.g_a * (1 + neuron.rest_exc + neuron.rest_inh)
    drive = neuron.E_exc - neuron.E_base if sign > 0 else neuron.E_base - neuron.E_inh
    return calibration.apical_gain * total / drive


def block_diagonal(pathway: Pathway, trials: int) -> tuple[Index, Index, Array]:
    """Synapses of all trials: source, unit (both trial by trial) and weight, ordered by source."""
    units, sources = pathway.weights.shape
    source, unit = np.nonzero(pathway.present.T)
    weight = pathway.weights[unit, source]
    trial = np.repeat(np.arange(trials), len(source))
    return np.tile(source, trials) + trial * sources, np.tile(unit, trials) + trial * units, np.tile(weight, trials)


@dataclass(slots=True, eq=False)
class Assembly:
    """A Brian2 network of one chunk and the handles to read it."""

    network: Any
    units: Any
    voltages: Any
    spikes: Any | None
    sources: dict[str, Any] = field(default_factory=dict)
    plastic: list[Any] = field(default_factory=list)
    wires: list[tuple[Index, Index]] = field(default_factory=list)


def assemble(b2: Any, part: Circuit, setup: Setup) -> Assembly:
    """Build the network of a chunk.

    Args:
        b2: the module `brian2`.
        part: the circuit with the trials of the chunk.
        setup: what all chunks share.
    """
    clock = b2.Clock(dt=setup.dt * b2.ms, name="replay_clock")
    units = _units(b2, part, setup, clock)
    recorded = ["V_b"] + (["V_a"] if setup.tuft else []) + (["V_s"] if setup.level >= 2 else [])
    voltages = b2.StateMonitor(units, recorded, record=True, dt=1 * b2.ms, name="voltage_monitor")
    built = Assembly(b2.Network(units, voltages, name="replay_network"), units, voltages, None)
    if setup.level >= 2:
        built.spikes = b2.SpikeMonitor(units, name="spike_monitor")
        built.network.add(built.spikes)
    if setup.level == 0:
        built.wires = [block_diagonal(p, part.trials)[:2] for p in setup.basal if p.plastic]
        return built
    sides = {"basal": setup.pre_rates(part)} | ({"apical": setup.context_rates(part)} if setup.tuft else {})
    for side, rates in sides.items():
        _connect(b2, built, side, rates * setup.pool, setup, clock)
    return built


def _units(b2: Any, part: Circuit, setup: Setup, clock: Any) -> Any:
    n, c, spiking = setup.neuron, setup.calibration, setup.level >= 2
    space = namespace(n, b2) | {
        "s_a": c.apical_gain * setup.slope * b2.mV, "V_rest": setup.rest * b2.mV,
        "gate_time": (n.tau_gate + setup.dt / 2) * b2.ms,  # between two steps, where no rounding decides
    }  # fmt: skip
    event = (
        {"threshold": "V_s > V_th", "reset": "V_s = V_r; w_s += b", "refractory": n.t_ref * b2.ms} if spiking else {}
    )
    text = neuron_equations(
        n, level=setup.level, conductance=setup.conductance, coincidence=setup.coincidence, gate=setup.gate, held=setup.held,
        tuft=setup.tuft, counted=setup.counted,
    )  # fmt: skip
    group = b2.NeuronGroup(part.basal.size, text, method="euler", namespace=space, clock=clock, name="units", **event)
    group.V_b = n.E_L * b2.mV
    group.winner = part.winner.ravel()
    group.I_bias = setup.bias(part).ravel() * c.bias_current * b2.pA
    if setup.tuft:
        _tuft(b2, group, part, setup)
    if setup.level == 0:
        group.I_b_mean = _mean_current("basal", part, setup) * b2.pA
    if setup.held and setup.level:
        group.run_regularly(
            hold_step(setup.gate, setup.coincidence, setup.counted), dt=1 * b2.ms, when="before_start", name="trace_step"
        )  # fmt: skip
    if spiking:
        group.V_s = n.E_L * b2.mV
        for name in ("I_noise_a", "I_noise_s") if n.noise_current else ():
            if setup.tuft or name == "I_noise_s":
                group.run_regularly(noise_step(name), when="start", name=f"{name}_step")
    return group


def _tuft(b2: Any, group: Any, part: Circuit, setup: Setup) -> None:
    """What the apical compartment starts with."""
    n, c = setup.neuron, setup.calibration
    group.V_a = setup.rest * b2.mV
    if setup.conductance:
        for name, sign, rest in (("g_exc", 1, n.rest_exc), ("g_inh", -1, n.rest_inh)):
            share = np.maximum(sign * setup.apical_bias(part), 0).ravel() * conductance_per_unit(n, c, sign)
            setattr(group, f"{name}_bias", (rest * n.g_a + share) * b2.nS)
    else:
        group.I_a_bias = setup.apical_bias(part).ravel() * c.apical_current * b2.pA
    if setup.level == 0:
        group.I_a_mean = _mean_current("apical", part, setup) * b2.pA


def _mean_current(side: str, part: Circuit, setup: Setup) -> Array:
    """Mean of what the spikes of all synapses would give, pA, one per neuron: through the same wiring as the synapses."""
    pathways, tau = (setup.basal, setup.neuron.tau_syn) if side == "basal" else (setup.apical, setup.neuron.tau_syn_a)
    rates = (setup.pre_rates(part) if side == "basal" else setup.context_rates(part)) * setup.pool
    total: Array = np.zeros(part.basal.size)
    for pathway in pathways:
        pre, post, weight = block_diagonal(pathway, part.trials)
        amount = setup.step(side, pathway)[0] * tau * 1e-3  # pA ms Hz
        firing = _pool_rates(rates) if pathway.origin == "pool" else rates
        total += np.bincount(post, weight * amount * firing.ravel()[pre], minlength=part.basal.size)
    return total


def _pool_rates(rates: Array) -> Array:
    """Rates of a global inhibitory pool: as many neurons as sources, all at their mean."""
    return np.broadcast_to(rates.mean(1, keepdims=True), rates.shape)


def _connect(b2: Any, built: Assembly, side: str, rates: Array, setup: Setup, clock: Any) -> None:
    """Sources of one side and their synapses; a pool of P independent sources is one at P times the rate.

    Brian2 draws at most one spike per source and step, so that the pool is Poisson up to the order of rate times dt, which
    `check_rates` keeps at 0.1 and below.
    """
    trials = len(rates)
    pathways = setup.basal if side == "basal" else setup.apical
    source = b2.PoissonGroup(rates.size, rates.ravel() * b2.Hz, clock=clock, name=f"{side}_source")
    built.network.add(source)
    if setup.sources:
        built.sources[side] = b2.SpikeMonitor(source, name=f"{side}_source_spikes")
        built.network.add(built.sources[side])
    origins: dict[str, Any] = {"source": source}
    if any(p.origin == "pool" for p in pathways):
        shared = np.ascontiguousarray(_pool_rates(rates)).ravel()
        origins["pool"] = b2.PoissonGroup(rates.size, shared * b2.Hz, clock=clock, name=f"{side}_pool")
        built.network.add(origins["pool"])
    lag = setup.neuron.delay_context if side == "apical" else 0.0
    if any(p.origin == "relay" for p in pathways):
        origins["relay"] = _relay(b2, built, source, side, setup, clock)
    for pathway in pathways:
        plastic = side == "basal" and pathway.plastic
        _synapses(b2, built, side, pathway, origins[pathway.origin], trials, plastic, lag, setup, clock)


def _relay(b2: Any, built: Assembly, source: Any, side: str, setup: Setup, clock: Any) -> Any:
    """Interneurons that fire once per spike of their source, after the excitatory delay.

    Brian2 resets after synapses have acted: a reset to 0 would lose the spike of a pool that arrives one step after another.
    """
    relay = b2.NeuronGroup(
        len(source), "v : 1", threshold="v > 0.5", reset="v -= 1", method="euler", clock=clock, name=f"{side}_relay"
    )
    lag = max(
        0.0, min(setup.neuron.delay_exc, setup.neuron.delay_inh) - setup.dt
    )  # the threshold is read one step later
    wires = b2.Synapses(
        source, relay, on_pre="v_post += 1", delay=lag * b2.ms, clock=clock, name=f"{side}_relay_synapses"
    )
    wires.connect(i=np.arange(len(source)), j=np.arange(len(source)))
    built.network.add(relay, wires)
    return relay


def _synapses(
    b2: Any, built: Assembly, side: str, pathway: Pathway, origin: Any, trials: int, plastic: bool, lag: float,
    setup: Setup, clock: Any,
) -> None:  # fmt: skip
    amount, unit, target = setup.step(side, pathway)
    decaying = setup.tau_e is not None
    model = f"w : {'amp' if unit == 'pA' else 'siemens'} (constant)"
    code = CURRENT.format(target=target)
    space: Mapping[str, Any] = {}
    if plastic:
        model += "\neligibility : 1" + ("\nlast : second" if decaying else "")
        code += "\n" + (DECAYING if decaying else ELIGIBLE)
        if setup.coincidence:
            model, code = f"{model}\ncoincidence : 1", f"{code}\n{COINCIDENT}"
        if setup.modulated:
            model += "\nchange : 1"
        space = {"tau_e": setup.tau_e * b2.ms} if setup.tau_e is not None else {}
    synapses = b2.Synapses(
        origin, built.units, model, on_pre=code, delay=(pathway.delay + lag) * b2.ms, clock=clock, namespace=space,
        name=f"{side}_{pathway.name}",
    )  # fmt: skip
    pre, post, weight = block_diagonal(pathway, trials)
    synapses.connect(i=pre, j=post)
    synapses.w = weight * amount * getattr(b2, unit)
    built.network.add(synapses)
    if plastic:
        built.plastic.append(synapses)
        built.wires.append((pre, post))

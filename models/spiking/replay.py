"""Replaying a circuit with spiking two-compartment neurons, on a ladder of fidelity.

    level 0  rate mode: the same filters, all currents at their means
    level 1  Poisson inputs, output rate analytic: r_post relu of the mean basal potential
    level 2  spiking soma
    level 3  Dale's law and conductance synapses on the tuft (the basal side stays current-based: its gain is a closed form)
    level 4  calcium spike and back-propagating spike (preset `bac`), Dale's law, current synapses

Plasticity is Form A, event-driven: at each pre-synaptic spike e_ji += G_j (V_a - rest)_j / s_a. Divided by the expected number of spikes per
unit of z it estimates e_j rho'(a_j) z_i, and the modulator at the end of the window gives dW = gamma e. The gate G, rho', is read

    voltage   from the basal potential, H(V_b - E_L - theta_b): no spike of the soma enters dW
    spike     from the soma's own spikes, 1 for tau_gate after each (a trace that saturates): without them there is no change

Gate and apical deviation are read once a millisecond, from the potentials that a sink receives: dW follows from what is recorded.

Where the rule has a second factor of its own (`Circuit.post`), a pre-synaptic spike adds G_j alone, and at the end of the window the count meets
the factor, which the rule gives when it is told the mean potentials and the rates of the neurons in all trials (`Told`). Neurons of a rule without
a context have no tuft; levels 3 and 4, which are about the tuft, are refused for them.
"""

import math
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .assemble import Setup, conductance_per_unit
from .brian import check_target, load_brian, unburdened
from .calibration import Calibration, calibrate
from .circuit import Circuit
from .dale import split
from .equations import FORMS
from .limits import check_rates, check_step, check_times, time_constants
from .neuron import BAC, LINEAR, PRESETS, Neuron, unknown
from .plan import Plan, plan_replay
from .result import Chunk, Replay, Sink, cosine
from .simulate import simulate

LEVELS = (0, 1, 2, 3, 4)
DEFAULT_MEMORY = 1 << 30


def replay(
    circuit: Circuit,
    *,
    level: int = 2,
    preset: str | None = None,
    neuron: Neuron | None = None,
    calibration: Calibration | None = None,
    pool: int = 10,
    duration: float = 500.0,
    settle: float = 100.0,
    tau_a: float | None = None,
    tau_b: float | None = None,
    tau_e: float | None = None,
    dale: str | None = None,
    target: str = "numpy",
    dt: float = 0.1,
    seed: int = 0,
    chunk: int | None = None,
    memory: int = DEFAULT_MEMORY,
    keep_eligibility: bool = True,
    keep_coincidence: bool = False,
    keep_sources: bool = False,
    eligibility: str = "voltage",
    sink: Sink | None = None,
) -> Replay:
    """Replay every trial of a circuit from rest.

    Args:
        circuit: from `extract`.
        level: rung of the ladder, 0 to 4.
        preset: `linear` (levels 0 to 3) or `bac` (level 4); None for the level's own.
        neuron: a neuron of one's own (see `Neuron.but`) in place of the preset.
        calibration: scales, fitted to the neuron here; None for `calibrate(circuit)`. A lesioned circuit needs that of the intact one.
        pool: neurons per input and per context neuron.
        duration: recorded window, ms.
        settle: time before the window, ms, during which the same stimulus is already on.
        tau_a, tau_b: time constants of the apical and of the basal potential, ms; None for the neuron's.
        tau_e: decay of the eligibility, ms; None for a plain sum over the window.
        dale: `none`, `split`, `relay` or `blanket`; None for `none` below level 3 and `split` from there.
        target: `numpy`, `cython` or `cpp_standalone`.
        dt: time step, ms; at most half of every time constant.
        seed: of all noise; the same seed, circuit and settings give the same spikes on the numpy target.
        chunk: trials side by side; None for as many as memory and speed advise. Part of what the seed determines.
        memory: bytes that the replay may hold.
        keep_eligibility: keep e of every trial (trials x units x inputs); without it only its sum and cosine.
        keep_coincidence: count for every synapse the pre-synaptic spikes that met an open gate (levels 1 and above).
        keep_sources: the sink also receives the spikes of inputs and context, and the eligibility.
        eligibility: what its gate is read from, `voltage` or `spike`.
        sink: receives spikes and voltages chunk by chunk.

    Raises:
        ModelError: a setting out of range, an unknown word, no compiler, or a replay larger than `memory`.
    """
    check_target(target)
    _check_eligibility(eligibility, level)
    _check_tuft(circuit, level)
    chosen = _neuron(level, preset, neuron, tau_a, tau_b)
    check_times("replay", duration=duration, settle=settle, dt=dt, tau_e=tau_e, seed=seed, pool=pool)
    check_step("replay", dt, time_constants(chosen, level=level, conductance=level == 3))
    option = dale if dale is not None else ("split" if level >= 3 else "none")
    scales = calibrate(circuit, chosen) if calibration is None else calibration.fit(chosen)
    setup = Setup(
        neuron=chosen, calibration=scales, basal=split(circuit.W, option, chosen), apical=split(circuit.B, option, chosen),
        level=level, pool=pool, conductance=level == 3, slope=1.0, tau_e=tau_e, dt=dt, settle=settle, duration=duration,
        coincidence=keep_coincidence and level > 0, gate=eligibility if circuit.gated else "none", held=True,
        sources=keep_sources and sink is not None and level > 0, tuft=circuit.apical, counted=circuit.post is not None,
    )  # fmt: skip
    if level:
        check_rates("replay", circuit, setup)
    if setup.conductance:
        setup = replace(setup, slope=apical_slope(circuit, setup))
    plan = plan_replay(
        circuit, setup.basal, setup.apical, level=level, samples=math.ceil(duration + settle), memory=memory,
        chunk=chunk, keep_eligibility=keep_eligibility or setup.counted, keep_coincidence=setup.coincidence, source_spikes=_source_spikes(circuit, setup),
        compiled=target == "cpp_standalone",
    )  # fmt: skip
    load_brian()
    attributes = _attributes(setup, plan, option, target, seed)
    gathered = _Gathered(circuit, plan, keep_eligibility, setup.coincidence)
    if sink is not None:
        voltages = ("V_basal",) + (("V_apical",) if setup.tuft else ()) + (("V_soma",) if level >= 2 else ())
        sink.begin(
            trials=circuit.trials, units=_unit_coordinates(circuit), samples=int(duration), voltages=voltages,
            circuit=circuit.variables(), attributes=attributes, **({"sources": True} if setup.sources else {}),
        )  # fmt: skip
    waiting: list[tuple[slice, Chunk]] = []
    with unburdened():
        for number, trials in enumerate(plan.slices()):
            part = simulate(circuit.take(trials), setup, target=target, seed=chunk_seed(seed, number))
            gathered.add(trials, part, setup)
            if setup.counted and sink is not None:
                waiting.append((trials, part))  # its traces are known when all trials are
            elif sink is not None:
                sink.append(part.rows(), part.spikes())
            del part
    found = gathered.result(scales, attributes)
    if setup.counted:
        found = meet(found, keep_eligibility)
    for trials, part in waiting:
        assert sink is not None
        part = replace(part, eligibility=gathered.kept[trials] if gathered.kept is not None else part.eligibility)
        sink.append(part.rows(), part.spikes())
    return found


def meet(found: Replay, keep: bool = True) -> Replay:
    """A replay whose synapses have counted, once the counts have met the second factor of the rule; in place, for they are large.

    Args:
        found: its eligibility holds pre-synaptic spikes that met an open gate, in units of z.
        keep: keep the eligibility of every trial.
    """
    circuit, counted = found.circuit, found.eligibility
    assert circuit.told is not None and circuit.trial is not None and counted is not None
    counted *= circuit.told(circuit.trial, found.a, found.z, found.prediction)[:, :, None].astype(np.float32)
    change: NDArray[np.float64] = np.tensordot(circuit.gamma * circuit.weight, counted.astype(np.float64), 1).astype(
        np.float64
    )
    angle = cosine(circuit.eligibility(), counted)
    return replace(found, eligibility=counted if keep else None, batch_change=change, cosine=angle)


def chunk_seed(seed: int, chunk: int) -> int:
    """Seed of one chunk, a function of the replay's seed and the chunk's number."""
    return int(np.random.SeedSequence([seed, chunk]).generate_state(1)[0])


def apical_slope(circuit: Circuit, setup: Setup) -> float:
    """Slope of the resting V_a on s_a B c with conductance synapses, from the mean conductances of all trials.

    Conductances add to the leak, so that the same context moves the tuft less; the read-out is divided by this slope.
    """
    neuron, scales = setup.neuron, setup.calibration
    context = setup.context_rates(circuit) / scales.context_rate
    leak = neuron.g_a * (1 + neuron.rest_exc + neuron.rest_inh)
    conductance, current = (
        np.full(circuit.prediction.shape, leak),
        np.full(circuit.prediction.shape, leak * neuron.E_base),
    )
    for pathway in setup.apical:
        z = context if pathway.origin != "pool" else np.broadcast_to(context.mean(1, keepdims=True), context.shape)
        mean = z @ np.where(pathway.present, pathway.weights, 0).T
        g = mean * conductance_per_unit(neuron, scales, pathway.sign)
        conductance, current = conductance + g, current + g * (neuron.E_exc if pathway.sign > 0 else neuron.E_inh)
    for sign, reversal in ((1, neuron.E_exc), (-1, neuron.E_inh)):
        g = np.maximum(sign * setup.apical_bias(circuit), 0) * conductance_per_unit(neuron, scales, sign)
        conductance, current = conductance + g, current + g * reversal
    moved = current / conductance - neuron.E_base
    asked = scales.apical_gain * (context @ circuit.B.T + setup.apical_bias(circuit))
    return float((moved * asked).sum() / np.square(asked).sum()) if np.any(asked) else 1.0


def _check_tuft(circuit: Circuit, level: int) -> None:
    if level >= 3 and not circuit.apical:
        what = "conductance synapses on the tuft" if level == 3 else "the calcium spike of the tuft"
        raise ModelError(
            f"replay.level: expected 0 to 2 for neurons without apical dendrites, got {level}, which is about {what}; choose 2"
        )


def _check_eligibility(form: str, level: int) -> None:
    if form not in FORMS:
        raise unknown("replay.eligibility", form, FORMS)
    if form == "spike" and level < 2:
        raise ModelError(
            f"replay.eligibility: expected voltage at level {level}, got spike; the soma fires from level 2 on"
        )


def _source_spikes(circuit: Circuit, setup: Setup) -> float:
    """Spikes of the sources that a trial is expected to keep."""
    if not setup.sources:
        return 0.0
    total = float(setup.pre_rates(circuit).sum() + setup.context_rates(circuit).sum()) / circuit.trials
    return total * setup.pool * (setup.duration + setup.settle) * 1e-3


def _neuron(level: int, preset: str | None, neuron: Neuron | None, tau_a: float | None, tau_b: float | None) -> Neuron:
    if level not in LEVELS:
        raise unknown("replay.level", level, LEVELS)
    if preset is not None and preset not in PRESETS:
        raise unknown("replay.preset", preset, PRESETS)
    own = BAC if level == 4 else LINEAR
    chosen = neuron or (own if preset is None else PRESETS[preset])
    if chosen.bac != (level == 4):
        raise ModelError(
            f"replay.preset: expected {own.name} at level {level}, got {chosen.name}; the calcium spike is switched on by level 4 "
            "with its whole preset, and only there"
        )
    if chosen.bac and tau_a is not None and tau_a != chosen.tau_a:
        raise ModelError(
            f"replay.tau_a: expected {chosen.tau_a:g} ms with the calcium spike, got {tau_a:g}; a slower tuft bursts without end, "
            "leave it out"
        )
    times = {name: value for name, value in (("tau_a", tau_a), ("tau_b", tau_b)) if value is not None}
    return chosen.but(**times) if times else chosen


def _unit_coordinates(circuit: Circuit) -> dict[str, NDArray[np.int64]]:
    channel, row, col = np.unravel_index(circuit.units, circuit.map_shape)
    return {"unit_id": circuit.units, "channel": channel, "row": row, "col": col}


def _attributes(setup: Setup, plan: Plan, option: str, target: str, seed: int) -> dict[str, Any]:
    n = setup.neuron
    return {
        "level": setup.level, "eligibility": setup.gate, "second": "own" if setup.counted else "apical", "preset": n.name, "pool": setup.pool, "dale": option, "target": target, "seed": seed,
        "dt_ms": setup.dt, "duration_ms": setup.duration, "settle_ms": setup.settle, "tau_e_ms": setup.tau_e,
        "chunk_trials": plan.chunk, "apical_slope": setup.slope, "conductance": setup.conductance,
        "rest_apical_mV": setup.rest, "rest_basal_mV": n.E_L,
        "neuron": {name: getattr(n, name) for name in n.__slots__},
        "calibration": setup.calibration.as_dict(), "calibration_units": dict(Calibration.units),
        "versions": {name: version(name) for name in ("brian2", "numpy", "apical")},
    }  # fmt: skip


class _Gathered:
    """Results of the chunks so far; a few numbers per trial and unit, and the eligibility where it is kept."""

    def __init__(self, circuit: Circuit, plan: Plan, keep: bool, counted: bool) -> None:
        shape = circuit.basal.shape
        self.circuit, self.plan = circuit, plan
        self.rate = np.zeros(shape)
        self.means: dict[str, NDArray[np.float64]] = {}
        # a count is worth nothing until all trials have met the second factor
        self.kept = (
            np.zeros((*shape, circuit.W.shape[1]), dtype=np.float32) if keep or circuit.post is not None else None
        )
        self.counted = np.zeros((*shape, circuit.W.shape[1]), dtype=np.float32) if counted else None
        self.change = np.zeros(circuit.W.shape)
        self.cosine = np.zeros(circuit.trials)

    def add(self, trials: slice, part: Chunk, setup: Setup) -> None:
        """Take up one chunk."""
        seen = self.circuit.take(trials)
        self.rate[trials] = part.rate
        for name, values in part.voltages.items():
            rest = setup.rest if name == "V_apical" else setup.neuron.E_L
            mean = self.means.setdefault(name, np.zeros(self.rate.shape))
            mean[trials] = values.mean(-1, dtype=np.float64) - rest
        if self.kept is not None:
            self.kept[trials] = part.eligibility
        if self.counted is not None:
            self.counted[trials] = part.coincidence
        self.change += np.tensordot(seen.gamma * seen.weight, part.eligibility, 1)
        self.cosine[trials] = cosine(seen.eligibility(), part.eligibility)

    def result(self, calibration: Calibration, attributes: dict[str, Any]) -> Replay:
        """The replay as a whole."""
        return Replay(
            circuit=self.circuit, calibration=calibration, plan=self.plan, rate=self.rate,
            V_basal=self.means["V_basal"], V_apical=self.means.get("V_apical", np.zeros(self.rate.shape)), V_soma=self.means.get("V_soma"),
            eligibility=self.kept, batch_change=self.change, cosine=self.cosine, attributes=attributes,
            coincidence=self.counted,
        )  # fmt: skip

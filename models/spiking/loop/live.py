"""Running a closed loop: one glance after another, weights changing inside the simulation."""

import gc
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ..brian import check_target, session, unburdened
from ..plan import NEURON_BYTES, SYNAPSE_BYTES, megabytes
from .assemble import UPTAKE_MS, LoopAssembly, Plastic, assemble_loop
from .network import LoopNetwork
from .settings import Loop
from .stream import Glance
from .wiring import Array

MEMORY = 2 << 30
BOUND = 1e4  # potentials begin with a spread of 1; beyond this currents overflow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What one glance did.

    Attributes:
        index: of the glance.
        glance: what was shown.
        rate: z of every unit from its spikes, (copies, units) by population.
        score: of the population, read by its modulators, (populations, copies).
        gamma: what arrived at the synapses, (populations, copies).
        W, B: weights after the glance, as in the network.
        eligibility: of the first copy before it was used, in the units of the rate rule, `W0`, ..., `B0`, ...: (synapses,).
        spike_time, spike_unit, spike_population: spikes of the first copy, ms from the start of the saccade; unit is a neuron where units
            have pools.
        voltage: V_soma, V_basal, V_apical of the chosen neurons of the first copy in mV, float32 (populations * chosen, ms).
    """

    index: int
    glance: Glance
    rate: tuple[Array, ...]
    score: Array
    gamma: Array
    W: tuple[Array, ...]
    B: tuple[Array, ...]
    eligibility: dict[str, Array]
    spike_time: Array
    spike_unit: NDArray[np.int64]
    spike_population: NDArray[np.int64]
    voltage: dict[str, NDArray[np.float32]]


def predicted_bytes(network: LoopNetwork, loop: Loop, copies: int) -> tuple[int, int, int]:
    """Neurons, synapses and bytes of a closed loop, before anything is built."""
    units, relays = network.units, 2 if loop.dale == "relay" else 1
    neurons = copies * network.inputs * relays
    neurons += copies * loop.pool * sum(units) * (3 if loop.held == "persistent" else 2)
    synapses = 0
    for k, wiring in enumerate(network.wiring):
        synapses += len(wiring.source) * loop.pool * (loop.pool if k else 1) * relays
        synapses += units[k] * units[network.speaker(k)] * loop.pool**2 * relays
    synapses = synapses * copies + 3 * copies * sum(units) * loop.pool
    return neurons, synapses, neurons * NEURON_BYTES + synapses * SYNAPSE_BYTES


def check_loop_memory(network: LoopNetwork, loop: Loop, copies: int, memory: int = MEMORY) -> None:
    """Refuse a loop that does not fit.

    Raises:
        ModelError: as said; the sentence has the predicted size.
    """
    if copies < 1:
        raise ModelError(f"loop.copies: expected at least 1, got {copies}; 16 are usual, 1 looks one glance at a time")
    neurons, synapses, size = predicted_bytes(network, loop, copies)
    if size > memory:
        raise ModelError(
            f"loop.memory: expected at most {megabytes(memory)}, got a prediction of {megabytes(size)} for {copies} copies ({neurons} neurons, "
            f"{synapses} synapses); use fewer copies, smaller populations or pools, or raise memory"
        )


def live(
    network: LoopNetwork,
    stream: Iterable[Glance],
    loop: Loop,
    *,
    copies: int,
    glances: int,
    seed: int = 0,
    chosen: int = 0,
    each: Callable[[Seen], None] = lambda _: None,
    memory: int = MEMORY,
) -> LoopNetwork:
    """Let a network of spiking neurons look and learn.

    Args:
        network: weights at the start.
        stream: as many glances, of `copies` rows each.
        loop: how it is run.
        copies: that look side by side; their weights are one, moved by the mean of what each of them learnt.
        glances: how many.
        seed: of all noise.
        chosen: neurons of every population of the first copy whose voltages are recorded.
        each: called after every glance.
        memory: bytes that the simulation may hold.

    Returns:
        The network with the weights at the end.

    Raises:
        ModelError: it does not fit in memory, or a setting is out of range.
    """
    check_target(loop.target)
    check_loop_memory(network, loop, copies, memory)
    for name in ("saccade", "fixation"):
        steps = getattr(loop, name) / loop.dt
        if abs(steps - round(steps)) > 1e-9:
            raise ModelError(
                f"loop.{name}: expected whole steps of {loop.dt:g} ms, got {getattr(loop, name):g}; round it"
            )
    gc.collect()  # what an earlier loop has left; objects in circles, which `unburdened` would keep
    with unburdened(), session(loop.target) as (b2, _):
        b2.seed(seed)
        built = assemble_loop(b2, network, loop, copies)
        director = _Director(built, network, loop, copies, iter(stream), glances, chosen, each, seed)
        director.attach()
        built.network.run((glances * loop.cycle + loop.dt) * b2.ms, namespace={})
        if director.index <= glances:  # Brian2 ends a run quietly when Ctrl-C arrives
            raise KeyboardInterrupt
        return director.network


class _Director:
    """Shows glances, keeps the weights of the copies one, and reports what happened."""

    def __init__(
        self, built: LoopAssembly, network: LoopNetwork, loop: Loop, copies: int, stream: Iterator[Glance],
        glances: int, chosen: int, each: Callable[[Seen], None], seed: int,
    ) -> None:  # fmt: skip
        self.built, self.network, self.loop, self.copies = built, network, loop, copies
        self.stream, self.glances, self.each, self.index = stream, glances, each, 0
        self.shown: Glance | None = None
        self.draws = np.random.default_rng(seed)  # of controls
        self.rate: list[Array] = []
        self.score: Array = np.zeros(0)
        self.gamma: Array = np.zeros(0)
        self.eligibility: dict[str, Array] = {}
        self.spikes, self.voltages, self.read = (
            self._monitors(chosen),
            self._potentials(chosen),
            [0] * len(network.units),
        )

    def attach(self) -> None:
        """Into the simulation: read before consolidation, make the weights one after it, show the next glance last."""
        b2, dt = self.built.b2, self.loop.cycle * self.built.b2.ms
        for order, (name, act) in zip(
            (0, 2, 5), (("observe", self._observe), ("share", self._share), ("present", self._present)), strict=True
        ):
            operation = b2.NetworkOperation(act, dt=dt, when="start", order=order, name=name)
            self.built.network.add(operation)

    def _monitors(self, chosen: int) -> list[Any]:
        b2, found = self.built.b2, []
        for k, group in enumerate(self.built.units if chosen else []):
            first = group[: self.network.units[k] * self.loop.pool]
            found.append(b2.SpikeMonitor(first, name=f"spikes_{k}"))
        self.built.network.add(*found)
        return found

    def _potentials(self, chosen: int) -> list[Any]:
        b2, found = self.built.b2, []
        for k, group in enumerate(self.built.units if chosen else []):
            record = np.arange(min(chosen, self.network.units[k])) * self.loop.pool
            found.append(
                b2.StateMonitor(
                    group, ["V_s", "V_b", "V_a"], record=record, dt=1 * b2.ms, when="end", name=f"voltages_{k}"
                )
            )
        self.built.network.add(*found)
        return found

    def _observe(self) -> None:
        if self.shown is None:
            return
        loop, shape = self.loop, (self.copies, -1, self.loop.pool)
        seconds = loop.fixation * 1e-3
        self.rate = [_array(g, "spikes").reshape(shape).mean(2) / (loop.rate * seconds) for g in self.built.units]
        self.score = np.stack([_array(m, "score")[:: len(loop.kinds)] for m in self.built.modulators])
        self.gamma = np.stack([_array(g, "gamma").reshape(self.copies, -1)[:, 0] for g in self.built.units])
        self.eligibility = {
            f"{p.kind}{p.population}": _first(p, self.copies) * p.normal for p in self.built.plastic if p.normal
        }
        if loop.cut == "shuffled-trials":
            for group in self.built.units:
                values = _array(group, "gamma")
                values[:] = np.roll(values, len(values) // self.copies)

    def _share(self) -> None:
        if self.shown is None:
            return
        W, B = list(self.network.W), list(self.network.B)
        for p in self.built.plastic:
            if not p.normal:
                continue
            values = _array(p.synapses, "w")
            moved = values.reshape(p.rows, -1).mean(0)
            before = W[p.population][p.wiring.weight] if p.kind == "W" else B[p.population].T.ravel()
            moved = before + self._mutated(moved - before)
            if p.kind == "W":
                old = W[p.population]
                # a weight that many places of a convolution carry moves by the sum over them
                W[p.population] = old + np.bincount(p.wiring.weight, moved - old[p.wiring.weight], minlength=len(old))
                values[:] = np.tile(W[p.population][p.wiring.weight], p.rows)
            else:
                B[p.population] = moved.reshape(p.wiring.pre, p.wiring.post).T
                values[:] = np.tile(moved, p.rows)
        self.network = self.network.but(W, B)
        _bounded(self.network, self.index)

    def _mutated(self, change: Array) -> Array:
        """The change of the weights, or what a control makes of it."""
        if self.loop.cut == "random":
            drawn = self.draws.normal(size=change.shape)
            found: Array = drawn * np.linalg.norm(change) / np.linalg.norm(drawn)
            return found
        kept: Array = change * {"reversed": -1.0, "zero": 0.0}.get(self.loop.cut, 1.0)
        return kept

    def _present(self) -> None:
        b2, loop = self.built.b2, self.loop
        if self.shown is not None:
            self.each(self._seen(self.shown))
        self.index += 1
        self.shown = None
        if self.index > self.glances:
            return
        glance = next(self.stream)
        self.shown = glance
        begin = (self.index - 1) * loop.cycle
        self.built.source.intensity = glance.inputs.ravel()
        for group in (self.built.source, *self.built.units):
            group.onset = (begin + loop.saccade) * b2.ms
        phase = glance.sign
        if loop.cut == "shuffled-gamma":
            phase = self.draws.choice([-1.0, 1.0], size=self.copies)
        for group in self.built.modulators:
            group.phase = np.repeat(phase if self.index > 1 else 0 * phase, len(loop.kinds))
            group.opens = (begin + loop.cycle - loop.release - UPTAKE_MS) * b2.ms
            group.closes = (begin + loop.cycle - UPTAKE_MS) * b2.ms

    def _seen(self, glance: Glance) -> Seen:
        times, units, populations = [], [], []
        for k, monitor in enumerate(self.spikes):
            time, unit = _array(monitor, "t")[self.read[k] :], _array(monitor, "i")[self.read[k] :]
            self.read[k] += len(time)
            times.append(time * 1e3 - (self.index - 1) * self.loop.cycle)
            units.append(unit.astype(np.int64))
            populations.append(np.full(len(unit), k))
        return Seen(
            index=self.index - 1, glance=glance, rate=tuple(self.rate), score=self.score, gamma=self.gamma,
            W=self.network.W, B=self.network.B, eligibility=self.eligibility,
            spike_time=np.concatenate(times) if times else np.zeros(0),
            spike_unit=np.concatenate(units) if units else np.zeros(0, dtype=np.int64),
            spike_population=np.concatenate(populations) if populations else np.zeros(0, dtype=np.int64),
            voltage=self._voltage(),
        )  # fmt: skip

    def _voltage(self) -> dict[str, NDArray[np.float32]]:
        span = math.floor(self.loop.cycle)
        found: dict[str, NDArray[np.float32]] = {}
        for name, said in (("V_s", "V_soma"), ("V_b", "V_basal"), ("V_a", "V_apical")):
            parts = [
                (_array(monitor, name)[(self.index - 1) * span : self.index * span] * 1e3).T
                for monitor in self.voltages
            ]
            if parts:
                found[said] = np.concatenate(parts).astype(np.float32)
        return found


def _array(owner: Any, name: str) -> Array:
    """A variable's own memory, in SI units; no copy."""
    found: Array = owner.variables[name].get_value()
    return found


def _first(p: Plastic, copies: int) -> Array:
    """Eligibility of the first copy, mean over the neurons of its pools."""
    found: Array = _array(p.synapses, "eligibility").reshape(copies, p.rows // copies, -1)[0].mean(0)
    return found


class LoopDivergedError(ModelError):
    """Weights left all bounds.

    Attributes:
        glance: index of the glance.
    """

    def __init__(self, message: str, glance: int) -> None:
        super().__init__(message)
        self.glance = glance


def _bounded(network: LoopNetwork, index: int) -> None:
    for k, (W, B) in enumerate(zip(network.W, network.B, strict=True)):
        if not max(np.abs(W).max(), np.abs(B).max()) < BOUND:
            raise LoopDivergedError(
                f"loop.eta_basal: expected steps that keep weights below {BOUND:g}, got a population {k} that left them at glance {index}; "
                "lower eta_basal and eta_apical",
                index,
            )

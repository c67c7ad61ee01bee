"""The Brian2 network of a closed loop: all copies side by side, neuron index = (copy * units + unit) * pool + neuron of the pool."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .equations import (
    APICAL,
    APICAL_POST,
    BASAL,
    CONSOLIDATE,
    INHIBIT,
    MEMORY,
    MODULATOR,
    RELAY,
    RELEASES,
    RESET,
    SOURCE,
    SPLIT,
    SYNAPSE,
    held_decay,
    unit_equations,
    unit_namespace,
)
from .network import LoopNetwork
from .settings import Loop
from .wiring import Index, Wiring, dense

VOLLEY_MS = 2.0  # between spikes of a modulator
BACKGROUND = (100, 5.0)  # sources of each sign, Hz of each
UPTAKE_MS = 4.0  # modulators fall silent so long before a glance ends, so that none of their spikes reaches the next


@dataclass(slots=True, eq=False)
class Plastic:
    """One set of plastic synapses.

    Attributes:
        synapses: Brian2's.
        wiring: of one copy.
        rows: how many synapses carry each entry of the wiring, over copies and pools.
        normal: what an eligibility is multiplied by to be in the units of the rate rule.
        kind: `W` or `B`.
        population: its index.
    """

    synapses: Any
    wiring: Wiring
    rows: int
    normal: float
    kind: str
    population: int


@dataclass(slots=True, eq=False)
class LoopAssembly:
    """The network and the handles to drive and read it."""

    b2: Any
    network: Any
    source: Any
    units: list[Any] = field(default_factory=list)
    memories: dict[int, Any] = field(default_factory=dict)
    modulators: list[Any] = field(default_factory=list)
    plastic: list[Plastic] = field(default_factory=list)


def assemble_loop(b2: Any, network: LoopNetwork, loop: Loop, copies: int) -> LoopAssembly:
    """Build it.

    Args:
        b2: the module `brian2`.
        network: weights at the start.
        loop: how it is run.
        copies: that look side by side and share their weights.
    """
    clock = b2.Clock(dt=loop.dt * b2.ms, name="loop_clock")
    source = b2.NeuronGroup(
        copies * network.inputs, SOURCE, threshold="rand() < intensity*input_rate*dt and t >= onset", clock=clock,
        namespace={"input_rate": loop.input_rate * b2.Hz}, name="inputs",
    )  # fmt: skip
    built = LoopAssembly(b2, b2.Network(source, name="loop"), source)
    for k, wiring in enumerate(network.wiring):
        below = built.units[k - 1] if k else source
        _population(built, network, loop, copies, k, clock)
        per_spike = loop.rate / (loop.neuron.gain * (loop.rate if k else loop.input_rate))
        charge = per_spike * 1e3 / (loop.neuron.tau_syn * (loop.pool if k else 1))
        eta = loop.eta_basal / ((loop.rate if k else loop.input_rate) * loop.fixation * 1e-3)
        pools = (loop.pool if k else 1, loop.pool)
        _pathway(built, network, loop, copies, k, "W", below, wiring, network.W[k], charge, eta, pools, clock)
    for k in range(len(network.units)):
        _memory(built, network, loop, copies, network.speaker(k), clock)
    for k, units in enumerate(network.units):
        speaker = network.speaker(k)
        origin = built.memories.get(speaker, built.units[speaker])
        rate = loop.memory_rate if loop.held == "persistent" else loop.rate * loop.past
        charge = loop.neuron.g_a * loop.apical_gain * 1e3 / (rate * loop.apical_decay * loop.pool)
        eta = loop.eta_apical / (loop.rate * loop.fixation * 1e-3)
        wiring = dense(network.units[speaker], units)
        pools = (loop.pool, loop.pool)
        _pathway(
            built, network, loop, copies, k, "B", origin, wiring, network.B[k].T.ravel(), charge, eta, pools, clock
        )
        _modulators(built, network, loop, copies, k, clock)
    return built


def _population(built: LoopAssembly, network: LoopNetwork, loop: Loop, copies: int, k: int, clock: Any) -> None:
    b2, n = built.b2, loop.neuron
    count = copies * network.units[k] * loop.pool
    group = b2.NeuronGroup(
        count, unit_equations(loop), threshold="V_s > V_th", reset=RESET, refractory=n.t_ref * b2.ms, method="euler",
        namespace=unit_namespace(loop, b2), clock=clock, name=f"units_{k}",
    )  # fmt: skip
    group.V_s, group.V_b, group.V_a, group.winner = n.E_L * b2.mV, n.E_L * b2.mV, n.E_a * b2.mV, 1
    bias = np.repeat(np.tile(network.bias[k], copies), loop.pool)
    group.centre = bias * loop.rate / n.gain * b2.pA
    # after consolidation, before the next glance
    group.run_regularly("gamma = 0; spikes = 0", dt=loop.cycle * b2.ms, when="start", order=4, name=f"uptake_{k}")
    built.units.append(group)
    built.network.add(group)
    if loop.background:
        for weight in (loop.background, -loop.background):
            built.network.add(
                b2.PoissonInput(
                    group,
                    "I_b",
                    BACKGROUND[0],
                    BACKGROUND[1] * b2.Hz,
                    weight * b2.pA,
                    when="synapses",
                    order=int(weight < 0),
                )
            )


def _memory(built: LoopAssembly, network: LoopNetwork, loop: Loop, copies: int, k: int, clock: Any) -> None:
    """Memory neurons of a population: loaded from its calcium when the eyes move, then firing irregularly at what they hold."""
    if loop.held != "persistent" or k in built.memories:
        return
    b2 = built.b2
    space = {
        "tau_memory": loop.tau_memory * b2.ms, "tau_held": held_decay(loop) * b2.ms, "memory_rate": loop.memory_rate * b2.Hz,
        "per_held": 1e3 / (loop.memory_rate * held_decay(loop)),
    }  # fmt: skip
    group = b2.NeuronGroup(
        copies * network.units[k] * loop.pool, MEMORY, threshold="rand() < memory_rate*persistent*dt",
        reset="held += per_held", method="exact", namespace=space, clock=clock, name=f"memory_{k}",
    )  # fmt: skip
    group.calcium = b2.linked_var(built.units[k], "count")
    group.run_regularly(
        "persistent = calcium", dt=loop.cycle * b2.ms, when="start", order=3, name=f"corollary_discharge_{k}"
    )
    built.memories[k] = group
    built.network.add(group)


def _pathway(
    built: LoopAssembly, network: LoopNetwork, loop: Loop, copies: int, k: int, kind: str, origin: Any, wiring: Wiring,
    weights: Any, charge: float, eta: float, pools: tuple[int, int], clock: Any,
) -> None:  # fmt: skip
    """Plastic synapses of one side, and with Dale's law the relays that inhibit what they all excite too much."""
    b2, n = built.b2, loop.neuron
    basal = kind == "W"
    blocked = not basal and loop.cut == "tuft-blocked"
    largest = float(np.abs(weights).max()) if loop.dale == "relay" else 0.0
    excess = loop.margin_of_weights * largest if loop.dale == "relay" else np.inf
    space = {
        "charge": (0.0 if blocked else charge) * b2.pA, "eta": eta, "excess": excess if loop.dale == "relay" else 0.0,
    }  # fmt: skip
    events: dict[str, Any] = {"on_pre": BASAL if basal else APICAL}
    if not basal and not blocked:
        events["on_post"] = APICAL_POST
    delay = {"pre": n.delay_exc * b2.ms}
    if loop.dale == "split":  # a relay that misses no spike is a longer delay
        excite, inhibit = SPLIT["I_b" if basal else "I_a"]
        events["on_pre"] = {"pre": excite, "inhibition": inhibit}
        delay["inhibition"] = n.delay_inh * b2.ms
    target = built.units[k]
    synapses = b2.Synapses(
        origin, target, SYNAPSE, **events, delay=delay, clock=clock, namespace=space, name=f"{kind}_{k}"
    )
    pre, post = _expand(wiring, copies, pools)
    synapses.connect(i=pre, j=post)
    rows = copies * pools[0] * pools[1]
    carried = weights[wiring.weight]
    synapses.w = np.tile(carried, rows)
    built.network.add(synapses)
    if eta:
        code = (
            CONSOLIDATE if loop.dale == "relay" else CONSOLIDATE.replace("clip(", "(").replace(", -excess, inf)", ")")
        )
        synapses.run_regularly(code, dt=loop.cycle * b2.ms, when="start", order=1, name=f"consolidate_{kind}_{k}")
    built.plastic.append(
        Plastic(synapses, wiring, rows, eta / (loop.eta_basal if basal else loop.eta_apical) if eta else 0.0, kind, k)
    )
    if loop.dale == "relay" and not blocked:
        _relay(built, loop, origin, target, "I_b" if basal else "I_a", pre, post, space, f"{kind}_{k}", clock)


def _expand(wiring: Wiring, copies: int, pools: tuple[int, int]) -> tuple[Index, Index]:
    """Neurons of every synapse, copy by copy, neuron by neuron of the pools, in the wiring's order."""
    copy, first, second = (
        axis.ravel()[:, None] for axis in np.meshgrid(np.arange(copies), *(np.arange(p) for p in pools), indexing="ij")
    )
    pre = (copy * wiring.pre + wiring.source) * pools[0] + first
    post = (copy * wiring.post + wiring.target) * pools[1] + second
    return pre.ravel(), post.ravel()


def _relay(
    built: LoopAssembly, loop: Loop, origin: Any, target: Any, current: str, pre: Index, post: Index, space: Any,
    name: str, clock: Any,
) -> None:  # fmt: skip
    """One interneuron per source: it fires once per spike and inhibits all targets of that source alike.

    It counts what it owes: a spike that arrives in the step in which it fires must not be lost with the reset.
    """
    b2, n = built.b2, loop.neuron
    relay = b2.NeuronGroup(len(origin), RELAY, threshold="v > 0.5", reset="v -= 1", clock=clock, name=f"relay_{name}")
    drive = b2.Synapses(
        origin, relay, on_pre="v_post += 1", delay=n.delay_exc / 2 * b2.ms, clock=clock, name=f"drive_{name}"
    )
    drive.connect(j="i")
    inhibit = b2.Synapses(
        relay, target, on_pre=INHIBIT[current], delay=(n.delay_inh - n.delay_exc / 2) * b2.ms, clock=clock,
        namespace=space, name=f"inhibit_{name}",
    )  # fmt: skip
    inhibit.connect(i=pre, j=post)
    built.network.add(relay, drive, inhibit)


def _modulators(built: LoopAssembly, network: LoopNetwork, loop: Loop, copies: int, k: int, clock: Any) -> None:
    """Broadcast neurons: they count somatic spikes weighted by the apical potential, and fire at the end of a glance unless the margin is met."""
    b2, n = built.b2, loop.neuron
    kinds = loop.kinds
    neurons = network.units[k] * loop.pool
    group = b2.NeuronGroup(
        copies * len(kinds), MODULATOR, threshold=RELEASES, refractory=VOLLEY_MS * b2.ms, clock=clock,
        namespace={"margin": network.margin}, name=f"modulators_{k}",
    )  # fmt: skip
    group.kind = np.tile(kinds, copies)
    each = np.arange(copies * neurons)
    counting = b2.Synapses(
        built.units[k], group, on_pre="score_post += share*prediction_pre", clock=clock, name=f"counting_{k}",
        namespace={"share": 1e3 / (loop.rate * loop.fixation * loop.pool)},
    )  # fmt: skip
    counting.connect(
        i=np.tile(each, len(kinds)), j=np.concatenate([each // neurons * len(kinds) + m for m in range(len(kinds))])
    )
    built.network.add(group, counting)
    dose = VOLLEY_MS / loop.release / network.margin
    for m, kind in enumerate(kinds):
        sender, index = group, each // neurons * len(kinds) + m
        if kind < 0:  # an interneuron turns the sign of what the second modulator says
            sender = b2.NeuronGroup(
                copies, RELAY, threshold="v > 0.5", reset="v -= 1", clock=clock, name=f"interneuron_{k}"
            )
            turn = b2.Synapses(group, sender, on_pre="v_post += 1", clock=clock, name=f"turn_{k}")
            turn.connect(i=np.arange(copies) * len(kinds) + m, j=np.arange(copies))
            built.network.add(sender, turn)
            index = each // neurons
        told = "dose*phase_pre" if kind == 0 else "dose" if kind > 0 else "-dose"
        broadcast = b2.Synapses(
            sender, built.units[k], on_pre=f"gamma_post += {told}", delay=n.delay_exc * b2.ms, clock=clock,
            namespace={"dose": dose}, name=f"broadcast_{k}_{m}",
        )  # fmt: skip
        broadcast.connect(i=index, j=each)
        built.network.add(broadcast)
    group.run_regularly("score = 0", dt=loop.cycle * b2.ms, when="start", order=4, name=f"forget_{k}")
    built.modulators.append(group)

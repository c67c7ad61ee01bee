"""C9 and C10: the tuft blocked, and each context source lesioned in circuits that do and do not use it."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import LINEAR, Circuit, Replay
from ..check import Check, Criterion, at_most
from .agreement import ratio, total_cosine
from .workbench import Bench

KAPPA = 5.0  # nS, drive of the soma by the tuft in the control
DEPTH = 10.0  # mV below rest, of a tuft held there by a current


def apical_block(bench: Bench) -> list[Check]:
    """C9: without apical input there is no change of weights, and the rates stay."""
    ratios, rates = [], []
    blocked = bench.circuit.scale_apical(0.0)
    for seed in bench.settings.seeds:
        intact = bench.base[seed]
        found = bench.run("apical block", seed, blocked, **bench.settings.operating)
        ratios.append(_left(found, intact))
        rates.append(_moved(found.rate, intact.rate))
    spiking = bench.settings.level >= 2 and not bench.settings.quick
    detail = {**_driving_tuft(bench), **held_tuft(bench)} if spiking else {}
    reason = (
        "the tuft drives the soma at this level: its calcium spikes end with the block"
        if bench.settings.level == 4
        else ""
    )
    sound = bench.settings.level < 4  # below, the trace is 0 without B c and nothing leads from the tuft to the soma
    return [
        Check("C9", "|dW| with the tuft blocked, relative to intact", ratios, at_most(0.05), detail=detail, self_test=sound),
        Check("C9", "change of the output rates by the block, r.m.s. relative to their r.m.s.", rates, at_most(0.05), reason, self_test=sound),
    ]  # fmt: skip


def _driving_tuft(bench: Bench) -> dict[str, float]:
    """The same with a tuft that drives the soma; one seed."""
    neuron, seed = LINEAR.but(kappa=KAPPA), bench.settings.seeds[0]
    intact = bench.run(f"kappa {KAPPA:g} nS", seed, bench.few, neuron=neuron)
    blocked = bench.run(f"kappa {KAPPA:g} nS, apical block", seed, bench.few.scale_apical(0.0), neuron=neuron)
    return {
        f"kappa {KAPPA:g} nS: r.m.s. change of rates (Hz)": float(
            np.sqrt(np.square(blocked.rate - intact.rate).mean())
        ),
        f"kappa {KAPPA:g} nS: |dW| relative to intact": _left(blocked, intact),
    }


def held_tuft(bench: Bench) -> dict[str, float]:
    """A current holds the tuft below rest while B c still arrives; one seed.

    The trace is linear in V_a - V_rest, so that this does not silence plasticity as a shunt (B = 0) does: it adds depression.
    """
    seed, gain = bench.settings.seeds[0], bench.base[bench.settings.seeds[0]].calibration.apical_gain
    held = replace(bench.few, apical_bias=bench.few.apical_bias - DEPTH / gain)
    intact = bench.run("tuft at rest", seed, bench.few)
    found = bench.run(f"tuft {DEPTH:g} mV below rest", seed, held)
    shifted = replace(bench.few, prediction=bench.few.prediction - DEPTH / gain).change().sum(0)
    word = f"tuft held {DEPTH:g} mV below rest"
    return {
        f"{word}: |dW| relative to intact": _left(found, intact),
        f"{word}: cosine of dW with intact": total_cosine(intact.batch_change, found.batch_change),
        f"{word}: cosine of dW with the rule for B c so much lower": total_cosine(shifted, found.batch_change),
        f"{word}: r.m.s. change of rates (Hz)": float(np.sqrt(np.square(found.rate - intact.rate).mean())),
    }


def dissociation(bench: Bench) -> list[Check]:
    """C10: a lesion of the top population against one of the population's own context, in a circuit of either kind."""
    own = bench.circuit.source
    other = "dfb" if own == "lateral" else "lateral"
    control = bench.loaded.control(bench.settings, other).take(slice(0, bench.settings.few))
    trained = other in bench.loaded.run.rule.needs.sources
    lost: list[float] = []
    spared: list[float] = []
    table: dict[str, list[float]] = {}
    for seed in bench.settings.seeds:
        for circuit in (bench.few, control):
            words = {} if circuit is bench.few else {"calibration": None}
            intact = bench.run(f"{circuit.source} circuit", seed, circuit, **words)
            for source in (own, other):
                lesioned = _lesion(circuit, source)
                found = bench.run(
                    f"{circuit.source} circuit, {source} lesion", seed + 1000, lesioned, calibration=intact.calibration
                )
                table.setdefault(f"{circuit.source} circuit, {source} lesion", []).append(_left(found, intact))
        pairs = {(a, b): table[f"{a} circuit, {b} lesion"][-1] for a in (own, other) for b in (own, other)}
        # of numpy: NaN of a circuit without change stays NaN
        lost.append(float(np.max([left for (a, b), left in pairs.items() if a == b])))
        spared.append(float(np.min([left for (a, b), left in pairs.items() if a != b])))
    note = "both trained" if trained else f"the {other} circuit has a random B: this run was not trained with one"
    return [
        Check("C10", "|dW| left by the lesion of the circuit's own source", lost, at_most(0.05),
              detail={"|dW| relative to intact": table, "note": note}, self_test=True),
        Check("C10", "|dW| left by the lesion of the other source, by construction", spared, Criterion(0.9, 1.1), self_test=True),
    ]  # fmt: skip


def _lesion(circuit: Circuit, source: str) -> Circuit:
    return circuit.scale_apical(0.0) if circuit.source == source else circuit


def _left(found: Replay, intact: Replay) -> float:
    """|dW| relative to that of the intact circuit."""
    return ratio(float(np.linalg.norm(found.batch_change)), float(np.linalg.norm(intact.batch_change)))


def _moved(rates: NDArray[np.float64], from_: NDArray[np.float64]) -> float:
    return math.sqrt(ratio(float(np.square(rates - from_).mean()), float(np.square(from_).mean())))

"""C17 and C19: the two factors that no other check takes from spikes: the neuromodulator and the post-synaptic side."""

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Replay, spiking_scores
from ..check import Check, Criterion, at_least
from .agreement import correlation, ratio, total_cosine
from .altered import summed
from .gating import spiking_scores as circuit_scores
from .workbench import Bench, cosine_of, traces

Array = NDArray[np.float64]
ALIKE = 0.1  # of two neuromodulators, where they are graded


def neuromodulator(bench: Bench) -> list[Check]:
    """C17: neuromodulators from the spikes of the whole population, and whether the score tells what it is to tell.

    The score is a sum over every neuron of the population. Thirty of them at one place do not carry it, whatever their number of
    spikes, so that the whole population is asked; how far the circuit's own part goes with it stands beside.
    """
    if bench.population is None or bench.many is None:
        return []
    c, everyone, many, s = bench.circuit, bench.population, bench.many, bench.settings
    rule: Array = c.change().sum(0)
    scores = {seed: spiking_scores(everyone, pool=s.pool, duration=s.duration, seed=seed) for seed in s.seeds}

    def alike(seed: int) -> float:
        return float((np.abs(everyone.modulators(scores[seed]) - bench.gamma(seed)) <= ALIKE).mean())

    def change(seed: int) -> Array:
        return summed(everyone.modulators(scores[seed]) * c.weight, traces(bench.base[seed]))

    def told(seed: int) -> float:
        return area(spiking_scores(many, pool=s.pool, duration=s.duration, seed=seed), many.phase)

    detail = {
        "neurons of the population": [everyone.rate.shape[1]],
        "correlation of its spiking score with its score": [correlation(c.score, scores[seed]) for seed in s.seeds],
        "correlation of the circuit's own spiking score with it": bench.over(lambda r: correlation(c.score, circuit_scores(r))),
        "units of the circuit": [len(c.units)],
    }  # fmt: skip
    near = float(
        (np.abs(everyone.modulators(everyone.score * 1.1) - everyone.modulators(everyone.score)) > ALIKE).mean()
    )
    reason = f"{near:.0%} of the neuromodulators change if the score changes by a tenth"
    flat = "the score of this network does not tell an object seen again from another one: nothing was learnt that it could tell them by"
    return [
        Check("C17", "neuromodulators that spikes of the whole population decide as the rule does", [alike(seed) for seed in s.seeds],
              at_least(0.9), reason, detail),
        Check("C17", "cosB of the change with neuromodulators from spikes", [total_cosine(rule, change(seed)) for seed in s.seeds],
              at_least(0.9), reason),
        Check("C17", "area under the curve, fixations told from saccades by the spiking score", [told(seed) for seed in s.seeds],
              at_least(0.65), flat, {"trials": [many.phase.size], "of the rate network": [area(many.score, many.phase)]}),
    ]  # fmt: skip


def area(score: Array, phase: NDArray[np.int8]) -> float:
    """Chance that the score of a fixation is above that of a saccade, ties counted half; NaN where one of the two is missing."""
    fixation, saccade = score[phase == 0][:, None], score[phase == 1][None]
    if not (fixation.size and saccade.size):
        return float("nan")
    return float(((fixation > saccade) + 0.5 * (fixation == saccade)).mean())


def spike_gate(bench: Bench) -> list[Check]:
    """C19: the gate read from post-synaptic spikes: the only form of the rule into which the output of the circuit enters."""
    if bench.settings.level < 2:
        return []
    circuit = bench.few
    rule = circuit.change().sum(0)
    found: list[Replay] = [
        bench.run("gate from post-synaptic spikes", seed, circuit, eligibility="spike") for seed in bench.settings.seeds
    ]
    angles = [total_cosine(rule, each.batch_change) for each in found]
    sizes = [ratio(float(np.linalg.norm(each.batch_change)), float(np.linalg.norm(rule))) for each in found]
    reason = (
        "a unit with few spikes has its gate open a part of the time, and one that fires at the kink of its f-I curve opens it where the rule's "
        "is closed"
    )
    return [
        Check("C19", "cosT with the gate from post-synaptic spikes", [cosine_of(each) for each in found], at_least(0.88), reason),
        Check("C19", "cosB with the gate from post-synaptic spikes", angles, at_least(0.88), reason),
        Check("C19", "norm of that change, relative to the rule's", sizes, Criterion(0.7, 1.15), reason),
    ]  # fmt: skip

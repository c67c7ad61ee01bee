"""What a mutant does to a replay: to the cell, to the neuromodulator, to what the synapses hold."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Circuit, Neuron, Replay, cosine

Array = NDArray[np.float64]


def _same_cell(neuron: Neuron) -> Neuron:
    return neuron


def _same_gamma(gamma: Array, seed: int) -> Array:
    return gamma


def _same_result(found: Replay, seed: int) -> Replay:
    return found


@dataclass(frozen=True, slots=True)
class Alteration:
    """Functions that leave everything as it is unless given.

    Attributes:
        neuron: the cell that is simulated.
        gamma: neuromodulators that act, from the rule's and a seed, (trials,).
        result: what the replay gave, with a seed.
    """

    neuron: Callable[[Neuron], Neuron] = _same_cell
    gamma: Callable[[Array, int], Array] = _same_gamma
    result: Callable[[Replay, int], Replay] = _same_result


INTACT = Alteration()


def summed(weight: Array, eligibility: NDArray[Any]) -> Array:
    """dW of the batch from the weights of the trials and their traces."""
    return np.asarray(np.tensordot(weight, eligibility.astype(np.float64), 1), dtype=np.float64)


def altered(found: Replay, circuit: Circuit, alteration: Alteration, seed: int) -> Replay:
    """The replay as a mutant has it, compared with a circuit.

    Args:
        found: what was simulated.
        circuit: what it is compared with.
        alteration: what is done to it.
        seed: of what is drawn.
    """
    if found.circuit is circuit and alteration is INTACT:
        return found
    assert found.eligibility is not None
    gamma = alteration.gamma(circuit.gamma, seed)
    change = summed(gamma * circuit.weight, found.eligibility)
    changed = alteration.result(replace(found, circuit=circuit, batch_change=change), seed)
    assert changed.eligibility is not None
    return replace(changed, cosine=cosine(circuit.eligibility(), changed.eligibility))


def of_trials(found: Replay, order: NDArray[np.int64]) -> Replay:
    """What was measured in other trials."""
    assert found.eligibility is not None
    mixed = found.eligibility[order]
    change = summed(found.circuit.gamma * found.circuit.weight, mixed)
    return replace(
        found, rate=found.rate[order], V_basal=found.V_basal[order], V_apical=found.V_apical[order],
        V_soma=None if found.V_soma is None else found.V_soma[order], eligibility=mixed, batch_change=change,
    )  # fmt: skip


def of_synapses(found: Replay, change: Callable[[Array], Array]) -> Replay:
    """What the synapses hold, changed; `change` is linear over trials."""
    assert found.eligibility is not None
    e = change(found.eligibility.astype(np.float64))
    total = summed(found.circuit.gamma * found.circuit.weight, e)
    return replace(found, eligibility=e.astype(np.float32), batch_change=total)

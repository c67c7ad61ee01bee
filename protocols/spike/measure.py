"""What became of a network: its objective and its read-out on glances it never learnt from, with rates and with spikes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...models.spiking.loop import Glance, Loop, LoopNetwork, Seen, live, objective
from ...models.spiking.loop.wiring import Array
from ..readouts.fitted import ridge_read_out, standardise
from ..runs.streams import stream
from .glances import Pairs

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Numbers of one network.

    Attributes:
        objective: of every population, (populations,).
        accuracy: of a linear read-out of which object is seen, in per cent, by population.
        rate: mean z by population.
    """

    objective: Array
    accuracy: Array
    rate: Array

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"objective": self.objective.tolist(), "accuracy": self.accuracy.tolist(), "rate": self.rate.tolist()}


def with_rates(network: LoopNetwork, pairs: Pairs, seed: int) -> Measured:
    """The network run with rates."""
    scores = network.scores(pairs.before, pairs.now)
    return _measured(scores, network.rates(pairs.before), network.rates(pairs.now), pairs, network.margin, seed)


def with_spikes(network: LoopNetwork, pairs: Pairs, loop: Loop, seed: int) -> Measured:
    """The network run with spikes and frozen weights: every pair is two glances of a copy of its own."""
    rows = len(pairs.sign)
    shown = [
        Glance(pairs.before, -np.ones(rows), pairs.first),
        Glance(pairs.now, pairs.sign, pairs.second),
    ]
    seen: list[Seen] = []
    frozen = loop.but(eta_basal=0.0, eta_apical=0.0, cut="intact")
    live(network, shown, frozen, copies=rows, glances=2, seed=seed + 1, each=seen.append)
    first, second = seen
    return _measured(second.score, list(first.rate), list(second.rate), pairs, network.margin, seed)


def _measured(scores: Array, before: list[Array], now: list[Array], pairs: Pairs, margin: float, seed: int) -> Measured:
    accuracy = [_accuracy(a, b, pairs, seed) for a, b in zip(before, now, strict=True)]
    rate = [float(np.concatenate([a, b]).mean()) for a, b in zip(before, now, strict=True)]
    return Measured(objective(scores, pairs.sign, margin), np.array(accuracy), np.array(rate))


def _accuracy(before: Array, now: Array, pairs: Pairs, seed: int) -> float:
    """Fitted on one half of the pairs, tested on the other."""
    half = len(pairs.sign) // 2
    tensors = [
        torch.from_numpy(np.concatenate([before[part], now[part]])).float() for part in (slice(half), slice(half, None))
    ]
    labels = [
        torch.from_numpy(np.concatenate([pairs.first[part], pairs.second[part]]))
        for part in (slice(half), slice(half, None))
    ]
    if not tensors[0].std() > 0:
        return 100.0 * float((labels[1] == labels[0].mode().values).float().mean())
    train, test = standardise(*tensors)
    found = ridge_read_out(train, labels[0], test, labels[1], PENALTIES, generator=stream(seed, "spike-read-out"))
    return float(found.accuracy)


def irregularity(times: list[NDArray[np.float64]]) -> float:
    """Mean local variation of intervals between spikes, CV2 = 2 |I' - I| / (I' + I) of neighbours: 0 for a clock, 1 for Poisson.

    Holt et al. 1996, J Neurophysiol 75:1806; unlike the coefficient of variation it does not take changes of the rate for irregularity.

    Args:
        times: spike times of one neuron in one glance each, ms.
    """
    found = []
    for train in times:
        intervals = np.diff(train)
        found.append(2 * np.abs(np.diff(intervals)) / (intervals[1:] + intervals[:-1]))
    values = np.concatenate(found) if found else np.zeros(0)
    return float(values.mean()) if values.size else float("nan")

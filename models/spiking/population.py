"""The score of a whole population, and the same from spikes: what decides the neuromodulator.

    u = sum over all neurons j of z_j (B c)_j

runs over every neuron of the population, at every place. A circuit of thirty neurons at one place has a part of that sum which need not go
with the whole. Here all of them take part, without a soma: neurons with the rates of the rate network fire as Poisson processes, the context
too, and the tuft of each reads its apical potential from the context's spikes. Counts of Poisson processes vary more than those of the
spiking soma, so that this is the harder case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity import Contrast, LocalRule, Pairing
from ..errors import ModelError
from ..networks.network import Network
from .extract import _host, _sweep
from .lived import chosen_source, lived
from .neuron import unknown

Array = NDArray[np.float64]


@runtime_checkable
class WithContrast(Protocol):
    """A rule whose neuromodulator a contrast function makes of scores."""

    @property
    def contrast(self) -> Contrast:
        """The contrast function."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """All neurons of a population in the trials of a circuit.

    Attributes:
        rate: pooled rates of the glance seen, (trials, neurons).
        context: c, (trials, contexts).
        B: apical weights, (neurons, contexts).
        phase: 0 fixation, 1 saccade, (trials,).
        row: row of the batch whose fixation and saccade the trial is one of, (trials,).
        contrast: what makes neuromodulators of scores.
    """

    rate: Array
    context: Array
    B: Array
    phase: NDArray[np.int8]
    row: NDArray[np.int64]
    contrast: Contrast

    @property
    def score(self) -> Array:
        """u of the rate network, (trials,)."""
        total: Array = (self.rate * (self.context @ self.B.T)).sum(1)
        return total

    def modulators(self, score: Array) -> Array:
        """gamma of each trial from the scores of all; the other glance of its row is asked where the contrast needs both, (trials,)."""
        order = np.unique(self.row, return_inverse=True)[1]
        pair = np.zeros((2, int(order.max()) + 1))
        pair[self.phase, order] = score
        gamma = self.contrast.modulators(torch.from_numpy(pair[0]), torch.from_numpy(pair[1]))
        found: Array = np.stack([part.numpy() for part in gamma])[self.phase, order]
        return found

    def take(self, trials: slice) -> "Population":
        """The same with some of the trials."""
        cut: dict[str, Any] = {name: getattr(self, name)[trials] for name in ("rate", "context", "phase", "row")}
        return replace(self, **cut)


@torch.no_grad()
def population_of(
    network: Network,
    images: Tensor,
    pairing: Pairing | None,
    rule: LocalRule,
    *,
    population: str,
    source: str | None = None,
    trials: int | Sequence[int] | None = None,
    now: bool = False,
) -> Population:
    """All neurons of a population in the trials that `extract` cuts with the same arguments.

    Raises:
        ModelError: an unknown population or source, or a rule whose neuromodulator does not follow from that score.
    """
    if population not in network.names:
        raise unknown("population.name", population, network.names)
    wanted = chosen_source(rule, source, "population")
    if (lacks := unscored(rule)) is not None:
        raise ModelError(
            f"population.rule: expected one whose neuromodulator follows from the score of a trial, got {type(rule).__name__}, which has "
            f"{lacks}; choose another rule"
        )
    index = network.names.index(population)
    _, signals, factors = _sweep(network, index, images, pairing, rule)
    rows = lived(rule, wanted, signals, factors, trials, now=now)
    apical = signals.apical[wanted]
    projection = next(p for p in network.apical[wanted] if p.name == f"{population}.{wanted}")
    return Population(
        rate=_host(signals.rate.flatten(1))[rows.seen], context=_host(apical.context)[rows.context],
        B=_host(projection.weight), phase=rows.phase, row=rows.pair, contrast=cast(WithContrast, rule).contrast,
    )  # fmt: skip


def unscored(rule: LocalRule) -> str | None:
    """Why a neuromodulator of a rule cannot be had from the score z . e of single trials; None where it can."""
    needs = rule.needs
    if not needs.modulated:
        return "no neuromodulator"
    if not needs.sources:
        return "no apical potential that the rate is scored against"
    if needs.second != "apical":
        return "a score of its own"
    if needs.others or not needs.alone:
        return "a neuromodulator that compares several candidates at once"
    if not isinstance(rule, WithContrast):
        return "no contrast"
    return None


def spiking_scores(
    population: Population, *, pool: int = 10, duration: float = 500.0, seed: int = 0, rate: float = 80.0,
    percentile: float = 99.0, ceiling: float = 100.0,
) -> Array:  # fmt: skip
    """Scores from counted spikes, (trials,).

    Args:
        population: all neurons.
        pool: neurons per unit and per context neuron.
        duration: window, ms.
        seed: of the spikes.
        rate, percentile: the percentile of each side's rates is put at this rate, Hz.
        ceiling: a neuron fires at most so fast, Hz; the rest is added without noise, as a bias current would.

    Raises:
        ModelError: a population or context that is silent.
    """
    draws = np.random.default_rng(seed)
    sides = []
    for name, values in (("rate", population.rate), ("context", population.context)):
        top = float(np.percentile(values, percentile))
        if not top > 0:
            raise ModelError(
                f"population.{name}: expected a {percentile:g}th percentile above 0, got {top:.3g}; choose an active one"
            )
        unit = rate / top  # Hz
        shown = np.clip(values, 0, ceiling / unit)
        expected = pool * unit * duration * 1e-3
        sides.append(draws.poisson(shown * expected) / expected + values - shown)
    total: Array = (sides[0] * (sides[1] @ population.B.T)).sum(1)
    return total

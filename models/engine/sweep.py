"""Sweeps: feedforward (basal, rate) and feedback (apical), without autograd.

One step of a local rule, as a signal travels it:

    glances -> forward sweep: basal -> rate, bottom to top
            -> context: block-pooled rates, own or top
            -> apical potential e = B c
            -> rule: neuromodulator, drive, prediction
            -> outer products -> optimiser -> W, b, B
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ...plasticity import Apical, Factors, LocalRule, Pairing, Signals
from ..apical import ApicalProjection
from ..network import Network
from ..population import Activity, Population


def cast(population: Population, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Basal weights in the dtype of the sweep (no copy when it is the master's)."""
    return population.weight.to(dtype), population.bias.to(dtype)


def forward(
    population: Population,
    pre: Tensor,
    *,
    keep_basal: bool,
    plastic: bool = False,
    keep_potential: bool = False,
    pairing: Pairing | None = None,
) -> Activity:
    """Bottom-up activity of one population; the dtype of `pre` is the sweep's."""
    if population.relay is not None:
        pre = population.relay(pre, pairing, learning=plastic)
    weight, bias = cast(population, pre.dtype)
    return population.forward(pre, weight, bias, keep_basal=keep_basal, plastic=plastic, keep_potential=keep_potential)


def rates(network: Network, images: Tensor) -> list[Tensor]:
    """Rates of all populations, for read-outs."""
    found = []
    pre = images
    for population in network.populations:
        pre = forward(population, pre, keep_basal=False).rate
        found.append(pre)
    return found


def apical_sweep(projections: Mapping[str, ApicalProjection], contexts: Mapping[str, Tensor]) -> dict[str, Apical]:
    """Apical potential of one population for each of its context sources."""
    return {source: Apical(contexts[source], p.potential(contexts[source])) for source, p in projections.items()}


def local_factors(
    rule: LocalRule,
    projections: Mapping[str, ApicalProjection],
    pooled: Tensor,
    contexts: Mapping[str, Tensor],
    pairing: Pairing | None,
    *,
    label: Tensor | None = None,
    basal: Tensor | None = None,
    state: Mapping[str, Tensor] | None = None,
    position: int = 0,
) -> tuple[Signals, Factors]:
    """Apical sweep and rule of one population: everything that its synapses will be told."""
    signals = Signals(pooled, apical_sweep(projections, contexts), pairing, label, basal, state or {}, position)
    return signals, rule.factors(signals)

"""Sweeps: feedforward (basal, rate) and feedback (apical), without autograd.

One step of a local rule, as a signal travels it:

    glances -> forward sweep: basal -> rate, bottom to top
            -> context: block-pooled rates, own or top
            -> apical potential e = B c
            -> rule: neuromodulator, drive, prediction
            -> outer products -> optimiser -> W, b, B
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...plasticity import Apical, Factors, LocalRule, Pairing, Signals
from ..networks.in_blocks import BlockNetwork
from ..networks.network import Network
from ..populations.apical import ApicalProjection
from ..populations.conv import Activity, Population
from ..populations.residual import ResidualBlock


def cast(population: Population, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Basal weights in the dtype of the sweep (no copy when it is the master's)."""
    return population.weight.to(dtype), population.bias.to(dtype)


def forward(
    population: Population,
    pre: Tensor,
    *,
    keep_basal: bool,
    plastic: bool = False,
    learning: bool = False,
    keep_potential: bool = False,
    pairing: Pairing | None = None,
) -> Activity:
    """Bottom-up activity of one population.

    Args:
        population: the population.
        pre: rates of the population below, or the images; their dtype is the sweep's.
        keep_basal, keep_potential, plastic: what the result holds beside the rate, see the population's `forward`.
        learning: whether the relay's running statistics move, as in every step that changes weights.
        pairing: who follows whom.
    """
    if population.relay is not None:
        pre = population.relay(pre, pairing, learning=learning)
    weight, bias = cast(population, pre.dtype)
    if isinstance(population, ResidualBlock):  # the only one that normalises inside
        return population.forward(
            pre, weight, bias, keep_basal=keep_basal, plastic=plastic, keep_potential=keep_potential, learning=learning
        )
    return population.forward(pre, weight, bias, keep_basal=keep_basal, plastic=plastic, keep_potential=keep_potential)


def activities(
    network: Network | BlockNetwork,
    images: Tensor,
    *,
    keep_basal: bool = False,
    keep_potential: bool = False,
    learning: bool = False,
    pairing: Pairing | None = None,
) -> Iterator[Activity]:
    """Activity of every population from the bottom up, one at a time, so that the sweep can end early and nothing has to be kept.

    Args:
        network: of a network in blocks, which have no compartments, the map of each block is its rate.
        images: what is shown, (rows, channels, height, width), in the dtype of the weights.
        keep_basal, keep_potential, learning, pairing: see `forward`.
    """
    pre = images
    if isinstance(network, BlockNetwork):
        for rate in network.maps(images):
            yield Activity(pre, rate)
            pre = rate
        return
    for population in network.populations:
        activity = forward(
            population, pre, keep_basal=keep_basal, keep_potential=keep_potential, learning=learning, pairing=pairing
        )
        pre = activity.rate
        yield activity


def rates(network: Network | BlockNetwork, images: Tensor) -> list[Tensor]:
    """Rates of all populations, or features of all blocks, for read-outs."""
    if isinstance(network, BlockNetwork):
        return network.rates(images)
    return [activity.rate for activity in activities(network, images)]


@torch.no_grad()
def settle(network: Network | BlockNetwork, images: Tensor, rows: int = 100) -> None:
    """Move the running statistics of the relays (in blocks: of the normalisations), and nothing else: a network that never learned is then read at statistics of its own.

    Args:
        network: the network; its buffers change in place.
        images: what it is shown, (images, channels, height, width), normalised.
        rows: images per sweep, each of which moves the statistics once.
    """
    if isinstance(network, BlockNetwork):
        network.settle(images, rows)
        return
    if not network.follows:
        return
    for pre in images.split(rows):
        for population in network.populations:
            pre = forward(population, pre, keep_basal=False, learning=True).rate


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
    apical = apical_sweep(projections, contexts)
    if rule.needs.transport:
        apical = {s: replace(a, back=projections[s].back(pooled)) for s, a in apical.items()}
    signals = Signals(pooled, apical, pairing, label, basal, state or {}, position)
    return signals, rule.factors(signals)

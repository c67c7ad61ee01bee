"""Cutting a circuit out of a network, with the engine's own sweeps: its factors are the engine's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity import ClappPP, Factors, Pairing, Signals
from ..engine.sweep import activities, local_factors
from ..errors import ModelError
from ..networks.contexts import awaited, whose
from ..networks.network import Network
from ..populations import geometry
from ..populations.conv import Activity, ConvPopulation, Population
from ..populations.transfer import RELU
from .circuit import Circuit
from .neuron import unknown
from .selection import Trials, channels_of, place_of


@torch.no_grad()
def extract(
    network: Network,
    images: Tensor,
    pairing: Pairing,
    rule: ClappPP,
    *,
    population: str,
    units: int | Sequence[int] = 30,
    position: tuple[int, int] | None = None,
    source: str | None = None,
    mass: float = 0.95,
    trials: int | Sequence[int] | None = None,
    seed: int = 0,
    now: bool = False,
) -> Circuit:
    """Cut a circuit out of a network and let it see a batch of glances.

    A circuit sits at one place of the map, so that all its neurons share their inputs; what it sees there and whom it speaks to is the
    population's own geometry (`populations/geometry.py`). In a population with a pool the place is on the map *before* it: the neurons are
    the real ones with their fixed receptive field, and `Circuit.winner` says in which trials each wins its window of a max-pool, the only
    ones in which the rule changes it. (Following the winner instead would give every unit other inputs in every trial: no circuit has such
    wiring.) Behind a mean pool all neurons change. A neuron takes the apical row of its grid cell, and the drive, which the neurons of the
    cell share, is divided by the block's area, and by that of the window of a mean pool, in `Circuit.weight`.

    Args:
        network: wired network; its sweep runs in the dtype of its weights.
        images: both glances of every object, (rows, channels, height, width).
        pairing: who follows whom.
        rule: gives neuromodulators and predictions.
        population: name.
        units: number of channels (drawn with `seed`; all, where there are fewer), or the channels themselves.
        position: (row, col) of a convolutional population on its map before the pool; None for the centre, or the place nearest to it whose
            neurons have one apical row each.
        source: one of the rule's; None for the rule's first.
        mass: share of the summed |weights| that spikes carry; the other inputs and contexts become bias currents, trial by trial, so
            that every potential stays exact.
        trials: the first n trials or their indices, in the order row 0 fixation, row 0 saccade, row 1 ...; None for all.
        seed: of the draw of units.
        now: a control: the context is that of the glance now seen, in place of the glance before that a memory would have to hold.
            Neuromodulator and score stay those of the rule.

    Raises:
        ModelError: an unknown name, a place outside the map, or what no circuit can carry: another transfer function than ReLU, neurons with
            several sets of weights (areas) or several apical rows (overlapping windows), pre-synaptic activity that is no rate.
    """
    if population not in network.names:
        raise unknown("circuit.population", population, network.names)
    wanted = rule.needs.sources[0] if source is None else source
    if wanted not in rule.needs.sources:
        raise unknown("circuit.source", wanted, rule.needs.sources)
    if not 0 < mass <= 1:
        raise ModelError(f"circuit.mass: expected a share above 0 and up to 1, got {mass!r}; 0.95 keeps most")
    index = network.names.index(population)
    cell = network.populations[index]
    _check_transfer(network, cell)
    place, channels = place_of(cell, position), channels_of(cell, units, seed)
    synapses = geometry.afferents(cell, place)
    activity, signals, factors = _sweep(network, index, images, pairing, rule)
    rows = Trials(pairing, factors.phases[wanted], trials, now=now)
    chosen = torch.from_numpy(channels)
    ((grid_cell, through),) = geometry.cells(cell, place).items()
    weight = _host(geometry.weights_of(cell, chosen, synapses.weights))
    patch = _host(activity.pre.flatten(1)[:, synapses.inputs])
    basal = patch @ weight.T + _host(cell.bias[chosen])
    won = _host(geometry.voices(cell, activity, chosen, place, through))
    apical = signals.apical[wanted]
    line = geometry.apical_rows(cell, chosen, grid_cell)
    projection = next(p for p in network.apical[wanted] if p.name == f"{population}.{wanted}")
    B, context = _host(projection.weight[line]), _host(apical.context)[rows.context]
    prediction = _host(apical.potential[:, line])[rows.context]
    kept, contexts = _heaviest(weight, mass), _heaviest(B, mass)
    seen, z = rows.seen, patch[rows.seen]
    _check_rates(network, index, z[:, kept])
    _check_context(network, whose(wanted, index, len(network.populations)), context[:, contexts])
    map_shape = geometry.map_of(cell.neurons)
    return Circuit(
        name=population, source=wanted, map_shape=map_shape,
        position=place if isinstance(cell, ConvPopulation) else None,
        units=(channels * map_shape[1] + place[0]) * map_shape[2] + place[1],
        inputs=synapses.inputs.numpy()[kept], synapses=synapses.weights.numpy()[kept], contexts=contexts,
        W=weight[:, kept], B=B[:, contexts],
        bias=basal[seen] - z[:, kept] @ weight[:, kept].T, z_pre=z[:, kept],
        context=context[:, contexts], apical_bias=prediction - context[:, contexts] @ B[:, contexts].T,
        basal=basal[seen], rate=np.maximum(basal[seen], 0), prediction=prediction,
        gate=(basal[seen] > 0).astype(np.float64), winner=won[seen], gamma=rows.gamma,
        weight=rows.weight * geometry.share(cell), phase=rows.phase, score=rows.score, context_row=rows.context, seen_row=seen,
    )  # fmt: skip


def _check_transfer(network: Network, cell: Population) -> None:
    if cell.transfer != RELU:
        fitting = [p.name for p in network.populations if p.transfer == RELU]
        remedy = f"choose {' or '.join(fitting)}" if fitting else "no population of this network has it"
        raise ModelError(
            f"{cell.name}.transfer: expected relu, the rate of a neuron that spikes, got {cell.transfer.name}; {remedy}"
        )


def _check_rates(network: Network, index: int, z: NDArray[np.float64]) -> None:
    """Name the part of the network that lets rates fall below 0; what is left to the circuit are pixels."""
    cell, least = network.populations[index], z.min(initial=0)
    if least < 0 and cell.relay is not None:
        raise ModelError(
            f"{cell.name}.relay: expected one that hands on rates of at least 0, got {least:.3g} from {type(cell.relay).__name__}, which "
            "centres them; no neuron fires so, and a circuit needs a population without it"
        )
    if least < 0 and index:
        below = network.populations[index - 1]
        raise ModelError(
            f"{below.name}.transfer: expected rates of at least 0 below {cell.name}, got {least:.3g} by {below.transfer.name}; "
            "choose a population above one with relu"
        )


def _check_context(network: Network, index: int, context: NDArray[np.float64]) -> None:
    cell, least = network.populations[index], context.min(initial=0)
    if least < 0:
        raise ModelError(
            f"{cell.name}.transfer: expected a context of rates of at least 0, got {least:.3g} by {cell.transfer.name}; "
            "choose another source"
        )


def _sweep(
    network: Network, index: int, images: Tensor, pairing: Pairing, rule: ClappPP
) -> tuple[Activity, Signals, Factors]:
    """Activity, signals and factors of one population, as the engine computes them."""
    dtype = network.populations[index].weight.dtype
    pairing = pairing.to(images.device, dtype)
    sources, count = rule.needs.sources, len(network.populations)
    found: Activity | None = None
    rates = []
    with _statistics_kept(network):
        sweep = activities(network, images.to(dtype), learning=True, pairing=pairing)
        for i, activity in enumerate(islice(sweep, awaited(sources, index, count) + 1)):
            found = activity if i == index else found
            rates.append(network.populations[i].pooled(activity.rate))
    assert found is not None
    pooled = rates[index]
    contexts = {source: rates[whose(source, index, count)] for source in sources}
    projections = {source: network.apical[source][index] for source in rule.needs.sources}
    return found, *local_factors(rule, projections, pooled, contexts, pairing)


@contextmanager
def _statistics_kept(network: Network) -> Iterator[None]:
    """Relays see the glances as in a step that learns; their running statistics stay as they were."""
    buffers = [b for cell in network.populations if cell.relay is not None for b in cell.relay.buffers.values()]
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)


def _heaviest(weights: NDArray[np.float64], mass: float) -> NDArray[np.int64]:
    """Columns that hold `mass` of the summed |weights|, in their order."""
    load = np.abs(weights).sum(0)
    order = np.argsort(-load, kind="stable")
    reached = np.cumsum(load[order])
    count = int(np.searchsorted(reached, mass * reached[-1] * (1 - 1e-12))) + 1
    return np.sort(order[: min(count, len(order))])


def _host(tensor: Tensor) -> NDArray[np.float64]:
    array: NDArray[np.float64] = tensor.detach().double().cpu().numpy()
    return array

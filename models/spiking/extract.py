"""Cutting a circuit out of a network, with the engine's own sweeps: its factors are the engine's."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity import ClappPP, Factors, Pairing, Signals
from ..engine.sweep import forward, local_factors
from ..errors import ModelError
from ..networks.contexts import awaited, whose
from ..networks.network import Network
from ..populations.conv import Activity, ConvPopulation, Population
from ..populations.transfer import RELU
from .circuit import Circuit
from .neuron import unknown

KERNEL = 3


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
) -> Circuit:
    """Cut a circuit out of a network and let it see a batch of glances.

    A circuit sits at one place of the map, so that all its neurons share their inputs. In a population with max-pool the place is on the
    map *before* the pool: the neurons are the real ones with their fixed receptive field, and `Circuit.winner` says in which trials
    each is the winner of its 2x2 group, the only one that the rule changes. (Following the winner instead would give every unit other
    inputs in every trial: no circuit has such wiring.) A neuron of a pooled block takes the apical row of its grid cell, and the drive,
    which the cell shares, is divided by the block's area in `Circuit.weight`.

    Args:
        network: wired network; its sweep runs in the dtype of its weights.
        images: both glances of every object, (rows, channels, height, width).
        pairing: who follows whom.
        rule: gives neuromodulators and predictions.
        population: name.
        units: number of channels (drawn with `seed`; all, where there are fewer), or the channels themselves.
        position: (row, col) of a convolutional population on its map before the max-pool; None for the centre.
        source: one of the rule's; None for the rule's first.
        mass: share of the summed |weights| that spikes carry; the other inputs and contexts become bias currents, trial by trial, so
            that every potential stays exact.
        trials: the first n trials or their indices, in the order row 0 fixation, row 0 saccade, row 1 ...; None for all.
        seed: of the draw of units.

    Raises:
        ModelError: an unknown name, a place outside the map, or pre-synaptic activity that is no rate.
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
    if cell.transfer is not RELU:
        raise ModelError(f"{population}.transfer: expected relu, got {cell.transfer.name}; spikes carry rates above 0")
    activity, signals, factors = _sweep(network, index, images, pairing, rule)
    place = _place(cell, position)
    channels = _channels(cell, units, seed)
    rows = _Rows(pairing, factors.phases[wanted], trials)
    weight, offset, patch, inputs = _afferents(cell, activity, channels, place)
    basal = patch @ weight.T + offset
    won = _winners(cell, activity, channels, place)
    apical = signals.apical[wanted]
    line = _apical_rows(cell, channels, place)
    projection = next(p for p in network.apical[wanted] if p.name == f"{population}.{wanted}")
    B, context = _host(projection.weight[line]), _host(apical.context)[rows.context]
    prediction = _host(apical.potential[:, line])[rows.context]
    kept, contexts = _heaviest(weight, mass), _heaviest(B, mass)
    seen, z = rows.seen, patch[rows.seen]
    height, width = _side(cell)
    return Circuit(
        name=population, source=wanted, map_shape=(cell.shape[0], height, width),
        position=place if isinstance(cell, ConvPopulation) else None,
        units=(channels * height + place[0]) * width + place[1],
        inputs=inputs[kept], contexts=contexts, W=weight[:, kept], B=B[:, contexts],
        bias=basal[seen] - z[:, kept] @ weight[:, kept].T, z_pre=z[:, kept],
        context=context[:, contexts], apical_bias=prediction - context[:, contexts] @ B[:, contexts].T,
        basal=basal[seen], rate=np.maximum(basal[seen], 0), prediction=prediction,
        gate=(basal[seen] > 0).astype(np.float64), winner=won[seen], gamma=rows.gamma,
        weight=rows.weight / _area(cell), phase=rows.phase, score=rows.score, context_row=rows.context, seen_row=seen,
    )  # fmt: skip


class _Rows:
    """Trials as rows of the batch: fixation and saccade of a row side by side, as they would be lived."""

    def __init__(self, pairing: Pairing, phase: Any, trials: int | Sequence[int] | None) -> None:
        def both(first: Tensor, second: Tensor) -> NDArray[Any]:
            return torch.stack([first, second], 1).flatten().cpu().numpy()

        weight = both(pairing.fixation_weight, pairing.saccade_weight).astype(np.float64)
        lived = np.flatnonzero(weight > 0)  # with `either`, a row makes only one of the two
        chosen = lived[_chosen(trials, len(lived))]
        self.weight = weight[chosen]
        self.context = (chosen // 2).astype(np.int64)
        self.phase = (chosen % 2).astype(np.int8)
        self.seen = both(pairing.fixation, pairing.saccade)[chosen].astype(np.int64)
        self.gamma = both(phase.gamma_fixation, phase.gamma_saccade)[chosen].astype(np.float64)
        self.score = both(phase.score_fixation, phase.score_saccade)[chosen].astype(np.float64)


def _chosen(trials: int | Sequence[int] | None, total: int) -> NDArray[np.int64]:
    if trials is None:
        return np.arange(total)
    index = np.arange(trials) if isinstance(trials, int) else np.asarray(trials, dtype=np.int64)
    if not index.size or index.min() < 0 or index.max() >= total:
        got = trials if isinstance(trials, int) else list(trials)[:6]
        raise ModelError(f"circuit.trials: expected 1 to {total} trials of this batch, got {got}; show more glances")
    return index


def _sweep(
    network: Network, index: int, images: Tensor, pairing: Pairing, rule: ClappPP
) -> tuple[Activity, Signals, Factors]:
    """Activity, signals and factors of one population, as the engine computes them."""
    dtype = network.populations[index].weight.dtype
    pre = images.to(dtype)
    sources, count = rule.needs.sources, len(network.populations)
    found: Activity | None = None
    rates = []
    for i in range(awaited(sources, index, count) + 1):
        activity = forward(network.populations[i], pre, keep_basal=False)
        found = activity if i == index else found
        pre = activity.rate
        rates.append(network.populations[i].pooled(pre))
    assert found is not None
    pooled = rates[index]
    contexts = {source: rates[whose(source, index, count)] for source in sources}
    projections = {source: network.apical[source][index] for source in rule.needs.sources}
    return found, *local_factors(rule, projections, pooled, contexts, pairing.to(images.device, dtype))


def _side(cell: Population) -> tuple[int, int]:
    """Height and width of the neurons' map, before the max-pool."""
    if not isinstance(cell, ConvPopulation):
        return 1, 1
    factor = 2 if cell.pool else 1
    return cell.shape[1] * factor, cell.shape[2] * factor


def _place(cell: Population, position: tuple[int, int] | None) -> tuple[int, int]:
    height, width = _side(cell)
    if position is None:
        return height // 2, width // 2
    if not isinstance(cell, ConvPopulation):
        raise ModelError(f"circuit.position: expected None for {cell.name}, which has no map, got {position}; drop it")
    row, col = position
    if not (0 <= row < height and 0 <= col < width):
        raise ModelError(
            f"circuit.position: expected a place on the {height} x {width} map of {cell.name} (before its max-pool), "
            f"got {position}; choose row and column inside"
        )
    return int(row), int(col)


def _channels(cell: Population, units: int | Sequence[int], seed: int) -> NDArray[np.int64]:
    total = cell.shape[0]
    if isinstance(units, int):
        if units < 1:
            raise ModelError(f"circuit.units: expected at least 1, got {units}; 30 are usual")
        return np.sort(np.random.default_rng(seed).choice(total, size=min(units, total), replace=False))
    chosen = np.asarray(units, dtype=np.int64)
    if not chosen.size or chosen.min() < 0 or chosen.max() >= total or len(set(chosen.tolist())) != len(chosen):
        raise ModelError(
            f"circuit.units: expected different channels from 0 to {total - 1} of {cell.name}, got {list(units)[:6]}"
            "; correct them"
        )
    return chosen


def _afferents(
    cell: Population, activity: Activity, channels: NDArray[np.int64], place: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Weights (units, inputs), b (units,), rates of the inputs (rows, inputs) and their flat positions; inputs outside the map dropped."""
    pre = activity.pre
    offset = _host(cell.bias[channels])
    if not isinstance(cell, ConvPopulation):
        rates = _host(pre.flatten(1))
        return _host(cell.weight[channels]), offset, rates, np.arange(rates.shape[1])
    depth, height, width = pre.shape[1:]
    window = F.pad(pre, (1, 1, 1, 1))[:, :, place[0] : place[0] + KERNEL, place[1] : place[1] + KERNEL]
    rates = _host(window.permute(0, 2, 3, 1).flatten(1))  # kernel row, kernel column, input channel
    weight = _host(cell.weight[channels].permute(0, 2, 3, 1).flatten(1))
    row, col, channel = np.unravel_index(np.arange(rates.shape[1]), (KERNEL, KERNEL, depth))
    row, col = row + place[0] - 1, col + place[1] - 1
    inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
    flat = (channel * height + row) * width + col
    return weight[:, inside], offset, rates[:, inside], flat[inside].astype(np.int64)


def _winners(
    cell: Population, activity: Activity, channels: NDArray[np.int64], place: tuple[int, int]
) -> NDArray[np.float64]:
    if activity.winner is None:
        return np.ones((len(activity.pre), len(channels)))
    width = _side(cell)[1]
    won = activity.winner[:, channels, place[0] // 2, place[1] // 2] == place[0] * width + place[1]
    return _host(won)


def _apical_rows(cell: Population, channels: NDArray[np.int64], place: tuple[int, int]) -> NDArray[np.int64]:
    """Rows of B: all neurons of a pooled block share one."""
    if not isinstance(cell, ConvPopulation):
        return channels
    row, col = (place[0] // 2, place[1] // 2) if cell.pool else place
    high, wide = cell.block
    return (channels * cell.grid + row // high) * cell.grid + col // wide


def _area(cell: Population) -> int:
    return cell.block[0] * cell.block[1] if isinstance(cell, ConvPopulation) else 1


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

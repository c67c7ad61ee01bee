"""Where a neuron sits: what it sees, through which windows of the pool it is read, whose apical row it takes, and what a change there is a change of.

A *place* is (row, col) on the map of neurons before any pool, (0, 0) in a dense population; all channels of a place share their inputs.
With the drive D of every apical row, the factor of a neuron is

    factor = rho'(a) * share * sum over the windows w that it speaks through of D[row of w]

and its change dW = factor * (rates of its afferents). Everything is read off the population: kernel, rim, pool, grid and weights are its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ModelError
from .activity import Activity
from .areas import AreaPopulation
from .conv import ConvPopulation, Population
from .patches import pad

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Afferents:
    """Synapses of the neurons at one place, int64 (synapses,) each; kernel places are the slow index, incoming channels the fast one.

    Attributes:
        inputs: flat position of each input in the map that enters. A mirrored rim shows an input twice: these are two synapses.
        weights: flat position of each synapse in the weights of a neuron.
    """

    inputs: Tensor
    weights: Tensor


def map_of(shape: Sequence[int]) -> tuple[int, int, int]:
    """(channels, height, width) of a population's `shape` or `neurons`; dense ones sit at one place."""
    channels, height, width = shape if len(shape) == 3 else (shape[0], 1, 1)
    return channels, height, width


def places(population: Population) -> list[Place]:
    """Every place, the nearest to the centre of the map first."""
    _, height, width = map_of(population.neurons)
    centre = height // 2, width // 2
    every = [(row, col) for row in range(height) for col in range(width)]
    return sorted(every, key=lambda place: (place[0] - centre[0]) ** 2 + (place[1] - centre[1]) ** 2)


def afferents(population: Population, place: Place) -> Afferents:
    """What the neurons at a place see; a rim of zeros is no input.

    Raises:
        ModelError: a population divided into areas, whose neurons have other weights from row to row.
    """
    if not isinstance(population, ConvPopulation):
        _check_undivided(population)
        every = torch.arange(population.weight.shape[1])
        return Afferents(every, every)
    depth, height, width = population.inputs
    # the population's own rim around the numbers of the places: 0 where the rim is of zeros
    numbers = torch.arange(1, height * width + 1, dtype=torch.float64).view(1, 1, height, width)
    rimmed = pad(numbers, population.padding, population.padding_mode)[0, 0].long()
    high, wide = population.kernel
    top, left = place[0] * population.stride, place[1] * population.stride
    seen = rimmed[top : top + high, left : left + wide].flatten()
    within = seen.nonzero()
    channel = torch.arange(depth)
    inputs = channel * (height * width) + seen[within] - 1
    return Afferents(inputs.flatten(), (channel * (high * wide) + within).flatten())


def weights_of(population: Population, channels: Tensor, synapses: Tensor) -> Tensor:
    """Weights of synapses, (channels, synapses).

    Args:
        population: without areas.
        channels: int64 (channels,).
        synapses: flat positions in the weights of a neuron, int64 (synapses,), see `Afferents.weights`.
    """
    return population.weight[_synapses(population, channels, synapses)]


def add_change(population: Population, channels: Tensor, synapses: Tensor, change: Tensor) -> None:
    """Add a change of synapses, (channels, synapses), to the weights: in a convolution every place shares it.

    Arguments as in `weights_of`; no synapse may be named twice.
    """
    population.weight[_synapses(population, channels, synapses)] += change.to(population.weight)


def _synapses(population: Population, channels: Tensor, synapses: Tensor) -> tuple[Tensor, ...]:
    _check_undivided(population)
    return channels[:, None], *(i[None] for i in torch.unravel_index(synapses, population.weight.shape[1:]))


def _check_undivided(population: Population) -> None:
    if isinstance(population, AreaPopulation):
        raise ModelError(
            f"{population.name}.areas: expected a population whose neurons have one set of weights, got {population.areas} areas, "
            "of which every row chooses its own; use a population without areas"
        )


def windows(population: Population, place: Place) -> list[Place]:
    """Places of the pooled map that read this one: one without a pool, several where windows overlap, none in a gap between them."""
    if not isinstance(population, ConvPopulation) or population.pooling is None:
        return [place]
    pooling = population.pooling
    found = []
    for at, side in zip(place, population.shape[1:], strict=True):
        last = (at + pooling.padding) // pooling.stride
        first = -((pooling.kernel - 1 - at - pooling.padding) // pooling.stride)
        found.append(range(max(first, 0), min(last, side - 1) + 1))
    return [(row, col) for row in found[0] for col in found[1]]


def competes(population: Population) -> bool:
    """Whether a window is read through its winner alone."""
    pooling = population.pooling if isinstance(population, ConvPopulation) else None
    return pooling is not None and pooling.kind == "max"


def voices(
    population: Population, activity: Activity, channels: Tensor, place: Place, through: Sequence[Place]
) -> Tensor:
    """Through how many of these windows each neuron at a place speaks, in the dtype of the rate, (rows, channels): of a max-pool the windows that it wins.

    Args:
        population: the population.
        activity: from its sweep.
        channels: int64 (channels,).
        place: on the map before the pool.
        through: windows, see `windows`.
    """
    rate = activity.rate
    if activity.winner is None:
        return rate.new_full((len(rate), len(channels)), len(through))
    here = place[0] * map_of(population.neurons)[2] + place[1]
    found = rate.new_zeros(len(rate), len(channels))
    for row, col in through:
        found += activity.winner[:, channels, row, col] == here
    return found


def share(population: Population) -> float:
    """Part of the drive of an apical row that a neuron receives through one window: the means over a block and over a window divide it."""
    if not isinstance(population, ConvPopulation):
        return 1.0
    high, wide = population.block
    pooling = population.pooling
    return 1 / (high * wide * (pooling.kernel**2 if pooling is not None and pooling.kind == "avg" else 1))


def cells(population: Population, place: Place) -> dict[int, list[Place]]:
    """Windows of a place by the cell of the grid in which they lie; neurons of one cell share an apical row per channel."""
    found: dict[int, list[Place]] = {}
    for row, col in windows(population, place):
        found.setdefault(int(_cell(population, torch.tensor(row), torch.tensor(col))), []).append((row, col))
    return found


def apical_rows(population: Population, channels: Tensor, cell: int | Tensor) -> Tensor:
    """Apical row of each channel, int64 (channels,), in a cell of the grid, see `cells`."""
    return channels * _grid(population) ** 2 + cell


def apical_units(population: Population, units: Tensor, dendrites: int) -> Tensor:
    """Apical row of neurons of the pooled map: their block's, or where every one has a dendrite of its own, that.

    Args:
        population: the population.
        units: flat positions in `population.shape`, int64.
        dendrites: number of apical rows.
    """
    if dendrites == math.prod(population.shape):
        return units
    channel, row, col = torch.unravel_index(units, map_of(population.shape))
    return apical_rows(population, channel, _cell(population, row, col))


def _cell(population: Population, row: Tensor, col: Tensor) -> Tensor:
    high, wide = population.block if isinstance(population, ConvPopulation) else (1, 1)
    return row // high * _grid(population) + col // wide


def _grid(population: Population) -> int:
    return population.grid if isinstance(population, ConvPopulation) else 1

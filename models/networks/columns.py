"""Convolutional and fully connected populations in one column.

`vgg6` is the network of arXiv 2601.21683: 128 | 256 M | 256 | 512 M | 1024 M | 1024 M, 3x3 convolutions with bias, ReLU, no batch norm.
"""

import math
from collections.abc import Sequence

import torch

from ..errors import ModelError
from ..populations.conv import ConvPopulation, DensePopulation, Population
from ..populations.transfer import RELU, Transfer
from .initial import uniform
from .network import Network

# number of channels and whether a max-pool follows
VGG6: tuple[tuple[int, bool], ...] = ((128, False), (256, True), (256, False), (512, True), (1024, True), (1024, True))


# the convolutions of VGG-11, as in LPL (Halvagal & Zenke 2023)
VGG11: tuple[tuple[int, bool], ...] = (
    (64, True), (128, True), (256, False), (256, True), (512, False), (512, True), (512, False), (512, True),
)  # fmt: skip


def conv_network(
    shape: tuple[int, int, int],
    blocks: Sequence[tuple[int, bool]],
    grids: Sequence[int],
    *,
    generator: torch.Generator,
    transfer: Transfer = RELU,
) -> Network:
    """A column of convolutional populations conv1, conv2, ...

    Args:
        shape: input shape (channels, height, width).
        blocks: per population its channels and whether it ends with a max-pool.
        grids: per population the side of the block-pooled map.
        generator: CPU generator of the initial weights.
        transfer: rho of all populations.

    Raises:
        ModelError: as many grids as blocks are needed; a map does not divide.
    """
    if len(grids) != len(blocks):
        raise ModelError(
            f"network.grids: expected {len(blocks)} numbers, one per population, got {len(grids)}; change rule.grids"
        )
    populations: list[Population] = []
    inputs = shape
    for i, ((channels, pool), grid) in enumerate(zip(blocks, grids, strict=True), start=1):
        fan_in = inputs[0] * 9
        population = ConvPopulation(
            f"conv{i}", inputs, channels, pool=pool, grid=grid, transfer=transfer,
            weight=uniform((channels, inputs[0], 3, 3), fan_in, generator),
            bias=uniform((channels,), fan_in, generator),
        )  # fmt: skip
        populations.append(population)
        inputs = (population.shape[0], population.shape[1], population.shape[2])
    return Network(shape, populations)


def vgg6(
    shape: tuple[int, int, int], grids: Sequence[int], *, generator: torch.Generator, width: float = 1.0
) -> Network:
    """The VGG-6 of the paper, channels scaled by `width`.

    Raises:
        ModelError: a width that leaves a population without neurons.
    """
    return conv_network(shape, _narrowed(VGG6, width), grids, generator=generator)


def vgg11(
    shape: tuple[int, int, int], grids: Sequence[int], *, generator: torch.Generator, width: float = 1.0
) -> Network:
    """The eight convolutions of VGG-11 without batch norm: 64 M | 128 M | 256 | 256 M | 512 | 512 M | 512 | 512 M, scaled by `width`.

    Raises:
        ModelError: a width that leaves a population without neurons, or an image that five max-pools do not divide.
    """
    return conv_network(shape, _narrowed(VGG11, width), grids, generator=generator)


def _narrowed(blocks: Sequence[tuple[int, bool]], width: float) -> list[tuple[int, bool]]:
    least = min(channels for channels, _ in blocks)
    if not (math.isfinite(width) and width > 0) or round(least * width) < 1:
        raise ModelError(f"network.width: expected at least {1 / least}, got {width!r}; 1.0 is the paper's network")
    return [(max(1, round(channels * width)), pool) for channels, pool in blocks]


def mlp(
    shape: tuple[int, int, int], hidden: Sequence[int], *, generator: torch.Generator, transfer: Transfer = RELU
) -> Network:
    """Fully connected populations dense1, dense2, ... on the flattened image."""
    populations: list[Population] = []
    fan_in = math.prod(shape)
    for i, units in enumerate(hidden, start=1):
        weight, bias = uniform((units, fan_in), fan_in, generator), uniform((units,), fan_in, generator)
        populations.append(DensePopulation(f"dense{i}", units, weight=weight, bias=bias, transfer=transfer))
        fan_in = units
    return Network(shape, populations)

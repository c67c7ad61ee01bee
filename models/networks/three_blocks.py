"""Two columns of three wide blocks on small images: 5x5 | 3x3 | 3x3 kernels, 96 | 384 | 1536 channels, mirrored rims.

`softhebb`: Journé et al. 2023, ICLR, arXiv 2209.11883 (the network for CIFAR-10). `scff`: Chen et al. 2025, Nature Communications 16:5978.
They differ in the transfer functions, and in how weights begin.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ModelError
from ..populations.conv import ConvPopulation, Population
from ..populations.pooling import Pooling
from ..populations.transfer import RELU, Transfer, triangle
from .initial import normal
from .network import Network


@dataclass(frozen=True, slots=True)
class Block:
    """Channels at width 1, side of the kernel, transfer function, pool."""

    channels: int
    kernel: int
    transfer: Transfer
    pool: Pooling


OVERLAPPING, MEAN = Pooling("max", 4, 2, 1), Pooling("avg", 2, 2)
SOFTHEBB = (
    Block(96, 5, triangle(0.7), OVERLAPPING),
    Block(384, 3, triangle(1.4), OVERLAPPING),
    Block(1536, 3, triangle(1.0), MEAN),
)
SCFF = (
    Block(96, 5, triangle(1.0), OVERLAPPING),
    Block(384, 3, triangle(1.0), OVERLAPPING),
    Block(1536, 3, RELU, MEAN),
)
Start = Callable[[tuple[int, int, int, int]], tuple[Tensor, Tensor]]


def softhebb(
    shape: tuple[int, int, int],
    grids: Sequence[int],
    *,
    generator: torch.Generator,
    width: float = 1.0,
    radius: float = 25.0,
) -> Network:
    """The SoftHebb network for CIFAR-10, channels scaled by `width`; biases are zero.

    Args:
        shape: input shape (channels, height, width).
        grids: per population the side of the block-pooled map.
        generator: CPU generator of the initial weights, normal.
        width: factor on the channels.
        radius: expected length of an initial kernel.

    Raises:
        ModelError: a width without channels, a radius that is not above 0, or a map that does not divide.
    """
    if not (math.isfinite(radius) and radius > 0):
        raise ModelError(f"network.radius: expected a finite number above 0, got {radius!r}; the paper's is 25")

    def start(size: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
        return normal(size, radius, generator), torch.zeros(size[0])

    return _column(shape, SOFTHEBB, grids, width, start)


def scff(
    shape: tuple[int, int, int], grids: Sequence[int], *, generator: torch.Generator, width: float = 1.0
) -> Network:
    """The SCFF network for CIFAR-10, channels scaled by `width`; weights uniform after Xavier.

    Raises:
        ModelError: a width without channels, or a map that does not divide.
    """

    def start(size: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
        channels, inputs, kernel, _ = size
        bound, rest = math.sqrt(6 / ((channels + inputs) * kernel**2)), 1 / math.sqrt(inputs * kernel**2)
        weight = torch.empty(size).uniform_(-bound, bound, generator=generator)
        return weight, torch.empty(channels).uniform_(-rest, rest, generator=generator)

    return _column(shape, SCFF, grids, width, start)


def _column(
    shape: tuple[int, int, int], blocks: Sequence[Block], grids: Sequence[int], width: float, start: Start
) -> Network:
    if not (math.isfinite(width) and round(blocks[0].channels * width) >= 1):
        least = 1 / blocks[0].channels
        raise ModelError(f"network.width: expected at least {least:.3g}, got {width!r}; 1.0 is the paper's network")
    if len(grids) != len(blocks):
        raise ModelError(
            f"network.grids: expected {len(blocks)} numbers, one per population, got {len(grids)}; change rule.grids"
        )
    populations: list[Population] = []
    inputs = shape
    for i, (block, grid) in enumerate(zip(blocks, grids, strict=True), start=1):
        channels = round(block.channels * width)
        weight, bias = start((channels, inputs[0], block.kernel, block.kernel))
        population = ConvPopulation(
            f"conv{i}", inputs, channels, pool=block.pool, grid=grid, weight=weight, bias=bias, transfer=block.transfer,
            padding_mode="reflect",
        )  # fmt: skip
        populations.append(population)
        inputs = (population.shape[0], population.shape[1], population.shape[2])
    return Network(shape, populations)

"""Convolutional and fully connected populations in one column.

`vgg6` is the network of arXiv 2601.21683: 128 | 256 M | 256 | 512 M | 1024 M | 1024 M, 3x3 convolutions with bias, ReLU, no batch norm.
"""

import math
from collections.abc import Sequence

import torch

from ..errors import ModelError
from ..populations.conv import ConvPopulation, DensePopulation, Population
from ..populations.transfer import RELU, Transfer
from .initial import drawn, uniform
from .network import Network
from .transfers import transfer as transfer_by

STARTS = ("uniform", "normal")
# number of channels and whether a max-pool follows
VGG6: tuple[tuple[int, bool], ...] = ((128, False), (256, True), (256, False), (512, True), (1024, True), (1024, True))


# what the paper trains on ImageNet
VGG8: tuple[tuple[int, bool], ...] = (
    (128, False), (256, True), (512, True), (512, False), (1024, True), (1024, True), (1024, False), (1024, True),
)  # fmt: skip
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
    radius: float | None = None,
    bias: bool = True,
) -> Network:
    """A column of convolutional populations conv1, conv2, ...

    Args:
        shape: input shape (channels, height, width).
        blocks: per population its channels and whether it ends with a max-pool.
        grids: per population the side of the block-pooled map.
        generator: CPU generator of the initial weights.
        transfer: rho of all populations.
        radius: expected length of an initial kernel, whose weights are then normal; None for uniform ones within 1/sqrt(fan-in).
        bias: whether neurons have one that learns; without, it is zero throughout.

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
        weight, biases = drawn((channels, inputs[0], 3, 3), generator, radius=radius, bias=bias)
        population = ConvPopulation(
            f"conv{i}", inputs, channels, pool=pool, grid=grid, transfer=transfer, weight=weight, bias=biases
        )
        population.biased = bias
        populations.append(population)
        inputs = (population.shape[0], population.shape[1], population.shape[2])
    return Network(shape, populations)


def vgg6(
    shape: tuple[int, int, int],
    grids: Sequence[int],
    *,
    generator: torch.Generator,
    width: float = 1.0,
    start: str = "uniform",
    radius: float = 25.0,
    bias: bool = True,
    transfer: str = "relu",
) -> Network:
    """The VGG-6 of the paper, channels scaled by `width`.

    Args:
        shape: input shape (channels, height, width).
        grids: per population the side of the block-pooled map.
        generator: CPU generator of the initial weights.
        width: factor on the channels.
        start: `uniform` for weights within 1/sqrt(fan-in), `normal` for normal kernels of expected length `radius`, as SoftHebb begins.
        radius: that length.
        bias: whether neurons have one that learns; without, it is zero throughout.
        transfer: rho, a word of `layer.TRANSFERS`.

    Raises:
        ModelError: a width that leaves a population without neurons, an unknown start or transfer function, or a radius that is not above 0.
    """
    return _vgg(VGG6, shape, grids, generator, width, start, radius, bias, transfer)


def vgg8(
    shape: tuple[int, int, int],
    grids: Sequence[int],
    *,
    generator: torch.Generator,
    width: float = 1.0,
    start: str = "uniform",
    radius: float = 25.0,
    bias: bool = True,
    transfer: str = "relu",
) -> Network:
    """The VGG-8 of the paper, for ImageNet: 128 | 256 M | 512 M | 512 | 1024 M | 1024 M | 1024 | 1024 M; arguments as of `vgg6`.

    Raises:
        ModelError: as `vgg6`, or an image that five max-pools do not divide.
    """
    return _vgg(VGG8, shape, grids, generator, width, start, radius, bias, transfer)


def vgg11(
    shape: tuple[int, int, int],
    grids: Sequence[int],
    *,
    generator: torch.Generator,
    width: float = 1.0,
    start: str = "uniform",
    radius: float = 25.0,
    bias: bool = True,
    transfer: str = "relu",
) -> Network:
    """The eight convolutions of VGG-11 without batch norm: 64 M | 128 M | 256 | 256 M | 512 | 512 M | 512 | 512 M; arguments as of `vgg6`.

    Raises:
        ModelError: as `vgg6`, or an image that five max-pools do not divide.
    """
    return _vgg(VGG11, shape, grids, generator, width, start, radius, bias, transfer)


def _vgg(
    blocks: Sequence[tuple[int, bool]],
    shape: tuple[int, int, int],
    grids: Sequence[int],
    generator: torch.Generator,
    width: float,
    start: str,
    radius: float,
    bias: bool,
    transfer: str,
) -> Network:
    if start not in STARTS:
        raise ModelError(f"network.start: expected one of {', '.join(STARTS)}, got {start!r}; normal is SoftHebb's")
    if not (math.isfinite(radius) and radius > 0):
        raise ModelError(f"network.radius: expected a finite number above 0, got {radius!r}; SoftHebb's is 25")
    return conv_network(
        shape, _narrowed(blocks, width), grids, generator=generator, transfer=transfer_by(transfer, "network"),
        radius=radius if start == "normal" else None, bias=bias,
    )  # fmt: skip


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

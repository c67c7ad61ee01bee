"""Residual networks with one pair of compartments a block: ResNet-18 and ResNet-50 (He et al. 2016, CVPR) for rules of populations.

    stem -> block1 ... block8 (ResNet-18) or block16 (ResNet-50)

The stem is a population of one convolution, every residual block one `ResidualBlock`. Batches are normalised where a branch begins, as in the
pre-activation form (He et al. 2016, ECCV), so that the normalisation needs no derivative; weights are uniform within 1/sqrt(fan-in), as in
every network of populations here.
"""

from collections.abc import Sequence
from functools import partial
from typing import cast

import torch

from ..errors import ModelError
from ..populations.conv import ConvPopulation, Population
from ..populations.residual import Convolution, Norm, ResidualBlock, Stop
from .initial import uniform
from .network import Network
from .resnet import RESNETS, check

Shape = tuple[int, int, int]


def residual(
    kind: str,
    shape: Shape,
    grids: Sequence[int],
    *,
    generator: torch.Generator,
    width: float = 1.0,
    stem: str = "3x3",
    zero_init: bool = True,
    norm: str = "input",
    stop: str = "both",
) -> Network:
    """A residual network at its random initialisation.

    Args:
        kind: `resnet18` or `resnet50`.
        shape: input shape (channels, height, width).
        grids: side of the block-pooled map of stem and blocks.
        generator: CPU generator of the initial weights.
        width: factor on all channels.
        stem: `3x3` with stride 1, for small images; `7x7` with stride 2 and 2x2 max-pool, for large ones.
        zero_init: the last convolution of every branch starts at 0, so that the branch starts silent.
        norm, stop: see `ResidualBlock`.

    Raises:
        ModelError: a word, width, image or number of grids that does not fit.
    """
    check(kind, shape, width, stem)
    depth = RESNETS[kind]
    if len(grids) != 1 + sum(depth.layers):
        raise ModelError(
            f"network.grids: expected {1 + sum(depth.layers)} numbers, one for the stem and each block, got {len(grids)}; change rule.grids"
        )
    first, *sides = grids
    inner = [max(1, round(64 * 2**i * width)) for i in range(4)]
    below: Population = _stem(shape, inner[0], stem, first, generator)
    populations, inputs = [below], cast(Shape, below.shape)
    plan = [(i, 2 if i > 0 and j == 0 else 1) for i, count in enumerate(depth.layers) for j in range(count)]
    for number, ((i, stride), grid) in enumerate(zip(plan, sides, strict=True), start=1):
        outputs = inner[i] * depth.expansion
        wide = (inner[i], inner[i], outputs) if depth.bottleneck else (inner[i], outputs)
        convolutions = _branch(inputs[0], wide, stride, generator, silent=zero_init)
        same = stride == 1 and inputs[0] == outputs
        block = ResidualBlock(
            f"block{number}", inputs, convolutions=convolutions, grid=grid, norm=cast(Norm, norm), stop=cast(Stop, stop),
            shortcut=None if same else uniform((outputs, inputs[0], 1, 1), inputs[0], generator),
        )  # fmt: skip
        populations.append(block)
        inputs = cast(Shape, block.shape)
    buffers = {f"{p.name}.{n}": b for p in populations if isinstance(p, ResidualBlock) for n, b in p.buffers.items()}
    return Network(shape, populations, buffers=buffers)


resnet18, resnet50 = partial(residual, "resnet18"), partial(residual, "resnet50")


def _stem(shape: Shape, channels: int, stem: str, grid: int, generator: torch.Generator) -> ConvPopulation:
    side, large = (7, True) if stem == "7x7" else (3, False)
    fan_in = shape[0] * side**2
    return ConvPopulation(
        "stem", shape, channels, pool=large, grid=grid, stride=2 if large else 1,
        weight=uniform((channels, shape[0], side, side), fan_in, generator), bias=uniform((channels,), fan_in, generator),
    )  # fmt: skip


def _branch(
    inputs: int, wide: Sequence[int], stride: int, generator: torch.Generator, *, silent: bool
) -> list[Convolution]:
    """3x3, 3x3, or of a bottleneck 1x1, 3x3, 1x1; the first 3x3 has the stride."""
    sides = (3, 3) if len(wide) == 2 else (1, 3, 1)
    found: list[Convolution] = []
    for channels, side in zip(wide, sides, strict=True):
        fan_in = inputs * side**2
        weight, bias = (
            uniform((channels, inputs, side, side), fan_in, generator),
            uniform((channels,), fan_in, generator),
        )
        found.append(Convolution(weight, bias, stride if side == 3 and len(found) == sides.index(3) else 1))
        inputs = channels
    if silent:
        found[-1].weight.zero_()
        found[-1].bias.zero_()
    return found

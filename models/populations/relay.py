"""Relays: what happens to rates on their way from one population to the next.

Goodness rules need one: without it a population could copy the goodness of the population below instead of finding its own.
"""

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ...plasticity import Pairing
from ..errors import ModelError
from .patches import Padding, pad

EPS = 1e-8
TINY = 1e-10


class Relay(Protocol):
    """Maps incoming rates to what the synapses of a population see.

    Attributes:
        buffers: tensors that belong to the network's state, by name; they are stored in checkpoints and filled in place.
    """

    buffers: dict[str, Tensor]

    def __call__(self, pre: Tensor, pairing: Pairing | None, *, learning: bool) -> Tensor:
        """Incoming rates, (rows, channels, height, width) or (rows, neurons); same shape out.

        Args:
            pre: rates of the population below, or the image.
            pairing: who follows whom in a step; None when a network is only read.
            learning: whether running statistics move.
        """
        ...


class UnitLength:
    """n(z) = z / (sqrt(mean z^2) + eps) over the neurons of a row: hands on the direction, not the goodness (Hinton 2022)."""

    def __init__(self) -> None:
        self.buffers: dict[str, Tensor] = {}

    def __call__(self, pre: Tensor, pairing: Pairing | None, *, learning: bool) -> Tensor:
        """See `Relay`."""
        scale = torch.linalg.vector_norm(pre.flatten(1), dim=1) / (pre[0].numel() ** 0.5) + EPS
        found: Tensor = pre / scale.view(-1, *(1,) * (pre.dim() - 1))
        return found


class BatchNorm:
    """(z - mean) / sqrt(variance + eps) per channel, without scale and shift: over the batch and its places while learning, else running."""

    def __init__(self, channels: int) -> None:
        self.buffers = {"running_mean": torch.zeros(channels), "running_variance": torch.ones(channels)}

    def __call__(self, pre: Tensor, pairing: Pairing | None, *, learning: bool) -> Tensor:
        """See `Relay`; running statistics move by a tenth a step."""
        mean, variance = self.buffers["running_mean"], self.buffers["running_variance"]
        return F.batch_norm(pre, mean, variance, training=learning, momentum=0.1, eps=1e-5)


def standardise(pre: Tensor) -> Tensor:
    """(z - mean) / (standard deviation + eps) over all neurons of a row."""
    shape = (-1, *(1,) * (pre.dim() - 1))
    variance, mean = torch.var_mean(pre.flatten(1), dim=1)
    return (pre - mean.view(shape)) / (variance.sqrt() + TINY).view(shape)


def moments(pre: Tensor, rim: tuple[int, Padding]) -> tuple[Tensor, Tensor, int]:
    """Sums and sums of squares over the neurons of a row and its rim, (rows,), and how many they are."""
    if rim[0] and pre.dim() == 4:
        pre = pad(pre, *rim)
    flat = pre.flatten(1)
    return flat.sum(1), torch.linalg.vecdot(flat, flat), flat.shape[1]


class Pairs:
    """Standardised images in pairs that meet the same kernel (SCFF): [x, x] as 2x, [x, x'] as x + x'.

    Rows 0..n-1 of a step are positive, rows n..2n-1 negative pairs. Rebuilt pairs are made of the positive rows alone; x' is the next of
    them, the batch being in random order. Pairs that are not rebuilt go on as they come.

    Args:
        rebuild: whether pairs are made anew here.
        padded: whether both images of a pair are standardised together, the rim of the population counted in: [x, x'] as
            (x + x' - 2m) / s with mean m and standard deviation s of the two maps and their rims. Of what goes on as it comes, this is then
            the only standardisation. A rim of zeros is counted in and stays zero.
    """

    def __init__(self, rebuild: bool, padded: bool = False) -> None:
        self.rebuild, self.padded = rebuild, padded
        self.rim: tuple[int, Padding] = (0, "zeros")  # of the population that sees the pairs, told where it is built
        self.buffers: dict[str, Tensor] = {}

    def __call__(self, pre: Tensor, pairing: Pairing | None, *, learning: bool) -> Tensor:
        """See `Relay`; a network that is only read sees every image paired with itself."""
        if not self.rebuild:
            return self._together(pre, None) if self.padded else standardise(pre)
        if pairing is None:
            images = standardise(pre)
            return self._together(images, images) if self.padded else 2 * images
        if len(pre) % 2 or len(pre) < 4:
            raise ModelError(
                f"relay.pairs: expected 2n rows of at least 2 images, got {len(pre)}; show every image twice"
            )
        images = standardise(pre[: len(pre) // 2])
        others = images.roll(-1, 0)
        if self.padded:
            return torch.cat([self._together(images, images), self._together(images, others)])
        return torch.cat([2 * images, images + others])

    def _together(self, one: Tensor, other: Tensor | None) -> Tensor:
        """A pair as one map, or a map that comes alone, standardised with its rim."""
        shape = (-1, *(1,) * (one.dim() - 1))
        total, square, count = moments(one, self.rim)
        if other is not None:
            total_other, square_other, _ = moments(other, self.rim)
            total, square, count = total + total_other, square + square_other, 2 * count
        mean = total / count
        scale = ((square - total * mean) / (count - 1)).clamp_min(0).sqrt() + TINY
        both = one - mean.view(shape) if other is None else one + other - 2 * mean.view(shape)
        return both / scale.view(shape)


# Made per population from the position in the network, the shape of what comes in, and what the rule says to its relay (`relayed`).
RELAYS: dict[str, Callable[..., Relay | None]] = {
    "none": lambda position, shape: None,
    "unit": lambda position, shape: UnitLength(),
    "batchnorm": lambda position, shape: BatchNorm(shape[0]),
    "pairs": lambda position, shape, *, rebuild, padded=False: Pairs(rebuild, padded),
}

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


class Pairs:
    """Standardised images in pairs that meet the same kernel (SCFF): [x, x] as 2x, [x, x'] as x + x'.

    Rows 0..n-1 of a step are positive, rows n..2n-1 negative pairs. Rebuilt pairs are made of the positive rows alone; x' is the next of
    them, the batch being in random order. Pairs that are not rebuilt go on as they come.

    Args:
        rebuild: whether pairs are made anew here.
    """

    def __init__(self, rebuild: bool) -> None:
        self.rebuild = rebuild
        self.buffers: dict[str, Tensor] = {}

    def __call__(self, pre: Tensor, pairing: Pairing | None, *, learning: bool) -> Tensor:
        """See `Relay`; a network that is only read sees every image paired with itself."""
        if not self.rebuild:
            return standardise(pre)
        if pairing is None:
            return 2 * standardise(pre)
        if len(pre) % 2 or len(pre) < 4:
            raise ModelError(
                f"relay.pairs: expected 2n rows of at least 2 images, got {len(pre)}; show every image twice"
            )
        images = standardise(pre[: len(pre) // 2])
        return torch.cat([2 * images, images + images.roll(-1, 0)])


# Made per population from the position in the network, the shape of what comes in, and what the rule says to its relay (`relayed`).
RELAYS: dict[str, Callable[..., Relay | None]] = {
    "none": lambda position, shape: None,
    "unit": lambda position, shape: UnitLength(),
    "batchnorm": lambda position, shape: BatchNorm(shape[0]),
    "pairs": lambda position, shape, *, rebuild: Pairs(rebuild),
}

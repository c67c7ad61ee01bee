"""Relays: what happens to rates on their way from one population to the next.

Goodness rules need one: without it a population could copy the goodness of the population below instead of finding its own.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ..plasticity import Pairing

EPS = 1e-8


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


# Made per population from the position in the network and the shape of what comes in.
RELAYS: dict[str, Callable[[int, tuple[int, ...]], Relay | None]] = {
    "none": lambda position, shape: None,
    "unit": lambda position, shape: UnitLength(),
}

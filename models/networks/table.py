"""Networks by word: one row a builder."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..errors import ModelError
from .areas import area_network
from .columns import mlp, vgg6, vgg11
from .network import Network
from .three_blocks import scff, softhebb


@dataclass(frozen=True, slots=True)
class Architecture:
    """What fixes a network: builder, input shape and the builder's own numbers.

    Attributes:
        builder: `vgg6`, `vgg11`, `softhebb`, `scff` or `mlp`; for a blockwise rule `resnet18` or `resnet50`.
        shape: input shape (channels, height, width).
        width: channel factor of all but mlp.
        radius: length of the initial kernels of softhebb.
        hidden: neurons per population of mlp.
        grids: side of the block-pooled map per population of all but mlp and the resnets.
        areas: areas of each population of mlp, for a routed rule; 0 for undivided populations.
        routing: dimensions of the routing space of the areas.
        stem, zero_init: of the resnets, see `resnet`.
    """

    builder: str
    shape: tuple[int, int, int]
    width: float = 1.0
    hidden: tuple[int, ...] = ()
    grids: tuple[int, ...] = ()
    areas: int = 0
    routing: int = 8
    stem: str = "3x3"
    zero_init: bool = True
    radius: float = 25.0


def _fully_connected(a: Architecture, generator: torch.Generator) -> Network:
    if not a.hidden or min(a.hidden) < 1:
        got = list(a.hidden) or "none"
        raise ModelError(f"network.hidden: expected sizes of at least 1 for mlp, got {got}; for example [256, 128]")
    if a.areas:
        return area_network(a.shape, a.hidden, areas=a.areas, dimensions=a.routing, generator=generator)
    return mlp(a.shape, a.hidden, generator=generator)


BUILDERS: dict[str, Callable[[Architecture, torch.Generator], Network]] = {
    "vgg6": lambda a, g: vgg6(a.shape, a.grids, width=a.width, generator=g),
    "vgg11": lambda a, g: vgg11(a.shape, a.grids, width=a.width, generator=g),
    "softhebb": lambda a, g: softhebb(a.shape, a.grids, width=a.width, radius=a.radius, generator=g),
    "scff": lambda a, g: scff(a.shape, a.grids, width=a.width, generator=g),
    "mlp": _fully_connected,
}

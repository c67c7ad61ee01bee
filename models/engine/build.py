"""From plain words to a network with an engine."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ...plasticity import BPClappPP, BPInfoNCE, ClappPP
from ..errors import ModelError
from ..network import Network, mlp, vgg6, wire
from ..optimiser import AdamW
from .backprop import BackpropEngine
from .local import LocalEngine

Engine = LocalEngine | BackpropEngine


@dataclass(frozen=True, slots=True)
class Architecture:
    """What fixes a network: builder, input shape and the builder's own numbers.

    Attributes:
        builder: `vgg6` or `mlp`.
        shape: input shape (channels, height, width).
        width: channel factor of vgg6.
        hidden: neurons per population of mlp.
        grids: side of the block-pooled map per population of vgg6.
    """

    builder: str
    shape: tuple[int, int, int]
    width: float = 1.0
    hidden: tuple[int, ...] = ()
    grids: tuple[int, ...] = ()


def build_network(architecture: Architecture, rule: ClappPP | BPClappPP | BPInfoNCE, *, seed: int) -> Network:
    """A network at its random initialisation, wired for the rule.

    The basal weights depend on the seed alone, not on the rule: every rule starts from the same populations.

    Raises:
        ModelError: an unknown builder or numbers that do not fit.
    """
    generator = torch.Generator().manual_seed(seed)
    if architecture.builder == "vgg6":
        network = vgg6(architecture.shape, architecture.grids, width=architecture.width, generator=generator)
    elif architecture.builder == "mlp":
        network = mlp(architecture.shape, architecture.hidden, generator=generator)
    else:
        raise ModelError(f"network.builder: expected one of vgg6, mlp, got {architecture.builder!r}")
    if isinstance(rule, ClappPP):
        return wire(network, rule.sources, generator=generator)
    units = network.populations[-1].units
    bound = units**-0.5
    network.head = torch.empty(units, units).uniform_(-bound, bound, generator=generator)
    return network


def build_engine(
    network: Network,
    rule: ClappPP | BPClappPP | BPInfoNCE,
    *,
    learning_rate: float,
    betas: Sequence[float] = (0.9, 0.999),
    weight_decay: float = 0.01,
    eps: float = 1e-8,
    half: bool = False,
) -> Engine:
    """The engine that a rule needs, with AdamW."""
    optimiser = AdamW(learning_rate=learning_rate, weight_decay=weight_decay, beta1=betas[0], beta2=betas[1], eps=eps)
    if isinstance(rule, ClappPP):
        return LocalEngine(network, rule, optimiser, half=half)
    return BackpropEngine(network, rule, optimiser, half=half)

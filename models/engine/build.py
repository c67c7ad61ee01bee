"""From plain words to a network with an engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch

from ...plasticity import EndToEndRule, LocalRule, Rule
from ..errors import ModelError
from ..network import Network, mlp, vgg6, wire
from ..optimiser import AdamW, Optimiser
from ..relay import RELAYS
from ..sgd import SGD
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


def build_network(architecture: Architecture, rule: Rule, *, seed: int, classes: int = 0) -> Network:
    """A network at its random initialisation, wired for the rule.

    The basal weights depend on the seed alone, not on the rule: every rule starts from the same populations.

    Args:
        architecture: what fixes the network.
        rule: what it will be trained with: its apical sources, head, relay and state.
        seed: of every initial weight.
        classes: number of classes of the stimulus, for supervised rules.

    Raises:
        ModelError: an unknown builder or numbers that do not fit, or a supervised rule without classes.
    """
    generator = torch.Generator().manual_seed(seed)
    if architecture.builder == "vgg6":
        network = vgg6(architecture.shape, architecture.grids, width=architecture.width, generator=generator)
    elif architecture.builder == "mlp":
        network = mlp(architecture.shape, architecture.hidden, generator=generator)
    else:
        raise ModelError(f"network.builder: expected one of vgg6, mlp, got {architecture.builder!r}")
    if rule.supervised and classes < 2:
        raise ModelError(
            f"network.classes: expected at least 2 for a supervised rule, got {classes}; show labelled images"
        )
    _relay(network, rule)
    if rule.engine == "local":
        local = cast(LocalRule, rule)
        _start(network, local)
        return wire(network, local.sources, generator=generator)
    head = cast(EndToEndRule, rule).head
    units = network.populations[-1].units
    if head != "none":
        bound = units**-0.5
        network.head = torch.empty(classes if head == "classes" else units, units)
        network.head.uniform_(-bound, bound, generator=generator)
    return network


def _relay(network: Network, rule: Rule) -> None:
    shape: tuple[int, ...] = network.shape
    for position, population in enumerate(network.populations):
        population.relay = RELAYS[rule.relay](position, shape)
        if population.relay is not None:
            network.buffers |= {f"{population.name}.{n}": b for n, b in population.relay.buffers.items()}
        shape = population.shape


def _start(network: Network, rule: LocalRule) -> None:
    """Room for what the rule keeps from step to step."""
    for population in network.populations:
        shape = (population.units,) if rule.site == "unit" else population.neurons
        network.buffers |= {f"{population.name}.{name}": value for name, value in rule.start(shape).items()}


def build_engine(
    network: Network,
    rule: Rule,
    *,
    learning_rate: float,
    optimiser: str = "adamw",
    betas: Sequence[float] = (0.9, 0.999),
    weight_decay: float = 0.01,
    eps: float = 1e-8,
    momentum: float = 0.9,
    factors: Sequence[float] = (),
    half: bool = False,
) -> Engine:
    """The engine that a rule needs, with its optimiser.

    Args:
        network: from `build_network` with the same rule.
        rule: the rule.
        learning_rate, betas, weight_decay, eps, momentum: of the optimiser, where it has them.
        optimiser: `adamw` or `sgd`.
        factors: factor on the learning rate per population, bottom first; empty for 1 everywhere.
        half: sweeps in bfloat16.

    Raises:
        ModelError: an unknown optimiser, numbers outside their range, or as many factors as populations are missing.
    """
    if factors and len(factors) != len(network.populations):
        raise ModelError(
            f"optimiser.factors: expected {len(network.populations)} numbers, one per population, got {len(factors)}"
        )
    by_name = dict(zip(network.names, factors, strict=False))
    made: Optimiser
    if optimiser == "adamw":
        made = AdamW(
            learning_rate=learning_rate, weight_decay=weight_decay, beta1=betas[0], beta2=betas[1], eps=eps, factors=by_name
        )  # fmt: skip
    elif optimiser == "sgd":
        made = SGD(learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay, factors=by_name)
    else:
        raise ModelError(f"optimiser.name: expected one of adamw, sgd, got {optimiser!r}")
    if rule.engine == "local":
        return LocalEngine(network, cast(LocalRule, rule), made, half=half)
    return BackpropEngine(network, cast(EndToEndRule, rule), made, half=half)

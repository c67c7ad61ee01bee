"""From plain words to a network with an engine."""

from collections.abc import Sequence
from typing import cast

import torch

from ...plasticity import (
    Blockwise,
    EndToEndRule,
    FeedbackRule,
    LocalRule,
    PlacedRule,
    Rule,
    at,
    check_lengths,
    underneath,
)
from ..errors import ModelError
from ..networks.in_blocks import BlockNetwork, block_network
from ..networks.network import Network, wire
from ..networks.table import Architecture, build
from ..optimisers.base import sizing
from ..optimisers.table import make
from ..parted.fitting import check_ranks
from ..populations.conv import ConvPopulation
from ..populations.relay import RELAYS, Pairs
from ..populations.residual import ResidualBlock, conducts
from ..ranks.ranks import ALONE, Ranks
from .backprop import BackpropEngine
from .block import BlockEngine
from .feedback import FeedbackEngine, draw_feedback
from .local import LocalEngine

Engine = LocalEngine | BackpropEngine | FeedbackEngine | BlockEngine


def build_network(
    architecture: Architecture, rule: Rule, *, seed: int, classes: int = 0, ranks: Ranks = ALONE
) -> Network:
    """A network at its random initialisation, wired for the rule.

    The basal weights depend on the seed alone, not on the rule: every rule starts from the same populations, except that populations
    divided into areas, which only a routed rule has, are drawn differently (`area_network`).

    Args:
        architecture: what fixes the network.
        rule: what it will be trained with: its apical sources, head, relay and state.
        seed: of every initial weight.
        classes: number of classes of the stimulus, for supervised rules.
        ranks: processes that train it together; each holds its own rows of every B.

    Raises:
        ModelError: an unknown builder or numbers that do not fit, a rule or relay that several ranks cannot train, a supervised rule without classes, or a rule that needs blocks, or
            another transfer function than the network's.
        RuleError: a hyperparameter for another number of populations.
    """
    if rule.needs.engine == "block":
        raise ModelError(
            f"network.blocks: expected a rule for populations, got {type(rule).__name__}, which learns in blocks; use build_blocks"
        )
    generator = torch.Generator().manual_seed(seed)
    network: Network = build(architecture, generator)
    if rule.needs.supervised and classes < 2:
        raise ModelError(
            f"network.classes: expected at least 2 for a supervised rule, got {classes}; show labelled images"
        )
    if bool(architecture.areas) != rule.needs.routed:
        wanted, got = ("none", architecture.areas) if architecture.areas else ("at least 1 for a routed rule", 0)
        raise ModelError(f"network.areas: expected {wanted}, got {got}; areas belong to a routed rule and to mlp")
    check_lengths(rule, len(network.populations))
    _check_transfer(network, rule)
    _check_residual(network, rule)
    _relay(network, rule)
    if rule.needs.engine == "local":
        _start(network, cast(LocalRule, rule))
        wire(network, rule.needs.sources, generator=generator, ranks=ranks)
        check_ranks(ranks, rule, network)
        return network
    head = rule.needs.head
    units = network.populations[-1].units
    if head != "none":
        bound = units**-0.5
        heads = {"classes": classes, "square": units, "pair": 2 * units}
        network.head = torch.empty(heads[head], units)
        network.head.uniform_(-bound, bound, generator=generator)
    if rule.needs.engine == "feedback":
        draw_feedback(network, cast(FeedbackRule, rule), classes, generator=generator)
    check_ranks(ranks, rule, network)
    return network


def build_blocks(architecture: Architecture, rule: Blockwise, *, seed: int) -> BlockNetwork:
    """A network in blocks at its random initialisation, with the expansions and projectors of the rule.

    The blocks' own weights depend on the seed alone, not on the rule.

    Raises:
        ModelError: a builder without blocks, or numbers that do not fit.
    """
    generator = torch.Generator().manual_seed(seed)
    trunk, channels = build(architecture, generator, blocks=True)
    return block_network(trunk, channels, architecture.shape, rule, generator=generator)


def _check_transfer(network: Network, rule: Rule) -> None:
    wanted = rule.needs.transfer
    for population in network.populations:
        if wanted is not None and population.transfer.name != wanted:
            raise ModelError(
                f"{population.name}.transfer: expected {wanted} for {type(underneath(rule)).__name__}, whose equations hold for no other, "
                f"got {population.transfer.name}; use another network.builder, or give that transfer in network.layers"
            )


def _check_residual(network: Network, rule: Rule) -> None:
    """Refuse rules that have nothing for the convolutions inside a residual block."""
    name = type(underneath(rule)).__name__
    for population in network.populations:
        if not isinstance(population, ResidualBlock):
            continue
        expected, got = "", f"residual blocks ({population.name})"
        if rule.needs.forgets:
            expected = f"populations of one convolution for {name}, whose kernels forget by their own rate"
        elif rule.needs.engine == "feedback" and rule.needs.path == "chain":
            expected = (
                f"populations of one convolution for {name}, whose error comes down through a matrix per population"
            )
        if expected:
            raise ModelError(f"network.builder: expected {expected}, got {got}; use vgg6, or another rule")
        if rule.needs.engine != "local" and conducts(population):
            raise ModelError(
                f"network.stop: expected both for {name}, whose blocks have no local signal that a shortcut could conduct, got "
                f"{population.stop!r}; change one of the two"
            )


def _relay(network: Network, rule: Rule) -> None:
    shape: tuple[int, ...] = network.shape
    inner = underneath(rule)
    for position, population in enumerate(network.populations):
        told = {name: at(getattr(inner, name), position) for name in rule.needs.relayed}
        own = RELAYS[rule.needs.relay](position, shape, **told)
        if own is not None and population.relay is not None:
            raise ModelError(
                f"network.layers[{position}].relay: expected none for {type(inner).__name__}, which brings its own ({rule.needs.relay}), "
                "got another; remove it"
            )
        if isinstance(own, Pairs) and isinstance(population, ConvPopulation):
            own.rim = population.padding, population.padding_mode
        population.relay = own or population.relay
        if population.relay is not None:
            network.buffers |= {f"{population.name}.{n}": b for n, b in population.relay.buffers.items()}
        shape = population.shape


def _start(network: Network, rule: LocalRule) -> None:
    """Room for what the rule keeps from step to step."""
    inner = underneath(rule)
    for position, population in enumerate(network.populations):
        shape = (population.units,) if rule.needs.site == "unit" else population.neurons
        kept = inner.start_at(shape, position) if isinstance(inner, PlacedRule) else rule.start(shape)
        network.buffers |= {f"{population.name}.{name}": value for name, value in kept.items()}


def build_engine(
    network: Network | BlockNetwork,
    rule: Rule,
    *,
    learning_rate: float,
    optimiser: str = "adamw",
    factors: Sequence[float] = (),
    half: bool = False,
    seed: int = 0,
    steps: int | None = None,
    recompute: bool = False,
    chunk: int | None = None,
    ranks: Ranks = ALONE,
    **settings: float,
) -> Engine:
    """The engine that a rule needs, with its optimiser.

    Args:
        network: from `build_network`, or `build_blocks`, with the same rule.
        rule: the rule.
        learning_rate: of the optimiser.
        optimiser: a word of `OPTIMISERS`.
        factors: factor on the learning rate per population, bottom first, or one for all; empty for 1 everywhere.
        half: sweeps in bfloat16.
        seed, steps: of the run, for networks in blocks, see `BlockEngine`.
        recompute, chunk: what is held of a batch, see `LocalEngine`; of rules with that engine alone.
        ranks: processes that train it together, those that the network was built for.
        settings: of the optimiser, what it reads by name, such as `weight_decay`; defaults in its table.

    Raises:
        ModelError: an unknown optimiser or one that the rule cannot use, settings that it does not read or outside their range, another number of factors than 0, 1 or
            the populations', a network in blocks for a rule of populations and the reverse, or `recompute` or `chunk` for a rule that reads neither.
    """
    if len(factors) == 1:
        factors = tuple(factors) * len(network.names)
    if factors and len(factors) != len(network.names):
        raise ModelError(
            f"optimiser.factors: expected {len(network.names)} numbers, one per population, got {len(factors)}"
        )
    if rule.needs.engine != "local" and (recompute or chunk):
        name, got = ("recompute", recompute) if recompute else ("chunk", chunk)
        raise ModelError(
            f"engine.{name}: expected none for {type(underneath(rule)).__name__}, whose engine ({rule.needs.engine}) takes a batch as a whole, got {got}; "
            "leave it out"
        )
    check_ranks(ranks, rule, network)
    by_name = dict(zip(network.names, factors, strict=False))
    made = make(optimiser, rule, learning_rate=learning_rate, factors=by_name, settings=settings)
    if ranks.size > 1 and isinstance(network, Network) and network.shared() and sizing(made) is not None:
        raise ModelError(
            f"optimiser.name: expected one that changes entry by entry on {ranks.size} ranks, got {optimiser}, which needs the size of a whole "
            "change; use adamw, or train in one process"
        )
    if isinstance(network, BlockNetwork) or rule.needs.engine == "block":
        if not (rule.needs.engine == "block" and isinstance(network, BlockNetwork)):
            raise ModelError(
                "network.blocks: expected a network in blocks for a blockwise rule and populations for any other, "
                f"got {type(network).__name__} for {type(rule).__name__}; use build_blocks or build_network"
            )
        return BlockEngine(network, cast(Blockwise, rule), made, seed=seed, steps=steps, half=half)
    if rule.needs.engine == "local":
        return LocalEngine(
            network, cast(LocalRule, rule), made, half=half, recompute=recompute, chunk=chunk, ranks=ranks
        )
    if rule.needs.engine == "feedback":
        return FeedbackEngine(network, cast(FeedbackRule, rule), made, half=half)
    return BackpropEngine(network, cast(EndToEndRule, rule), made, half=half, ranks=ranks)

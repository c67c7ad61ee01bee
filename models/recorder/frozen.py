"""A frozen network that is shown stimuli: what every compartment of chosen units answers, glance by glance, and no weight moves.

    forward sweep              basal a -> rate z of the glance now seen
    context of the glance      c: block-pooled rates of the glance before, of the same one, or of one that is always the same
    apical sweep               e = B c
    rule                       score u and neuromodulator gamma of the pair, by the rule's own factors

Relays read their running statistics, as in a read-out: an answer does not depend on what else is in its batch. A trial is one glance; what
the rule is told is a pairing of each row with itself, whose apical potential already is that of the context.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from math import prod
from types import MappingProxyType
from typing import Literal, cast

import torch
from torch import Tensor

from ...plasticity import Apical, Factors, LocalRule, Pairing, Rule, Signals
from ...plasticity.queued import queued
from ..engine.sweep import activities, apical_sweep
from ..errors import ModelError
from ..networks.contexts import awaited, suffixes, whose
from ..networks.in_blocks import BlockNetwork
from ..networks.network import Network
from ..populations.activity import Activity
from ..populations.geometry import map_of
from .extras import Extras
from .pending import Constants

Context = Literal["before", "same", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one population answers to a batch of glances, at its chosen units.

    Attributes:
        rate: z, (rows, units); of a block its map.
        basal: a, (rows, units); None of a block, which has no compartments.
        apical: e by context source, (rows, units); not a number where no glance went before.
        score, gamma: u and neuromodulator by source, or under `basal` of a rule without dendrites, (rows,).
        more: further signals by name, see `Extras`; a drive is that of the pair alone, with weight 1.
    """

    rate: Tensor
    basal: Tensor | None = None
    apical: Mapping[str, Tensor] = field(default_factory=dict)
    score: Mapping[str, Tensor] = field(default_factory=dict)
    gamma: Mapping[str, Tensor] = field(default_factory=dict)
    more: Mapping[str, Tensor] = field(default_factory=dict)


def shapes_of(network: Network | BlockNetwork) -> dict[str, tuple[int, int, int]]:
    """(channels, height, width) of the rates of every population, or of the map of every block."""
    if isinstance(network, BlockNetwork):
        like = next(iter(network.weights().values()))
        maps = network.maps(torch.zeros(1, *network.shape, device=like.device, dtype=like.dtype))
        return {name: map_of(x.shape[1:]) for name, x in zip(network.names, maps, strict=True)}
    return {population.name: map_of(population.shape) for population in network.populations}


def sources_of(rule: Rule) -> dict[str, str]:
    """Context sources whose potentials a frozen network has, each with the end of its names in a recording.

    The error of a feedback rule is none: it is made from a label at the output, while the network learns.
    """
    if rule.needs.engine != "local":
        return {}
    return {source: f"_{end}" if end else "" for source, end in suffixes(rule.needs.sources).items()}


def modulated(rule: Rule) -> tuple[bool, bool]:
    """Whether a single pair of glances has a score, and whether it has a neuromodulator.

    A neuromodulator that weighs a glance against other ones (several negatives, the difference of two scores) needs those.
    """
    scored = rule.needs.engine == "local" and "score" in rule.needs.records
    separable = getattr(getattr(rule, "contrast", None), "separable", True)
    return scored, scored and rule.needs.alone and separable and not rule.needs.others


class Frozen:
    """Shows glances to a network, one batch after another, in the order in which they are lived.

    Args:
        network: its weights and running statistics stay as they are.
        rule: the rule that it was trained with.
        units: recorded populations, each with flat positions of its units in `shapes_of`, int64 (units,).
        scored: whether scores and neuromodulators are wanted.
        extras: further signals by population.
        context: whose rates the apical dendrites receive: those of the glance before (`before`), of the glance itself (`same`), of none, or
            of one image (1, channels, height, width) at every glance.

    Raises:
        ModelError: an unknown population.
    """

    def __init__(
        self,
        network: Network | BlockNetwork,
        rule: Rule,
        units: Mapping[str, Tensor],
        *,
        context: Context | Tensor,
        scored: bool = True,
        extras: Mapping[str, Extras] = MappingProxyType({}),
    ) -> None:
        if unknown := [name for name in units if name not in network.names]:
            raise ModelError(
                f"record.populations: expected names among {', '.join(network.names)}, got {unknown[0]!r}; correct the name"
            )
        self.network, self.rule, self.context = network, rule, context
        self.extras = {network.names.index(name): each for name, each in extras.items()}
        self.shapes = shapes_of(network)
        self.units = {network.names.index(name): chosen.cpu() for name, chosen in units.items()}
        self._constants = Constants()
        self.predicted = context if isinstance(context, str) else "chosen"
        self.sources = {} if self.predicted == "none" else sources_of(rule)
        self.scored = scored and modulated(rule)[0] and (bool(self.sources) or not rule.needs.sources)
        self._count = len(network.names)
        self._reach = max([awaited(self.sources, i, self._count) for i in self.units], default=-1) + 1
        self._dtype = next(iter(network.weights().values())).dtype
        self._before: dict[int, Tensor] = {}
        if isinstance(context, Tensor):
            self._before = {i: self._pooled(i, activity) for i, activity in self._sweep(context, False)}

    def forget(self) -> None:
        """Show what comes next as if no glance had gone before."""
        if self.predicted == "before":
            self._before = {}

    @torch.no_grad()
    def show(self, images: Tensor, stays: Tensor) -> dict[str, Answer]:
        """Answers to some glances, which follow those of the call before.

        Args:
            images: (rows, channels, height, width), normalised.
            stays: whether the context of each is a glance at the same object, bool (rows,): its phase is then a fixation.

        Raises:
            ModelError: images of another shape than the network's.
        """
        if tuple(images.shape[1:]) != tuple(self.network.shape):
            raise ModelError(
                f"record.images: expected the network's shape {tuple(self.network.shape)}, got {tuple(images.shape[1:])}; resize them"
            )
        pairing = _alone(stays, images.device, self._dtype)
        found: dict[int, tuple[Tensor, Tensor | None]] = {}
        told: dict[int, Factors] = {}
        pooled: dict[int, Tensor] = {}
        more: dict[int, dict[str, Tensor]] = {}
        held: dict[int, Activity] = {}
        rows = torch.arange(len(images), device=images.device)
        for i, activity in self._sweep(images, bool(self.units)):
            if self.sources or self.scored:
                pooled[i] = self._pooled(i, activity)
            if i in self.units:
                basal = None if activity.basal is None else self._chosen(i, activity.basal)
                found[i] = self._chosen(i, activity.rate), basal
                if self.scored and not self.sources:  # while the potential of every neuron is there
                    told[i] = self._factors(i, pooled[i], {}, pairing, activity.potential)
                if extras := self.extras.get(i):
                    more[i] = extras.values(activity, rows, told.get(i))
                    if self.sources and "drive" in extras.wanted:  # whose factors wait for the contexts
                        held[i] = replace(activity, pre=activity.rate[:0], patches=None, basal=None, potential=None)
        answers = {i: self._answer(i, *found[i], pooled, told, pairing) for i in found}
        for i, activity in held.items():
            drive = self.extras[i].drive(activity, rows, told[i])
            more[i]["drive"] = _without_first(drive, self.predicted == "before" and not self._before)
        if self.predicted == "before":
            self._before = {i: rate[-1:].clone() for i, rate in pooled.items()}
        return {self.network.names[i]: replace(answer, more=more.get(i, {})) for i, answer in answers.items()}

    def _answer(
        self,
        i: int,
        rate: Tensor,
        basal: Tensor | None,
        pooled: Mapping[int, Tensor],
        told: dict[int, Factors],
        pairing: Pairing,
    ) -> Answer:
        apical: dict[str, Tensor] = {}
        lacking = bool(self.sources) and self.predicted == "before" and not self._before
        if self.sources and isinstance(self.network, Network):
            contexts = {source: self._context(whose(source, i, self._count), pooled) for source in self._needed}
            projections = {source: self.network.apical[source][i] for source in self._needed}
            potentials = apical_sweep(projections, contexts)
            population = self.network.populations[i]
            for source in self.sources:
                e = potentials[source].potential
                rows = self._constants.dendrites(e.device, population, self.units[i], e.shape[1])
                apical[source] = _without_first(e[:, rows], lacking)
            if self.scored:
                told[i] = self._factors(i, pooled[i], potentials, pairing, None)
        score, gamma = {}, {}
        if i in told:
            stays = pairing.fixation_weight > 0
            for source in self.sources or told[i].phases:
                phase = told[i].phases[source]
                score[source] = _without_first(torch.where(stays, phase.score_fixation, phase.score_saccade), lacking)
                gamma[source] = _without_first(torch.where(stays, phase.gamma_fixation, phase.gamma_saccade), lacking)
        return Answer(rate, basal, apical, score, gamma)

    @property
    def _needed(self) -> Sequence[str]:
        """Sources that the rule asks for; those that cannot be laid along trials are given to it all the same."""
        return self.rule.needs.sources

    def _context(self, sender: int, pooled: Mapping[int, Tensor]) -> Tensor:
        rate = pooled[sender]
        if self.predicted == "same":
            return rate
        if self.predicted == "chosen":
            return self._before[sender].expand(len(rate), -1)
        return torch.cat([self._before.get(sender, torch.zeros_like(rate[:1])), rate[:-1]])

    def _factors(
        self, i: int, pooled: Tensor, apical: dict[str, Apical], pairing: Pairing, basal: Tensor | None
    ) -> Factors:
        rule, network = cast(LocalRule, self.rule), cast(Network, self.network)
        population = network.populations[i]
        if rule.needs.transport:
            back = {s: network.apical[s][i].back(pooled) for s in apical}
            apical = {s: Apical(a.context, a.potential, back[s]) for s, a in apical.items()}
        others = pairing.fixation[:, None].expand(-1, rule.needs.others) if rule.needs.others else None
        told = Pairing(pairing.fixation, pairing.saccade, pairing.fixation_weight, pairing.saccade_weight, others)
        return rule.factors(Signals(pooled, apical, told, None, basal, network.state(population.name), i))

    def _sweep(self, images: Tensor, compartments: bool) -> "enumerate[Activity]":
        pre = images.to(self._dtype).contiguous(memory_format=torch.channels_last)
        neurons = self.rule.needs.site == "neuron" and self.scored
        sweep = activities(self.network, pre, keep_basal=compartments, keep_potential=neurons)
        return enumerate(islice(sweep, self._reach))

    def _pooled(self, i: int, activity: Activity) -> Tensor:
        assert isinstance(self.network, Network)
        return self.network.populations[i].pooled(activity.rate).to(self._dtype)

    def _chosen(self, i: int, values: Tensor) -> Tensor:
        units, shape, device = self.units[i], values.shape[1:], values.device
        if len(units) == prod(shape):
            return values.flatten(1)
        rows = torch.arange(len(values), device=device)[:, None]
        return values[(rows, *self._constants.place(device, i, units, shape))]


def _alone(stays: Tensor, device: torch.device, dtype: torch.dtype) -> Pairing:
    """Each row meets what its own context predicts; the weight is 1 in the phase that it is in."""
    rows = torch.arange(len(stays), device=device)
    there = queued(stays, device)
    return Pairing(rows, rows, there.to(dtype), (~there).to(dtype))


def _without_first(values: Tensor, lacking: bool) -> Tensor:
    """The first row as not a number, where no glance went before it."""
    if not lacking:
        return values
    values = values.clone()
    values[0] = torch.nan
    return values

"""Neuromodulators of a step, noted and held: what is left of a rule when its gates no longer depend on B."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from ...models import Activity, Population
from ...models.optimisers.measured import Move
from ...plasticity import Apical, Factors, LocalRule, Pairing, Phase, Signals

Gate = tuple[Tensor, Tensor]  # gamma+ and gamma- of every row


class HeldGates:
    """Stands where a contrast function stands and answers with given neuromodulators, call by call.

    With the gates held a weight change is linear in B, which makes fitting B a least-squares problem. The losses are NaN: the objective of
    which these gates would be the derivative is not known here.

    Args:
        gates: gamma+ and gamma-, in the order in which the rule will ask: population by population, in each source by source.
    """

    separable: ClassVar[bool] = True

    def __init__(self, gates: Iterable[Gate]) -> None:
        self._gates = iter(gates)

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """NaN for every row."""
        return torch.full_like(fixation, torch.nan), torch.full_like(saccade, torch.nan)

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """The next gates, whatever the scores are."""
        return next(self._gates)


@dataclass(slots=True)
class GateWatch:
    """An observer that notes the gates of every population, and on request the gated contexts.

    Attributes:
        rule: the rule that is watched; None to note no gated contexts.
        gates: in the order in which `HeldGates` gives them back.
        gated: per population the gated contexts of all sources side by side, (rows, inputs): the drive is B times them.
    """

    rule: LocalRule | None = None
    gates: list[Gate] = field(default_factory=list)
    gated: list[Tensor] = field(default_factory=list)

    def local(
        self, population: Population, activity: Activity, signals: Signals, factors: Factors, moves: Mapping[str, Move]
    ) -> None:
        """Note one population; a few numbers per row, unless gated contexts are wanted."""
        self.gates += [(phase.gamma_fixation, phase.gamma_saccade) for phase in factors.phases.values()]
        if self.rule is not None and signals.pairing is not None:
            parts = [
                gated_context(self.rule, signals.apical[source].context, phase, signals.pairing)
                for source, phase in factors.phases.items()
            ]
            self.gated.append(torch.cat(parts, dim=1))

    def backprop(self, population: Population, activity: Activity, moves: Mapping[str, Move]) -> None:
        """Nothing: an end-to-end rule has no gates."""

    def block(self, name: str, move: Move, norm: Tensor) -> None:
        """Nothing: a block without compartments has no gates."""


def held_rule(rule: LocalRule, gates: Iterable[Gate]) -> LocalRule:
    """A rule with a contrast, whose neuromodulators are given."""
    return cast(LocalRule, replace(cast(Any, rule), contrast=HeldGates(gates)))


def gated_context(rule: LocalRule, context: Tensor, phase: Phase, pairing: Pairing) -> Tensor:
    """The context times its neuromodulators, gathered at the rows whose rates it meets: the rule's own drive with B the identity.

    Args:
        rule: the rule.
        context: c, (rows, inputs).
        phase: its neuromodulators.
        pairing: who follows whom.

    Returns:
        g of (rows, inputs), with drive = B g.
    """
    held = held_rule(rule, [(phase.gamma_fixation, phase.gamma_saccade)])
    return held.factors(Signals(torch.zeros_like(context), {"identity": Apical(context, context)}, pairing)).drive

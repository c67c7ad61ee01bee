"""Backprop twins: the objective of a local rule at the top population alone, its gradient carried down through all populations.

A twin differs from its local rule in credit assignment only: same objective, network, stimuli, optimiser and loop. What the local rule
keeps from a gradient (a context, a past rate) is kept from it in the twin as well.

Source and equations are the local rule's. Three-factor reading: there is none; errors travel backwards through transposed weights. Not
claimed: any synaptic mechanism.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from .errors import RuleError
from .needs import Head, Needs
from .pairing import Pairing
from .rule import LocalRule, hyperparameters
from .signals import Apical, Signals
from .wrapped import Wrapped

TOP = -1  # position of the population that has the objective


@runtime_checkable
class WithObjective(Protocol):
    """A rule whose factors are the gradient of something."""

    def objective(self, signals: Signals) -> Tensor:
        """The local objective, differentiable."""
        ...


@dataclass(frozen=True, slots=True)
class Backprop(Wrapped):
    """The end-to-end twin of a local rule.

    Args:
        rule: a local rule of site `unit` with an objective and without a state.

    Raises:
        RuleError: the rule has no such objective.
    """

    rule: LocalRule

    def __post_init__(self) -> None:
        kind = type(self.rule).__name__
        if not isinstance(self.rule, WithObjective):
            raise RuleError(f"Backprop.rule: expected a local rule with an objective, got {kind}; it has no twin")
        if self.rule.needs.site != "unit":
            raise RuleError(
                f"Backprop.rule: expected a rule of site unit, got {kind} of site {self.rule.needs.site}; it has no twin"
            )
        if self.rule.start((1,)):
            raise RuleError(
                f"Backprop.rule: expected a rule without a state, got {kind}, which keeps one; turn off what needs it"
            )

    @property
    def needs(self) -> Needs:
        """The rule's, without dendrites: one matrix for each of its contexts, in the order of its sources, makes the head, one below the other."""
        told = self.rule.needs
        head: tuple[Head, ...] = ("none", "square", "pair")
        return replace(
            told,
            engine="backprop",
            words=replace(told.words, loss="", apical="", score="", modulator="", gate=""),
            head=head[len(told.sources)],
            sources=(),
            transport=False,
            records=("basal", "rate"),
        )

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """The rule's objective. Shapes: rate (rows, units), head (contexts * units, units).

        Raises:
            RuleError: the head is missing.
        """
        told = self.rule.needs
        sources = told.sources
        if sources and head is None:
            raise RuleError("Backprop.objective: expected a head, got None; see build_network")
        matrices = head.chunk(len(sources)) if sources and head is not None else ()
        context, apical = rate.detach(), {}
        for source, matrix in zip(sources, matrices, strict=True):
            back = context @ matrix if told.transport else None
            apical[source] = Apical(context, context @ matrix.T, back)
        assert isinstance(self.rule, WithObjective)
        return self.rule.objective(Signals(rate, apical, pairing, label, position=TOP))


@dataclass(frozen=True, slots=True)
class TwinOf:
    """Makes the twin of a kind of rule from that rule's own hyperparameters.

    Args:
        kind: class of the local rule.
    """

    kind: Callable[..., LocalRule]

    def hyperparameters(self) -> set[str]:
        """Names that may be given."""
        return hyperparameters(self.kind)

    def __call__(self, **given: Any) -> Backprop:
        """The twin of `kind(**given)`."""
        return Backprop(self.kind(**given))

"""What every rule declares and offers: the contract that engines, protocols and tests rely on.

A rule is a frozen dataclass of plain hyperparameters. Its `needs` say which engine runs it, what it has to be shown, where it reads the
population and which apical sources it is wired to; nothing else in Apical asks for a rule by name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from inspect import Parameter, signature
from typing import Protocol, runtime_checkable

from torch import Tensor

from .needs import Needs
from .pairing import Pairing
from .signals import Factors, Signals


class Rule(Protocol):
    """What every rule declares."""

    @property
    def needs(self) -> Needs:
        """What it needs around it: a class variable, or a property where it depends on hyperparameters."""
        ...


class LocalRule(Rule, Protocol):
    """A rule of explicit factors."""

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """State of one population before the first step, by name; empty for most rules.

        Args:
            shape: (units,) at site `unit`, (channels, height, width) or (neurons,) at site `neuron`.
        """
        ...

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators, drive and prediction terms of one population; no autograd."""
        ...


@runtime_checkable
class PlacedRule(Protocol):
    """A local rule whose populations begin differently, though they have one shape."""

    def start_at(self, shape: tuple[int, ...], position: int) -> dict[str, Tensor]:
        """As `LocalRule.start`, of the population at a position, 0 at the bottom."""
        ...


class EndToEndRule(Rule, Protocol):
    """An objective at the top population, whose gradient is backpropagated."""

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """The objective, a scalar, of the top population's block-pooled rate (rows, units)."""
        ...


class FeedbackRule(Rule, Protocol):
    """A supervised rule whose error is made at the output and carried down through fixed matrices."""

    def error(self, output: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        """Loss, a scalar, and its derivative with respect to the output (rows, classes)."""
        ...

    def factors(self, signals: Signals) -> Factors:
        """Drive of one population from the error that reached it, `signals.apical["error"]`; no autograd."""
        ...


class RoutedRule(FeedbackRule, Protocol):
    """A feedback rule for populations divided into areas."""

    def routing(self, pre: Tensor, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What a step changes of a population's routing, by name, from what entered it, (rows, inputs)."""
        ...


def hyperparameters(factory: Callable[..., Rule]) -> set[str]:
    """Names that a factory of `RULES` takes: the fields of a dataclass, what the factory itself lists, or the arguments of a function."""
    made: object = factory
    if isinstance(made, type) and is_dataclass(made):
        return {field.name for field in fields(made) if field.init}
    listed: Callable[[], Iterable[str]] | None = getattr(factory, "hyperparameters", None)
    if listed is not None:
        return set(listed())
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return {name for name, told in signature(factory).parameters.items() if told.kind in named}

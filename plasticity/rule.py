"""What every rule declares and offers: the contract that engines, protocols and tests rely on.

A rule is a frozen dataclass of plain hyperparameters. Its class says which engine runs it, what it needs to be shown, where it reads
the population and which apical sources it is wired to; nothing else in Apical asks for a rule by name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import ClassVar, Literal, Protocol

from torch import Tensor

from .pairing import Negatives, Pairing, Phases
from .signals import Factors, Signals

ENGINES = ("local", "backprop", "feedback", "block")
Site = Literal["unit", "neuron"]
Path = Literal["chain", "direct"]


class Rule(Protocol):
    """Declarations of every rule.

    Attributes:
        engine: `local` (explicit factors), `backprop` (objective at the top, autograd), `feedback` (output error through fixed matrices),
            `block` (autograd inside a block of layers).
        presentation: what the network is shown at a step, a word of `PRESENTATIONS`.
        supervised: whether labels are needed.
        relay: what happens to rates on their way into a population, a word of the models' `RELAYS`; `none` hands them on.
        records: signals that the rule lets one record.
        negatives, phases: how `pair` pairs the rows.

    A rule may also have `others`, the number of further rows that `pair` draws for each row (without it none are drawn), and `transfer`, the
    name of the only transfer function that its equations hold for (without it any).
    """

    engine: ClassVar[str]
    records: ClassVar[tuple[str, ...]]

    @property
    def presentation(self) -> str:
        """What the network is shown at a step."""
        ...

    @property
    def supervised(self) -> bool:
        """Whether labels are needed."""
        ...

    @property
    def relay(self) -> str:
        """What happens to rates on their way into a population."""
        ...

    @property
    def negatives(self) -> Negatives:
        """Which other object a saccade goes to."""
        ...

    @property
    def phases(self) -> Phases:
        """Whether a row makes a fixation and a saccade, or one of them."""
        ...


class LocalRule(Rule, Protocol):
    """A rule of explicit factors.

    Attributes:
        site: `unit`: it sees the block-pooled rates, where apical dendrites end, and its drive is spread over the block and gated by
            rho'; `neuron`: it sees the potential of every neuron before the max-pool, and its drive is the factor itself.

    A local rule may also declare `transport`: it is then given `Apical.back`, what its apical synapses would carry backwards; and `forgets`:
    its factors always have a decay, so that its kernels come to a length (what the optimiser `softhebb` needs).
    """

    site: ClassVar[Site]

    @property
    def sources(self) -> tuple[str, ...]:
        """Context sources, one apical matrix per population for each; empty for a rule without apical dendrites."""
        ...

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """State of one population before the first step, by name; empty for most rules.

        Args:
            shape: (units,) at site `unit`, (channels, height, width) or (neurons,) at site `neuron`.
        """
        ...

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators, drive and prediction terms of one population; no autograd."""
        ...


class EndToEndRule(Rule, Protocol):
    """An objective at the top population, whose gradient is backpropagated."""

    @property
    def head(self) -> str:
        """`square` for a projection (units, units) at the top, `pair` for two, `classes` for (classes, units), `none` without."""
        ...

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """The objective, a scalar, of the top population's block-pooled rate (rows, units)."""
        ...


class FeedbackRule(Rule, Protocol):
    """A supervised rule whose error is made at the output and carried down through fixed matrices.

    Attributes:
        head: `classes`: a projection (classes, units) at the top gives the output.
        path: `direct`: from the output straight to every population; `chain`: population by population.
        sources: `("error",)`, the context of the apical dendrites.
        routed: whether populations are divided into areas, of which a row uses one.
    """

    head: ClassVar[str]
    path: ClassVar[Path]
    sources: ClassVar[tuple[str, ...]]
    routed: ClassVar[bool]

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
    """Names that a factory of `RULES` takes: the fields of a dataclass, or what the factory itself lists."""
    made: object = factory
    if isinstance(made, type) and is_dataclass(made):
        return {field.name for field in fields(made)}
    listed: Callable[[], Iterable[str]] = factory.hyperparameters  # type: ignore[attr-defined]
    return set(listed())

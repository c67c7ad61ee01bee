"""What every rule declares and offers: the contract that engines, protocols and tests rely on.

A rule is a frozen dataclass of plain hyperparameters. Its class says which engine runs it, what it needs to be shown, where it reads
the population and which apical sources it is wired to; nothing else in Apical asks for a rule by name.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol

from torch import Tensor

from .pairing import Negatives, Pairing, Phases
from .signals import Factors, Signals

Site = Literal["unit", "neuron"]


class Rule(Protocol):
    """Declarations of every rule.

    Attributes:
        engine: `local` (explicit factors), `backprop` (objective at the top, autograd), or another engine by its word.
        presentation: what the network is shown at a step, a word of `PRESENTATIONS`.
        supervised: whether labels are needed.
        relay: what happens to rates on their way into a population, a word of the models' `RELAYS`; `none` hands them on.
        records: signals that the rule lets one record.
        negatives, phases: how `pair` pairs the rows.
    """

    engine: ClassVar[str]
    presentation: ClassVar[str]
    supervised: ClassVar[bool]
    relay: ClassVar[str]
    records: ClassVar[tuple[str, ...]]

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
        """`square` for a projection (units, units) at the top, `classes` for (classes, units), `none` without."""
        ...

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """The objective, a scalar, of the top population's block-pooled rate (rows, units)."""
        ...


State = Mapping[str, Tensor]

"""Where conditions are lived: the rate network that learns or adapts, a circuit of it replayed with spikes or read out, or one synapse."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ...models.spiking import Circuit
from ...plasticity import LocalRule
from ..errors import ConfigError, nearest
from ..progress import beside
from ..runs.trained import Trained
from .circuit import Found, cut, pulse
from .events import Act, Apical, Contingency, Event, Fixation, Gamma, Probe, Saccade
from .foreign import value_of
from .glances import Looking
from .measures import Probing, Value
from .preflight import steps_of
from .protocol import Condition
from .protocol import Protocol as Plan
from .shared_past import Key, Memory, keep, key, recall, shared
from .subject import Diverged, Subject
from .synapse import pairings

Lived = dict[str, Found | dict[str, Value]]


class Stage(Protocol):
    """Where conditions are lived.

    Attributes:
        diverged: conditions that did, with their seeds.
    """

    @property
    def diverged(self) -> list[str]:
        """Conditions that did, with their seeds."""

    def work(self, condition: Condition) -> int:
        """Steps of one condition, for the progress bar."""

    def live(self, condition: Condition, seed: int, advance: Callable[[], Any]) -> Lived:
        """What one condition finds with one seed, probe by probe; all conditions of a seed come one after the other."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where subjects come from.

    Attributes:
        run: the run.
        start: the checkpoint that they start from; None for the random initialisation.
        plan: the protocol.
    """

    run: Trained[LocalRule]
    start: Path | None
    plan: Plan

    def subject(self, wiring: str, seed: int) -> Subject:
        """One that has lived through nothing yet."""
        head = self.plan.head
        # glances of the repetition, not those of the training
        batches = replace(self.run.batches, seed=seed)
        looking = Looking(batches, head.stimuli, self.run.config.training.batch)
        return Subject(self.run, wiring, self.start, looking, head.learning_rate)


def more(found: Mapping[str, Found], plan: Plan) -> Lived:
    """What was found, with the measures from outside, which are asked of every curve."""
    rows = {name: row for name, row in plan.measured.items() if row.find is not None}
    for curve in found.values():
        for name, row in rows.items():
            value = value_of(name, row, curve, [])
            assert isinstance(value, float)
            curve.values[name] = value
    return dict(found)


@dataclass(frozen=True, slots=True)
class SynapseStage:
    """One synapse, of no run.

    Attributes:
        plan: the protocol.
    """

    plan: Plan
    diverged: list[str] = field(default_factory=list)

    def work(self, condition: Condition) -> int:
        """See `Stage`."""
        return 1

    def live(self, condition: Condition, seed: int, advance: Callable[[], Any]) -> Lived:
        """See `Stage`."""
        found = pairings(condition, seed)
        advance()
        return more(found, self.plan)


@dataclass(frozen=True, slots=True)
class CircuitStage:
    """A circuit of every seed, cut out once.

    Attributes:
        origin: where the network comes from.
    """

    origin: Origin
    diverged: list[str] = field(default_factory=list)
    circuits: dict[int, Circuit] = field(default_factory=dict)

    def work(self, condition: Condition) -> int:
        """See `Stage`."""
        return 1

    def live(self, condition: Condition, seed: int, advance: Callable[[], Any]) -> Lived:
        """See `Stage`."""
        if seed not in self.circuits:
            self.circuits[seed] = cut(self.origin.subject("own", seed))
        found = pulse(self.circuits[seed], condition, seed)
        advance()
        return more(found, self.origin.plan)


@dataclass(frozen=True, slots=True)
class FrozenStage:
    """A network that does not learn, one subject of every condition.

    Attributes:
        origin: where subjects come from.
        find: what a condition finds on a subject with a seed.
    """

    origin: Origin
    find: Callable[[Subject, Condition, int], dict[str, Found]]
    diverged: list[str] = field(default_factory=list)

    def work(self, condition: Condition) -> int:
        """See `Stage`."""
        return 1

    def live(self, condition: Condition, seed: int, advance: Callable[[], Any]) -> Lived:
        """See `Stage`."""
        found = self.find(self.origin.subject("own", seed), condition, seed)
        advance()
        return more(found, self.origin.plan)


class NetworkStage:
    """Subjects that learn; what conditions of a seed have in common is lived once.

    Args:
        origin: where subjects come from.
        steps: plasticity steps of every condition.

    Raises:
        ConfigError: a fixation without a single step, or an event of a population that there is not.
    """

    def __init__(self, origin: Origin, steps: int) -> None:
        conditions = origin.plan.conditions
        self.origin, self.measures = origin, origin.plan.head.measures
        self._check_populations(conditions)
        self.counts = {condition.label: steps_of(condition, steps) for condition in conditions}
        self.common = shared(conditions)
        self.diverged: list[str] = []
        self.read_outs: dict[str, float] = {}
        self.memories: dict[Key, Memory] = {}
        self.seed: int | None = None

    def _check_populations(self, conditions: Sequence[Condition]) -> None:
        """Before anything is lived; the network is built where an event names populations, and only there."""
        names: list[str] = []
        for condition in conditions:
            for number, event in enumerate(condition.events):
                asked = getattr(event, "populations", None) or ()
                names = names or (self.origin.run.initial().names if asked else [])
                for name in asked:
                    if name not in names:
                        raise ConfigError(
                            f"conditions.{condition.label}.events[{number}].populations: expected names among {', '.join(names)}, "
                            f"got {name!r}{nearest(str(name), names)}"
                        )

    def work(self, condition: Condition) -> int:
        """See `Stage`."""
        return sum(self.counts[condition.label])

    def live(self, condition: Condition, seed: int, advance: Callable[[], Any]) -> Lived:
        """See `Stage`."""
        if seed != self.seed:
            self.seed, self.memories = seed, {}
        subject = self.origin.subject(condition.wiring, seed)
        probing = Probing(subject, self.measures, self.read_outs, self.origin.plan.measured)
        found: dict[str, dict[str, Value]] = {}
        known = [n for n in range(1, len(condition.events) + 1) if key(condition, n) in self.memories]
        lived = known[-1] if known else 0
        for number, event in enumerate(condition.events):
            if isinstance(event, Fixation):
                steps = self.counts[condition.label][number]
                if number >= lived:
                    try:
                        subject.fixate(event, steps, advance)
                    except Diverged as error:
                        return {**found, **self._diverged(condition, seed, subject, found, error)}
                for _ in range(steps if number < lived else 0):
                    advance()
            elif isinstance(event, Act):  # again where it was lived before: what it set is no part of a memory
                subject.happen(event)
            elif not isinstance(event, Probe):
                subject.set(_setting(event))
            elif number >= lived:
                found[event.name] = probing.measure()
            here = key(condition, number + 1)
            if number + 1 == lived:
                found = recall(self.memories[here], subject, probing)
            elif number + 1 > lived and here in self.common:
                self.memories[here] = keep(subject, probing, found)
        return dict(found)

    def _diverged(
        self, condition: Condition, seed: int, subject: Subject, found: Mapping[str, Any], error: Diverged
    ) -> dict[str, dict[str, Value]]:
        """Tell it; what the probes still to come would have found is not a number."""
        self.diverged.append(f"{condition.label}, seed {seed}")
        beside(f"conditions.{condition.label}, seed {seed}: {error}")
        each = dict.fromkeys(subject.network.names, math.nan)
        nothing: dict[str, Value] = {
            name: dict(each) if row.per_population else math.nan for name, row in self.origin.plan.measured.items()
        }
        return {name: dict(nothing) for name in condition.probes if name not in found}


def _setting(event: Event) -> Gamma | Apical | Contingency | Saccade:
    assert isinstance(event, Gamma | Apical | Contingency | Saccade)
    return event

"""Where conditions are lived: the rate network that learns or adapts, a circuit of it replayed with spikes or read out, or one synapse."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ...models.spiking import Circuit
from ...plasticity import ClappPP
from ..progress import beside
from ..runs.trained import Trained
from .circuit import Found, cut, pulse
from .events import Apical, Contingency, Event, Fixation, Gamma, Probe, Saccade
from .glances import Looking
from .measures import Probing, Value
from .preflight import steps_of
from .protocol import Condition
from .protocol import Protocol as Plan
from .quantities import MEASURES
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

    run: Trained[ClappPP]
    start: Path | None
    plan: Plan

    def subject(self, wiring: str, seed: int) -> Subject:
        """One that has lived through nothing yet."""
        head = self.plan.head
        # glances of the repetition, not those of the training
        batches = replace(self.run.batches, seed=seed)
        looking = Looking(batches, head.stimuli, self.run.config.training.batch)
        return Subject(self.run, wiring, self.start, looking, head.learning_rate)


@dataclass(frozen=True, slots=True)
class SynapseStage:
    """One synapse, of no run."""

    diverged: list[str] = field(default_factory=list)

    def work(self, condition: Condition) -> int:
        """See `Stage`."""
        return 1

    def live(self, condition: Condition, seed: int, advance: Callable[[], Any]) -> Lived:
        """See `Stage`."""
        found: Lived = dict(pairings(condition, seed))
        advance()
        return found


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
        found: Lived = dict(pulse(self.circuits[seed], condition, seed))
        advance()
        return found


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
        found: Lived = dict(self.find(self.origin.subject("own", seed), condition, seed))
        advance()
        return found


class NetworkStage:
    """Subjects that learn; what conditions of a seed have in common is lived once.

    Args:
        origin: where subjects come from.
        steps: plasticity steps of every condition.

    Raises:
        ConfigError: a fixation without a single step.
    """

    def __init__(self, origin: Origin, steps: int) -> None:
        conditions = origin.plan.conditions
        self.origin, self.measures = origin, origin.plan.head.measures
        self.counts = {condition.label: steps_of(condition, steps) for condition in conditions}
        self.common = shared(conditions)
        self.diverged: list[str] = []
        self.read_outs: dict[str, float] = {}
        self.memories: dict[Key, Memory] = {}
        self.seed: int | None = None

    def work(self, condition: Condition) -> int:
        """See `Stage`."""
        return sum(self.counts[condition.label])

    def live(self, condition: Condition, seed: int, advance: Callable[[], Any]) -> Lived:
        """See `Stage`."""
        if seed != self.seed:
            self.seed, self.memories = seed, {}
        subject = self.origin.subject(condition.wiring, seed)
        probing = Probing(subject, self.measures, self.read_outs)
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
            name: dict(each) if MEASURES[name].per_population else math.nan for name in self.measures
        }
        return {name: dict(nothing) for name in condition.probes if name not in found}


def _setting(event: Event) -> Gamma | Apical | Contingency | Saccade:
    assert isinstance(event, Gamma | Apical | Contingency | Saccade)
    return event

"""What conditions have in common is lived once: a copy of the subject where their ways part.

Conditions of one seed see the same glances and start from the same weights. Those whose first events are equal are equal until then, to the
bit; only there, and only where another condition will go on, a copy of weights, moments and measurements is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .measures import Probing, Value
from .protocol import Condition
from .subject import Copy, Subject

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """A subject after some events.

    Attributes:
        learnt: weights, buffers, moments and the optimiser's state.
        steps_done: plasticity steps.
        first, selected: what the first probe has left.
        begun: whether there was one.
        found: measurements so far.
    """

    learnt: Copy
    steps_done: int
    first: dict[str, Tensor]
    selected: Tensor | None
    begun: bool
    found: dict[str, dict[str, Value]]


def shared(conditions: Sequence[Condition]) -> set[Key]:
    """First events that a condition has in common with a later one, the longest of each pair."""
    keys: set[Key] = set()
    for i, one in enumerate(conditions):
        for other in conditions[i + 1 :]:
            alike = 0
            for a, b in zip(one.events, other.events, strict=False):
                if a != b:
                    break
                alike += 1
            if alike and one.wiring == other.wiring:
                keys.add(key(one, alike))
    return keys


def key(condition: Condition, count: int) -> Key:
    """The first events of a condition."""
    return (condition.wiring, *((type(event).__name__, event) for event in condition.events[:count]))


def keep(subject: Subject, probing: Probing, found: dict[str, dict[str, Value]]) -> Memory:
    """Copy a subject."""
    return Memory(
        subject.copy(),
        subject.steps_done,
        probing.first,
        probing.selected,
        probing.begun,
        dict(found),
    )


def recall(memory: Memory, subject: Subject, probing: Probing) -> dict[str, dict[str, Value]]:
    """Make a fresh subject the one that was copied; its settings are not part of it."""
    subject.become(memory.learnt)
    subject.steps_done = memory.steps_done
    probing.first, probing.selected, probing.begun = memory.first, memory.selected, memory.begun
    return dict(memory.found)

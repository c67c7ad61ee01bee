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
from .subject import Subject

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """A subject after some events.

    Attributes:
        tensors: weights, buffers and moments.
        optimiser: steps done by AdamW, whether adaptive, and held step sizes.
        steps_done: plasticity steps.
        first, selected: what the first probe has left.
        begun: whether there was one.
        found: measurements so far.
    """

    tensors: dict[str, Tensor]
    optimiser: tuple[int, bool, dict[str, float]]
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
    tensors = {name: tensor.clone() for name, tensor in _tensors(subject).items()}
    return Memory(
        tensors,
        subject.optimiser.state(),
        subject.steps_done,
        probing.first,
        probing.selected,
        probing.begun,
        dict(found),
    )


def recall(memory: Memory, subject: Subject, probing: Probing) -> dict[str, dict[str, Value]]:
    """Make a fresh subject the one that was copied; its settings are not part of it."""
    for name, tensor in _tensors(subject).items():
        tensor.copy_(memory.tensors[name])
    subject.optimiser.recall(memory.optimiser)
    subject.engine.refresh()
    subject.steps_done = memory.steps_done
    probing.first, probing.selected, probing.begun = memory.first, memory.selected, memory.begun
    return dict(memory.found)


def _tensors(subject: Subject) -> dict[str, Tensor]:
    moments = {f"moments.{name}": tensor for name, tensor in subject.optimiser.tensors().items()}
    return {**subject.network.weights(), **subject.network.buffers, **moments}

"""What engines and checkpoints ask of an optimiser, and what all of them share."""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, runtime_checkable

from torch import Tensor

from ..errors import ModelError


class Taking(Protocol):
    """What takes the changes of one step."""

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Take the change of a weight, or of a block of its rows."""
        ...


@runtime_checkable
class Gated(Protocol):
    """What takes a change or leaves it as a number on the device says, which the host never reads."""

    def apply_unless(
        self, resting: Tensor, name: str, weight: Tensor, change: Tensor, block: slice | None = None
    ) -> None:
        """As `apply`; nothing moves, moments included, where `resting`, a float32 scalar, is 1 and not 0."""
        ...


class Optimiser(Taking, Protocol):
    """What an engine asks of an optimiser.

    Attributes:
        learning_rate: of the next step; a schedule sets it.
    """

    learning_rate: float

    def register(self, name: str, weight: Tensor) -> None:
        """Make ready for a weight."""
        ...

    def advance(self) -> None:
        """Begin the next step."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """What a checkpoint asks of an optimiser."""

    learning_rate: float

    def tensors(self) -> dict[str, Tensor]:
        """Everything it remembers, by name; the tensors themselves, not copies."""
        ...

    def restore(self, step: int) -> None:
        """Continue after `step` steps; the tensors are filled by who holds them."""
        ...


def together(optimiser: Taking) -> AbstractContextManager[None]:
    """Changes that are applied inside may be taken at its end, by fewer kernels; only what says so waits."""
    waits: Callable[[], AbstractContextManager[None]] | None = getattr(optimiser, "together", None)
    return nullcontext() if waits is None else waits()


@runtime_checkable
class Sizing(Protocol):
    """What scales a step to the size of the whole change, also where that comes in blocks of rows."""

    def size(self, name: str, weight: Tensor, square: Tensor, along: Tensor) -> None:
        """Be told of a change before its blocks come.

        Args:
            name, weight: whose change.
            square: |change|^2, a scalar.
            along: <change, weight>, a scalar.
        """
        ...


def sizing(optimiser: Taking) -> Sizing | None:
    """The optimiser that wants to be told of sizes, itself or behind those that pass changes on to it; None where none does."""
    while not isinstance(optimiser, Sizing):
        inner: Taking | None = getattr(optimiser, "inner", None)
        if inner is None:
            return None
        optimiser = inner
    return optimiser


def check_range(name: str, value: float, top: float = math.inf) -> None:
    """Refuse a hyperparameter outside [0, top)."""
    if not (0 <= value < top):
        raise ModelError(f"optimiser.{name}: expected at least 0 and below {top}, got {value!r}")


def rate_of(name: str, learning_rate: float, factors: Mapping[str, float]) -> float:
    """Learning rate of a weight: that of the optimiser times the factor of its population, which its name begins with."""
    return learning_rate * factors.get(name.partition(".")[0], 1.0)

"""An optimiser that measures what it does: how far a rule drives every weight, and how far the weight then moves."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .base import Taking


@dataclass(frozen=True, slots=True)
class Move:
    """One step of one weight, as Euclidean norms over all its entries, scalars in float64.

    Attributes:
        drive: of the change that the rule gave, before learning rate and optimiser.
        change: of what the weight moved by: W after the step minus W before it, weight decay included.
    """

    drive: Tensor
    change: Tensor


@dataclass(slots=True)
class Measured:
    """Stands where another optimiser stands for one step, and notes what each weight is given and does.

    It holds a copy of no more than is changed at a time: apical weights come in blocks of rows on a CPU.

    Args:
        inner: who takes the changes.
    """

    inner: Taking
    _squares: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Pass the change on, and measure it and what came of it."""
        target = weight if block is None else weight[block]
        drive, before = _square(change), target.clone()
        self.inner.apply(name, weight, change, block)
        moved = _square(before.sub_(target))
        if name in self._squares:
            driven, went = self._squares[name]
            drive, moved = driven + drive, went + moved
        self._squares[name] = drive, moved

    def move(self, *names: str) -> Move:
        """What these weights did in this step, together; nothing where none of them was given a change."""
        found = [self._squares[name] for name in names if name in self._squares]
        if not found:
            return Move(torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64))
        drive, moved = (torch.stack(squares).sum().sqrt() for squares in zip(*found, strict=True))
        return Move(drive, moved)


def _square(change: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(change, dtype=torch.float64)
    return norm.square()

"""An optimiser that keeps changes instead of applying them: what a step would do, from the engine itself."""

import torch
from torch import Tensor


class Collector:
    """Stands where AdamW stands; one engine step fills `changes` and leaves every weight as it was.

    Attributes:
        changes: change of every weight in the last step, -gradient of its objective, by name; weights that the step did not reach are
            missing.
    """

    def __init__(self) -> None:
        self.changes: dict[str, Tensor] = {}
        self.learning_rate = 0.0

    def register(self, name: str, weight: Tensor) -> None:
        """Nothing to prepare."""

    def advance(self) -> None:
        """Forget the step before."""
        self.changes = {}

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Keep a copy of the change of `weight`, or of a block of its rows."""
        if block is None:
            self.changes[name] = torch.empty_like(weight).copy_(change)
            return
        if name not in self.changes:
            self.changes[name] = torch.zeros_like(weight)
        self.changes[name][block] = change

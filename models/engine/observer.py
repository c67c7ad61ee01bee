"""Who watches the steps of an engine."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from ...plasticity import Factors, Signals
from ..optimisers.measured import Move
from ..populations.conv import Activity, Population


class Observer(Protocol):
    """Who watches a step. Called once per population, before its activity is freed; must not keep its tensors alive, copies of a few rows aside."""

    def local(
        self, population: Population, activity: Activity, signals: Signals, factors: Factors, moves: Mapping[str, Move]
    ) -> None:
        """Signals and factors of one population, and how its weights moved: `basal`, and each context source."""
        ...

    def backprop(self, population: Population, activity: Activity, moves: Mapping[str, Move]) -> None:
        """The same for an end-to-end rule, which has no apical side."""
        ...

    def block(self, name: str, move: Move, norm: Tensor) -> None:
        """How the weights of one block moved, which has no compartments, and their norm."""
        ...

"""Who watches the steps of an engine."""

from typing import Protocol

from torch import Tensor

from ...plasticity import Factors, Signals
from ..populations.conv import Activity, Population


class Observer(Protocol):
    """Who watches a step. Called once per population, before its activity is freed; must not keep tensors alive."""

    def local(
        self, population: Population, activity: Activity, signals: Signals, factors: Factors, squares: dict[str, Tensor]
    ) -> None:
        """Signals, factors and squared norms of the changes (`basal`, and each context source) of one population."""
        ...

    def backprop(self, population: Population, activity: Activity, squares: dict[str, Tensor]) -> None:
        """The same for an end-to-end rule, which has no apical side."""
        ...

    def block(self, name: str, change: Tensor, weight: Tensor) -> None:
        """Squared norms of the change and of the weights of one block, which has no compartments."""
        ...

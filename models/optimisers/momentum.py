"""Momentum: what optimisers that add up velocities share."""

from collections.abc import Mapping

import torch
from torch import Tensor

from .base import check_range, rate_of


class Momentum:
    """m <- mu m + step, w <- w + lr m over named weights.

    Args:
        learning_rate, momentum, weight_decay: as in `torch.optim.SGD`.
        factors: factor on the learning rate of the weights of a population, by its name; 1 where it has none.

    Raises:
        ModelError: a hyperparameter outside its range.
    """

    def __init__(
        self,
        *,
        learning_rate: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        check_range("learning_rate", learning_rate)
        check_range("momentum", momentum, 1.0)
        check_range("weight_decay", weight_decay)
        self.learning_rate, self.momentum, self.weight_decay = learning_rate, momentum, weight_decay
        self.factors = dict(factors or {})
        self.velocities: dict[str, Tensor] = {}

    def register(self, name: str, weight: Tensor) -> None:
        """Allocate the velocity of a weight."""
        self.velocities[name] = torch.zeros_like(weight)

    def advance(self) -> None:
        """Nothing depends on the number of the step."""

    def tensors(self) -> dict[str, Tensor]:
        """See `Resumable`."""
        return {f"{name}.velocity": velocity for name, velocity in self.velocities.items()}

    def restore(self, step: int) -> None:
        """See `Resumable`."""

    def rate(self, name: str) -> float:
        """Learning rate of a weight."""
        return rate_of(name, self.learning_rate, self.factors)

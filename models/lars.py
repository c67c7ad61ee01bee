"""LARS on explicit changes: momentum whose every step is scaled to the size of the weight (You, Gitman & Ginsburg 2017, arXiv 1708.03888).

    g = -change + wd w,  q = trust |w| / |g|  (1 where either is 0),  m <- mu m + q g,  w <- w - lr m

Biases and gains, weights of one dimension, have neither decay nor scaling (q = 1), as in the code of Barlow Twins and VICReg.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from .errors import ModelError
from .optimiser import check_range


class LARS:
    """LARS over named weights.

    Args:
        learning_rate, momentum, weight_decay: as in `SGD`.
        trust: the size of a step in units of the weight's, at learning rate 1.
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
        trust: float = 0.001,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        check_range("learning_rate", learning_rate)
        check_range("momentum", momentum, 1.0)
        check_range("weight_decay", weight_decay)
        check_range("trust", trust)
        self.learning_rate, self.momentum, self.weight_decay, self.trust = learning_rate, momentum, weight_decay, trust
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

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight` along `change` = -gradient.

        Raises:
            ModelError: only a block of the weight is given; its scale needs the whole.
        """
        if block is not None:
            raise ModelError(
                f"{name}.change: expected the whole change for lars, got a block of it; use adamw for apical weights"
            )
        rate = self.learning_rate * self.factors.get(name.partition(".")[0], 1.0)
        step = change
        if weight.dim() > 1:
            step = change.sub(weight, alpha=self.weight_decay)
            size, length = torch.linalg.vector_norm(weight), torch.linalg.vector_norm(step)
            step = step * torch.where((size > 0) & (length > 0), self.trust * size / length, 1.0)
        velocity = self.velocities[name]
        velocity.mul_(self.momentum).add_(step)
        weight.add_(velocity, alpha=rate)

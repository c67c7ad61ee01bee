"""LARS on explicit changes: momentum whose every step is scaled to the size of the weight (You, Gitman & Ginsburg 2017, arXiv 1708.03888).

    g = -change + wd w,  q = trust |w| / |g|  (1 where either is 0),  m <- mu m + q g,  w <- w - lr m

Biases and gains, weights of one dimension, have neither decay nor scaling (q = 1), as in the code of Barlow Twins and VICReg.
"""

from typing import Any

import torch
from torch import Tensor

from ..errors import ModelError
from .base import check_range
from .momentum import Momentum


class LARS(Momentum):
    """LARS over named weights.

    Args:
        trust: the size of a step in units of the weight's, at learning rate 1.
        others: as in `Momentum`.

    Raises:
        ModelError: a hyperparameter outside its range.
    """

    def __init__(self, *, trust: float = 0.001, **others: Any) -> None:
        super().__init__(**others)
        check_range("trust", trust)
        self.trust = trust

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight` along `change` = -gradient.

        Raises:
            ModelError: only a block of the weight is given; its scale needs the whole.
        """
        if block is not None:
            raise ModelError(
                f"{name}.change: expected the whole change for lars, got a block of it; use adamw for apical weights"
            )
        step = change
        if weight.dim() > 1:
            step = change.sub(weight, alpha=self.weight_decay)
            size, length = torch.linalg.vector_norm(weight), torch.linalg.vector_norm(step)
            step = step * torch.where((size > 0) & (length > 0), self.trust * size / length, 1.0)
        velocity = self.velocities[name]
        velocity.mul_(self.momentum).add_(step)
        weight.add_(velocity, alpha=self.rate(name))

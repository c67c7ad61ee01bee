"""LARS on explicit changes: momentum whose every step is scaled to the size of the weight (You, Gitman & Ginsburg 2017, arXiv 1708.03888).

    g = -change + wd w,  q = trust |w| / |g|  (1 where either is 0),  m <- mu m + q g,  w <- w - lr m

The size of a change that comes in blocks, that of apical weights, is known before the first of them: dB = P^T C is an outer product, so that
|dB|^2 = sum_ij (P P^T)_ij (C C^T)_ij over rows i, j of the batch, and <dB, B> = sum P (C B^T).

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
        self._scales: dict[str, Tensor] = {}  # of weights whose change comes in blocks

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight`, or a block of its rows, along `change` = -gradient.

        Raises:
            ModelError: a block of a weight of whose whole change it was not told by `size`.
        """
        target, velocity = weight, self.velocities[name]
        if block is not None:
            if name not in self._scales:
                raise ModelError(
                    f"{name}.change: expected the whole change for lars, or its size first, got a block of it; use adamw"
                )
            target, velocity = weight[block], velocity[block]
        step = change
        if weight.dim() > 1:
            step = change.sub(target, alpha=self.weight_decay)
            length = torch.linalg.vector_norm(step)
            step = step * (self._scale(weight, length) if block is None else self._scales[name])
        velocity.mul_(self.momentum).add_(step)
        target.add_(velocity, alpha=self.rate(name))

    def size(self, name: str, weight: Tensor, square: Tensor, along: Tensor) -> None:
        """See `Sizing`: |change - wd w|^2 = |change|^2 - 2 wd <change, w> + wd^2 |w|^2."""
        decay = self.weight_decay
        length = square - 2 * decay * along + decay**2 * torch.linalg.vector_norm(weight).square()
        self._scales[name] = self._scale(weight, length.clamp(min=0).sqrt())

    def _scale(self, weight: Tensor, length: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(weight)
        return torch.where((size > 0) & (length > 0), self.trust * size / length, 1.0)

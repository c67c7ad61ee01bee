"""Gradient descent with momentum on explicit changes.

Equal to `torch.optim.SGD`: g = -change + wd w, m <- mu m + g, w <- w - lr m.
"""

import torch
from torch import Tensor

from .momentum import Momentum


class SGD(Momentum):
    """SGD with momentum over named weights; arguments as in `Momentum`."""

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight` (or a block of its rows) along `change` = -gradient."""
        velocity = self.velocities[name]
        if block is not None:
            weight, velocity = weight[block], velocity[block]
        velocity.mul_(self.momentum).add_(change).sub_(weight, alpha=self.weight_decay)
        weight.add_(velocity, alpha=self.rate(name))

    def apply_unless(
        self, resting: Tensor, name: str, weight: Tensor, change: Tensor, block: slice | None = None
    ) -> None:
        """See `Gated`."""
        velocity = self.velocities[name]
        if block is not None:
            weight, velocity = weight[block], velocity[block]
        moved = (velocity * self.momentum).add_(change).sub_(weight, alpha=self.weight_decay)
        velocity.copy_(torch.where(resting == 1, velocity, moved))
        weight.add_(torch.where(resting == 1, 0, velocity), alpha=self.rate(name))

"""Gradient descent with momentum on explicit changes.

Equal to `torch.optim.SGD`: g = -change + wd w, m <- mu m + g, w <- w - lr m.
"""

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

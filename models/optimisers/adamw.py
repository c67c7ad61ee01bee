"""AdamW on explicit changes, applied block by block with PyTorch's fused kernel.

Loshchilov and Hutter 2019: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- (1 - lr wd) w - lr m^ / (sqrt(v^) + eps), with g = -change.
Equal to `torch.optim.AdamW`; written out because the optimiser class needs a whole gradient per parameter, and here it comes in blocks on
a CPU, or for the areas in use alone. The correction of the moments' bias counts the steps of the run, for blocks that rested as well.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from .base import check_range, rate_of


class AdamW:
    """AdamW over named weights.

    Args:
        learning_rate, weight_decay, beta1, beta2, eps: as in `torch.optim.AdamW`.
        factors: factor on the learning rate of the weights of a population, by its name; 1 where it has none.

    Raises:
        ModelError: a hyperparameter outside its range.
    """

    def __init__(
        self,
        *,
        learning_rate: float,
        weight_decay: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        check_range("learning_rate", learning_rate)
        check_range("weight_decay", weight_decay)
        check_range("beta1", beta1, 1.0)
        check_range("beta2", beta2, 1.0)
        check_range("eps", eps)
        self.factors = dict(factors or {})
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}
        self.step = 0
        self._steps: dict[torch.device, Tensor] = {}

    def register(self, name: str, weight: Tensor) -> None:
        """Allocate the moments of a weight."""
        self.moments[name] = (torch.zeros_like(weight), torch.zeros_like(weight))

    def tensors(self) -> dict[str, Tensor]:
        """See `Resumable`."""
        return {
            f"{n}.{k}": m for n, pair in self.moments.items() for k, m in zip(("first", "second"), pair, strict=True)
        }

    def restore(self, step: int) -> None:
        """See `Resumable`."""
        self.step = step
        self._steps.clear()

    def advance(self) -> None:
        """Begin the next step; call once before the changes of a step are applied."""
        self.step += 1
        for counter in self._steps.values():
            counter.fill_(self.step)

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight` (or a block of its rows) along `change` = -gradient."""
        first, second = self.moments[name]
        target = weight
        if block is not None:
            target, first, second = weight[block], first[block], second[block]
        if change.stride() != target.stride():
            # The kernel walks both in storage order: another layout would silently mix up the weights.
            change = torch.empty_like(target).copy_(change)
        values, gradient, mean, square = target, change, first, second
        if not target.is_contiguous():
            # The same storage in its own order: the kernel copies what it does not find contiguous, channels-last kernels above all.
            order = sorted(range(target.dim()), key=target.stride, reverse=True)
            values, gradient, mean, square = (tensor.permute(order) for tensor in (target, change, first, second))
        counter = self._steps.get(weight.device)
        if counter is None:
            counter = self._steps[weight.device] = torch.tensor(float(self.step), device=weight.device)
        torch._fused_adamw_(
            [values], [gradient], [mean], [square], [], [counter],
            lr=rate_of(name, self.learning_rate, self.factors), beta1=self.beta1, beta2=self.beta2,
            weight_decay=self.weight_decay, eps=self.eps, amsgrad=False, maximize=True,
        )  # fmt: skip

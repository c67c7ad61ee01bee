"""AdamW on explicit changes, applied block by block with PyTorch's fused kernel.

Loshchilov and Hutter 2019: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- (1 - lr wd) w - lr m^ / (sqrt(v^) + eps), with g = -change.
Equal to `torch.optim.AdamW`; written out because the optimiser class needs a whole gradient per parameter, and here it comes in blocks on
a CPU, or for the areas in use alone. The correction of the moments' bias counts the steps of the run, for blocks that rested as well.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from .base import check_range

Laid = tuple[Tensor, Tensor, Tensor, Tensor]  # weight, gradient and both moments, as the kernel walks them
Place = tuple[torch.device, torch.dtype, float]  # of weights that one kernel may move: their device, dtype and factor


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
        self._learning_rate, self.weight_decay = learning_rate, weight_decay
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}
        self.step = 0
        self._steps: dict[torch.device, Tensor] = {}
        self._rates: dict[Place, Tensor] = {}
        self._waiting: dict[Place, list[Laid]] | None = None

    @property
    def learning_rate(self) -> float:
        """Of the next step. On a GPU it is a number of the device's own: a captured step reads the one that was set last."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if value != self._learning_rate:
            self._learning_rate = value
            for (_, _, factor), rate in self._rates.items():
                rate.fill_(value * factor)

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
        for counter in self._steps.values():
            counter.fill_(step)

    def advance(self) -> None:
        """Begin the next step; call once before the changes of a step are applied."""
        self.step += 1
        for counter in self._steps.values():
            counter.add_(1)  # on the device itself, so that a captured step counts as well

    def repeated(self) -> None:
        """A captured step was done once more: its kernels counted on the device, and here nobody did."""
        self.step += 1

    @contextmanager
    def together(self) -> Iterator[None]:
        """Changes of weights on a GPU that are applied inside are all taken at its end, by one kernel."""
        self._waiting = {}
        try:
            yield
            for place, found in self._waiting.items():
                self._move(place, found)
        finally:
            self._waiting = None

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight` (or a block of its rows) along `change` = -gradient."""
        place, tensors = self._laid(name, weight, change, block)
        if self._waiting is None or weight.device.type == "cpu":
            self._move(place, [tensors])
        else:
            self._waiting.setdefault(place, []).append(tensors)

    def apply_unless(
        self, resting: Tensor, name: str, weight: Tensor, change: Tensor, block: slice | None = None
    ) -> None:
        """See `Gated`: the kernel's own switch against steps that overflowed."""
        place, tensors = self._laid(name, weight, change, block)
        self._move(place, [tensors], resting)

    def _laid(self, name: str, weight: Tensor, change: Tensor, block: slice | None) -> tuple[Place, Laid]:
        """Weight, gradient and moments as the kernel walks them."""
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
        place = (weight.device, weight.dtype, self.factors.get(name.partition(".")[0], 1.0))
        return place, (values, gradient, mean, square)

    def _move(self, place: Place, laid: list[Laid], resting: Tensor | None = None) -> None:
        device, _, factor = place
        counter = self._steps.get(device)
        if counter is None:
            counter = self._steps[device] = torch.full((), float(self.step), device=device)
        rate: float | Tensor = self._learning_rate * factor
        if device.type != "cpu":
            if place not in self._rates:
                self._rates[place] = torch.full((), self._learning_rate * factor, device=device)
            rate = self._rates[place]
        weights, gradients, means, squares = map(list, zip(*laid, strict=True))
        torch._fused_adamw_(
            weights, gradients, means, squares, [], [counter] * len(weights),
            lr=rate, beta1=self.beta1, beta2=self.beta2, weight_decay=self.weight_decay, eps=self.eps, amsgrad=False, maximize=True, found_inf=resting,
        )  # fmt: skip

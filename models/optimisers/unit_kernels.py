"""The step of SoftHebb: as long as the kernel is far from unit length, and as large as its largest entry says.

Journé et al. 2023, ICLR, arXiv 2209.11883:  D <- D / max|D| over the whole of a population's weights, then
W_k <- W_k + lr (| |W_k| - 1 | + 1e-10)^q D_k  for every kernel k.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import ModelError
from .base import check_range, rate_of

REST, FLOOR = 1e-10, 1e-30


class RadiusStep:
    """Steps that slow down as kernels reach unit length. Biases stay as they are.

    Args:
        learning_rate: lr, largest entry of a step one unit away from unit length.
        exponent: q.
        factors: factor on the learning rate of the weights of a population, by its name; 1 where it has none.

    Raises:
        ModelError: a hyperparameter outside its range.
    """

    def __init__(
        self, *, learning_rate: float, exponent: float = 0.5, factors: Mapping[str, float] | None = None
    ) -> None:
        check_range("learning_rate", learning_rate)
        check_range("exponent", exponent)
        self.learning_rate, self.exponent = learning_rate, exponent
        self.factors = dict(factors or {})

    def register(self, name: str, weight: Tensor) -> None:
        """Nothing to prepare; weights other than basal ones are refused."""
        if not name.endswith((".weight", ".bias")):
            raise ModelError(
                f"optimiser.name: expected adamw or sgd for {name}, which has no length to reach, got 'softhebb'"
            )

    def advance(self) -> None:
        """Nothing depends on the number of the step."""

    def tensors(self) -> dict[str, Tensor]:
        """See `Resumable`; the weights say everything."""
        return {}

    def restore(self, step: int) -> None:
        """See `Resumable`."""

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight` along `change`; the largest entry of a change needs the whole of it."""
        if block is not None:
            raise ModelError(f"{name}.block: expected a whole change for softhebb, got a part; use adamw or sgd")
        if name.endswith(".bias"):
            return
        across = tuple(range(1, weight.dim()))
        distance = (torch.linalg.vector_norm(weight, dim=across, keepdim=True) - 1).abs_().add_(REST)
        largest = torch.linalg.vector_norm(change, ord=float("inf")).add_(FLOOR)
        rate = rate_of(name, self.learning_rate, self.factors)
        weight.addcmul_(change, distance.pow_(self.exponent).mul_(rate / largest))

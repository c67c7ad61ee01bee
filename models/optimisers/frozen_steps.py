"""Step sizes that stay as they are, so that what a manipulation does to a change is what happens to the weight.

AdamW divides every change by the size that changes lately had: a change halved by a lesion would be applied in full. Held, the division stays
by the size they had before the lesion, one number for all synapses of a kind,

    dW = learning rate * change / (sqrt(mean v) + eps)        v: AdamW's second moment where it stands

(synapse by synapse, those that were silent all along would be thrown about by their first change), without momentum, which would carry changes on after they have ended, and without weight decay, which is no plasticity.
"""

import math

from torch import Tensor

from .adamw import AdamW
from .base import rate_of


class Held:
    """AdamW, and its step sizes held.

    Args:
        inner: AdamW without weight decay; registers weights and keeps the moments.
    """

    def __init__(self, inner: AdamW) -> None:
        self.inner = inner
        self._adaptive = True
        self._sizes: dict[str, float] = {}

    @property
    def adaptive(self) -> bool:
        """Whether steps are AdamW's own; False holds its step sizes as they are then."""
        return self._adaptive

    @adaptive.setter
    def adaptive(self, value: bool) -> None:
        if self._adaptive and not value:
            bias = 1 - self.inner.beta2**self.inner.step
            self._sizes = {
                name: math.sqrt(float(square.double().mean()) / bias)
                for name, (_, square) in self.inner.moments.items()
            }
        self._adaptive = value

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.inner.learning_rate = value

    @property
    def has_steps(self) -> bool:
        """Whether there are step sizes to hold."""
        return self.inner.step > 0

    def register(self, name: str, weight: Tensor) -> None:
        """See AdamW."""
        self.inner.register(name, weight)

    def tensors(self) -> dict[str, Tensor]:
        """See AdamW."""
        return self.inner.tensors()

    def restore(self, step: int) -> None:
        """See AdamW."""
        self.inner.restore(step)

    def state(self) -> tuple[int, bool, dict[str, float]]:
        """Steps done, whether adaptive, and held step sizes: all but the moments."""
        return self.inner.step, self._adaptive, dict(self._sizes)

    def recall(self, state: tuple[int, bool, dict[str, float]]) -> None:
        """Go on from a state; the moments are filled by who holds them."""
        step, self._adaptive, sizes = state
        self._sizes = dict(sizes)
        self.inner.restore(step)

    def advance(self) -> None:
        """Begin the next step."""
        if self.adaptive:
            self.inner.advance()

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move `weight` (or a block of its rows) along `change`."""
        if self.adaptive:
            self.inner.apply(name, weight, change, block)
            return
        target = weight if block is None else weight[block]
        rate = rate_of(name, self.learning_rate, self.inner.factors)
        target.add_(change.to(target.dtype), alpha=rate / (self._sizes[name] + self.inner.eps))

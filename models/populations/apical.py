"""The apical compartment: learned prediction e = B c from a context, and the change of B.

B is by far the largest thing in a network (201 M weights in a lateral VGG-6 against 16 M basal ones), so on a CPU its gradient never
exists as a whole: `descend` walks over blocks of rows, forming, using and dropping each. On a GPU the block is the whole of one B.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...plasticity import product
from ..optimisers.base import Taking

BLOCK_BYTES = 2 << 20  # rows of B per block: small enough that gradient, moments and copy meet in cache


@dataclass(slots=True)
class ApicalProjection:
    """Apical weights B of one population for one context source.

    Attributes:
        name: name in checkpoints, e.g. `conv3.dfb`.
        weight: B, (units, inputs), master copy.
        half: copy in bfloat16 for the products of a bf16 engine, or None.
    """

    name: str
    weight: Tensor
    half: Tensor | None = None

    def use_half(self) -> None:
        """Keep a bfloat16 copy beside the master: casting at every product costs more than the product."""
        self.half = self.weight.to(torch.bfloat16)

    def potential(self, context: Tensor) -> Tensor:
        """e = B c in the master's dtype, (rows, units), from c of (rows, inputs)."""
        if self.half is None:
            return product(context, self.weight)
        return product(context.to(torch.bfloat16), self.half).to(self.weight.dtype)

    def back(self, rate: Tensor) -> Tensor:
        """B^T z in the master's dtype, (rows, inputs), from rates of (rows, units): the same synapses read against their direction."""
        if self.half is None:
            return product(rate, self.weight.T)
        return product(rate.to(torch.bfloat16), self.half.T).to(self.weight.dtype)

    def descend(self, prediction: Tensor, context: Tensor, optimiser: Taking) -> None:
        """Apply dB = prediction^T c.

        Args:
            prediction: gamma * z at the row that predicted, (rows, units).
            context: c, (rows, inputs).
            optimiser: keeps the moments under `<name>.apical`.
        """
        units, inputs = self.weight.shape
        prediction, context = self._told(prediction), self._told(context)
        rows = max(1, min(units, BLOCK_BYTES // (4 * inputs))) if self.weight.device.type == "cpu" else units
        posts, pres = prediction.T.contiguous(), context.T.contiguous()
        for start in range(0, units, rows):
            block = slice(start, start + rows)
            change = product(posts[block], pres).to(self.weight.dtype)
            optimiser.apply(f"{self.name}.apical", self.weight, change, block)
            if self.half is not None:
                self.half[block].copy_(self.weight[block])

    def _told(self, signal: Tensor) -> Tensor:
        """A signal as the outer product sees it."""
        return signal if self.half is None else signal.to(torch.bfloat16)

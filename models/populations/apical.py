"""The apical compartment: learned prediction e = B c from a context, and the change of B.

B is by far the largest thing in a network (201 M weights in a lateral VGG-6 against 16 M basal ones), so on a CPU its gradient never
exists as a whole: `descend` walks over blocks of rows, forming, using and dropping each. On a GPU the block is the whole of one B.

Of several ranks each owns a block of rows of every B: potentials of own rows are gathered, changes of own rows need nobody else.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...plasticity import product
from ..optimisers.base import Taking, sizing
from ..optimisers.measured import Move
from ..ranks.ranks import ALONE, BACKWARDS, POTENTIALS, RECORDED, Ranks

WIDENS = hasattr(torch.ops.aten.mm, "dtype")  # PyTorch 2.8: bfloat16 in, float32 out, on a GPU
BLOCK_BYTES = 2 << 20  # rows of B per block: small enough that gradient, moments and copy meet in cache


@dataclass(slots=True)
class ApicalProjection:
    """Apical weights B of one population for one context source.

    Attributes:
        name: name in checkpoints, e.g. `conv3.dfb`.
        weight: B, (units, inputs), master copy; of several ranks the rows that this one owns.
        half: copy in bfloat16 for the products of a bf16 engine, or None.
        ranks: who owns the other rows.
        units: rows of the whole B; 0 for those of `weight`.
    """

    name: str
    weight: Tensor
    half: Tensor | None = None
    ranks: Ranks = ALONE
    units: int = 0

    def __post_init__(self) -> None:
        self.units = self.units or len(self.weight)

    @property
    def own(self) -> slice:
        """Rows of the whole B that stand here."""
        return self.ranks.own(self.units)

    def use_half(self) -> None:
        """Keep a bfloat16 copy beside the master: casting at every product costs more than the product."""
        self.half = self.weight.to(torch.bfloat16)

    def potential(self, context: Tensor) -> Tensor:
        """e = B c in the master's dtype, (rows, units), from c of (rows, inputs)."""
        found = self.here(context)
        if self.ranks.size == 1:
            return found
        return self.ranks.whole(found.T.contiguous(), self.units, POTENTIALS).T.contiguous()

    def here(self, context: Tensor) -> Tensor:
        """The potential at the own rows of B alone, (rows, own units)."""
        if self.half is None:
            return product(context, self.weight)
        return self._master(context.to(torch.bfloat16), self.half.T)

    def back(self, rate: Tensor) -> Tensor:
        """B^T z in the master's dtype, (rows, inputs), from rates of (rows, units): the same synapses read against their direction."""
        rate = rate[:, self.own]
        found = product(rate, self.weight.T) if self.half is None else self._master(rate.to(torch.bfloat16), self.half)
        return self.ranks.sum([found], [found], BACKWARDS)()[0]

    def descend(self, prediction: Tensor, context: Tensor, optimiser: Taking) -> None:
        """Apply dB = prediction^T c; on a GPU as a whole, and `renew` follows once the optimiser is done.

        Args:
            prediction: gamma * z at the row that predicted, (rows, units), or of the own units alone.
            context: c, (rows, inputs).
            optimiser: keeps the moments under `<name>.apical`.
        """
        units, inputs = self.weight.shape
        if prediction.shape[1] == self.units:
            prediction = prediction[:, self.own]
        prediction, context = self._told(prediction), self._told(context)
        if self.weight.device.type != "cpu":
            optimiser.apply(f"{self.name}.apical", self.weight, self._master(prediction.T, context))
            return
        rows = max(1, min(units, BLOCK_BYTES // (4 * inputs)))
        posts, pres = prediction.T.contiguous(), context.T.contiguous()
        if (sized := sizing(optimiser)) is not None:
            sized.size(f"{self.name}.apical", self.weight, *self._size(prediction, context))
        for start in range(0, units, rows):
            block = slice(start, start + rows)
            change = product(posts[block], pres).to(self.weight.dtype)
            optimiser.apply(f"{self.name}.apical", self.weight, change, block)
            if self.half is not None:
                self.half[block].copy_(self.weight[block])

    def rows(self, index: Tensor) -> Tensor:
        """Copies of some rows of the whole B, (rows, inputs), at every rank. Shapes: index int64 (rows,)."""
        own = self.own
        if self.ranks.size == 1:
            return self.weight[index]
        found = self.weight.new_zeros(len(index), self.weight.shape[1])
        here = (index >= own.start) & (index < own.stop)
        found[here] = self.weight[index[here] - own.start]
        return self.ranks.sum([found], [found], RECORDED)()[0]

    def norm(self) -> Tensor:
        """Euclidean norm of the whole B, a scalar."""
        return self._together(torch.linalg.vector_norm(self.weight))

    def moved(self, own: Move) -> Move:
        """How the whole B moved, from how the rows here did."""
        return Move(self._together(own.drive), self._together(own.change))

    def _together(self, norm: Tensor) -> Tensor:
        """The norm over all rows from that of the own ones."""
        if self.ranks.size == 1:
            return norm
        return self.ranks.sum([norm.square()[None]], [norm[None]], RECORDED)()[0][0].sqrt()

    def renew(self) -> None:
        """Copy what a GPU's optimiser has changed; on a CPU every block was copied while it was in cache."""
        if self.half is not None and self.weight.device.type != "cpu":
            self.half.copy_(self.weight)

    def _master(self, left: Tensor, right: Tensor) -> Tensor:
        """left right in the master's dtype, of shapes (m, k) and (k, n); a GPU's kernel rounds no bfloat16 in between and writes once."""
        if left.dtype == self.weight.dtype:
            return left @ right
        if left.device.type == "cpu" or self.weight.dtype != torch.float32 or not WIDENS:
            return product(left, right.T).to(self.weight.dtype)
        return torch.mm(left, right, out_dtype=self.weight.dtype)

    def _size(self, prediction: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """|dB|^2 and <dB, B> of dB = prediction^T c, from products of rows, without dB."""
        dtype = self.weight.dtype
        posts, pres = prediction.to(dtype), context.to(dtype)
        square = (product(posts, posts) * product(pres, pres)).sum()
        return square, (posts * product(pres, self.weight)).sum()

    def _told(self, signal: Tensor) -> Tensor:
        """A signal as the outer product sees it."""
        return signal if self.half is None else signal.to(torch.bfloat16)

"""Another machine on this one: every product and every sum is taken of operands whose last bit has moved.

Libraries sum in an order of their own on every processor, so that a result differs by eps times the sizes of its terms, however far the
terms cancel. Moving the operands by one unit in the last place does the same, and shows in one run which verdicts hang on it.

The move depends on the operand's bits, on the operation and its layout, and on the seed alone: as on a real machine the same operation on
the same numbers gives the same result, so that what must be equal bit for bit stays so. Operands with zeros in their last bits (zeros,
counts, halves) stand still: sums of these are exact everywhere.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# operands of an operation that are multiplied and summed, or summed
OPERANDS = {
    aten.mm: (0, 1), aten.mv: (0, 1), aten.bmm: (0, 1), aten.dot: (0, 1), aten.vdot: (0, 1),
    aten.addmm: (1, 2), aten.addmv: (1, 2), aten.addbmm: (1, 2), aten.baddbmm: (1, 2),
    aten.addmm_: (1, 2), aten.addmv_: (1, 2), aten.addbmm_: (1, 2), aten.baddbmm_: (1, 2),
    aten.convolution: (0, 1), aten.convolution_backward: (0, 1), aten._convolution: (0, 1),
    aten.sum: (0,), aten.mean: (0,), aten.var: (0,), aten.std: (0,), aten.var_mean: (0,), aten.linalg_vector_norm: (0,),
    aten.logsumexp: (0,), aten.native_batch_norm: (0,), aten.native_batch_norm_backward: (0, 1),
}  # fmt: skip
PRODUCTS = {aten.mm, aten.mv, aten.bmm, aten.addmm, aten.addmv, aten.baddbmm, aten.dot}
SUMS = {aten.sum, aten.mean, aten.linalg_vector_norm}
BITS = {torch.float32: (torch.int32, 8), torch.float64: (torch.int64, 16)}
HALF = {torch.bfloat16: torch.int16, torch.float16: torch.int16}
RARE = 64  # products in half precision are summed in single: one result in so many rounds the other way


class LastBit(TorchDispatchMode):
    """While active, products and sums come out as on another machine.

    Args:
        seed: which machine.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.moved = 0  # operands that were moved; a test of learning that moves none tests nothing

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, packet = kwargs or {}, func.overloadpacket
        operands = OPERANDS.get(packet)
        if operands is None or not isinstance(args[0], Tensor) or args[0].device.type != "cpu":
            return func(*args, **kwargs)
        if args[operands[0]].dtype in HALF:
            return self._rounded(func(*args, **kwargs), str(packet))
        moved = list(args)
        for place in operands:
            if isinstance(args[place], Tensor) and args[place].dtype in BITS and not _trivial(packet, args):
                moved[place] = self._moved(args[place], f"{packet} {place}")
        return func(*moved, **kwargs)

    def _salt(self, x: Tensor, words: str) -> int:
        return zlib.crc32(f"{self.seed} {words} {tuple(x.shape)} {x.stride()}".encode())

    def _moved(self, x: Tensor, words: str) -> Tensor:
        self.moved += 1
        kind, still = BITS[x.dtype]
        bits = x.detach().view(kind)
        up = _draw(bits, self._salt(x, words)) % 3 - 1
        return (bits + up * (bits & ((1 << still) - 1) != 0)).view(x.dtype)

    def _rounded(self, out: Any, words: str) -> Any:
        """A result in half precision, or several."""
        if isinstance(out, tuple | list):
            return type(out)(self._rounded(one, words) for one in out)
        if not isinstance(out, Tensor) or out.dtype not in HALF:
            return out
        self.moved += 1
        bits = out.detach().view(HALF[out.dtype])
        drawn = _draw(bits.int(), self._salt(out, words))
        up = (drawn % RARE == 0) * (drawn // RARE % 2 * 2 - 1)
        return out.view(HALF[out.dtype]).add_((up * (bits & 7 != 0)).to(bits.dtype)).view(out.dtype)


def _draw(bits: Tensor, salt: int) -> Tensor:
    """Whole numbers from 0 that look random, from bits and salt."""
    drawn = (bits ^ salt % 0x7FFFFFFF) * 0x2545F491
    drawn = (drawn ^ (drawn >> 15)) * 0x27220A95
    return (drawn ^ (drawn >> 13)) & 0x7FFFFFFF


def _trivial(packet: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Sums of one or two terms round alike everywhere, and a product that adds nothing up, as one with a table of ones, does too."""
    if packet in SUMS:
        dims = args[1] if len(args) > 1 and isinstance(args[1], list) and args[1] else range(args[0].dim())
        return math.prod(args[0].shape[d] for d in dims) <= 2
    if packet not in PRODUCTS:
        return False
    one, two = (args[place] for place in OPERANDS[packet])
    across = -2 if two.dim() > 1 else 0
    return bool(((one != 0).sum(-1) <= 1).all() or ((two != 0).sum(across) <= 1).all())

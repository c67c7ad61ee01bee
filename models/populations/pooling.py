"""Pooling at the end of a block: which places are put together, and how a factor goes back to them."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ModelError


@dataclass(frozen=True, slots=True)
class Pooling:
    """Square windows on a map, each of which leaves one place.

    Args:
        kind: `max`: the winner's value, and the factor goes to the winner; `avg`: the mean over the window, padding counted as zeros,
            and the factor is spread evenly.
        kernel: side of a window.
        stride: step from window to window; smaller than the kernel, windows overlap.
        padding: rim around the map, at most half a kernel.

    Raises:
        ModelError: an unknown kind, or numbers outside their range.
    """

    kind: Literal["max", "avg"] = "max"
    kernel: int = 2
    stride: int = 2
    padding: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("max", "avg"):
            raise ModelError(f"Pooling.kind: expected one of max, avg, got {self.kind!r}")
        for name, least in (("kernel", 1), ("stride", 1), ("padding", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ModelError(f"Pooling.{name}: expected a whole number of at least {least}, got {value!r}")
        if 2 * self.padding > self.kernel:
            raise ModelError(
                f"Pooling.padding: expected at most {self.kernel // 2}, half the kernel, got {self.padding}; lower it"
            )

    @property
    def overlaps(self) -> bool:
        """Whether a place may belong to several windows."""
        return self.stride < self.kernel

    def side(self, height: int, width: int) -> tuple[int, int] | None:
        """Places that remain of a map, or None where windows do not cover it evenly."""
        high, wide = (length + 2 * self.padding - self.kernel for length in (height, width))
        if high < 0 or wide < 0 or high % self.stride or wide % self.stride:
            return None
        return high // self.stride + 1, wide // self.stride + 1

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pooled map, (rows, channels, *side), and for `max` the flat position of every winner.

        Args:
            values: (rows, channels, height, width).
        """
        k, s, p = ([n, n] for n in (self.kernel, self.stride, self.padding))
        if self.kind == "avg":
            return F.avg_pool2d(values, k, s, p), None
        pooled, winner = torch.ops.aten.max_pool2d_with_indices(values, k, s, p)
        return pooled, winner

    def backward(self, field: Tensor, before: Tensor, winner: Tensor | None) -> Tensor:
        """A factor at the pooled places, handed back to the places before; for `max` written into `before`.

        Args:
            field: (rows, channels, *side).
            before: (rows, channels, height, width), read for its shape and layout alone.
            winner: from `forward`.
        """
        k, s, p = ([n, n] for n in (self.kernel, self.stride, self.padding))
        back: Tensor
        if winner is None:
            back = torch.ops.aten.avg_pool2d_backward(field, before, k, s, p, False, True, None)
        else:
            back = torch.ops.aten.max_pool2d_with_indices_backward.grad_input(
                field, before, k, s, p, [1, 1], False, winner, grad_input=before
            )
        return back

    def pack(self, winner: Tensor, width: int) -> Tensor:
        """Winners in the smallest integers that tell them: by how far each is from the first place of its window, instead of from that of the map.

        For 2x2 windows on maps up to 254 wide one byte, an eighth.

        Args:
            winner: from `forward`.
            width: of the map before the pool.
        """
        farthest = (self.kernel - 1) * (width + 1)
        dtype = next(
            (t for t in (torch.uint8, torch.int16, torch.int32) if farthest <= torch.iinfo(t).max), torch.int64
        )
        packed = torch.empty_like(winner, dtype=dtype)
        return torch.sub(winner, self._firsts(winner, width), out=packed)  # in one kernel on a GPU

    def unpack(self, packed: Tensor, width: int) -> Tensor:
        """What `pack` was given; winners that are not packed stay as they are."""
        if packed.dtype == torch.int64:
            return packed
        return packed + self._firsts(packed, width)

    def _firsts(self, winner: Tensor, width: int) -> Tensor:
        """Flat position of the first place of every window, (height, width) of the pooled map; a rim counts below 0."""
        down, across = winner.shape[2:]
        last = (down - 1) * self.stride * width + (across - 1) * self.stride
        rim = self.padding * (width + 1)
        places = torch.arange(-rim, last + 1 - rim, device=winner.device)
        return places.as_strided((down, across), (self.stride * width, self.stride))

    def potential(self, basal: Tensor, winner: Tensor | None) -> Tensor:
        """Potential behind a pooled rate: the winner's, or the mean over the window."""
        if winner is None:
            return self.forward(basal)[0]
        return basal.flatten(2).gather(2, winner.flatten(2)).view_as(winner)


MAX2 = Pooling()

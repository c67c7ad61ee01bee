"""Rims and patches of maps: what a convolution reads, and when it is faster to lay it out."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Padding = Literal["zeros", "reflect"]
PADDINGS: tuple[Padding, ...] = ("zeros", "reflect")

# On a CPU the convolution kernels are slow on small maps with many channels, and matrix products are not: 225 + 128 ms for the change
# and the sweep of 1024 channels at 4 x 4 places against 105 + 100 ms by patches (64 rows, float32, 2 cores).
PATCH_PLACES = {torch.bfloat16: 64}
# A mirrored rim is written out in any case, and few places keep the patches small: 186 + 74 ms for the change and the sweep of 1536 channels
# on 384 at 8 x 8 places against 64 + 70 ms by patches (10 rows, float32, 1 core).
MIRRORED_PLACES = 4096


def use_patches(pre: Tensor, mode: Padding = "zeros") -> bool:
    """Whether a map of this size and dtype is better computed from its patches."""
    if pre.device.type != "cpu":
        return False
    places = pre.shape[2] * pre.shape[3]
    few = mode == "reflect" and len(pre) * places <= MIRRORED_PLACES
    return few or places <= PATCH_PLACES.get(pre.dtype, 16)


def pad(pre: Tensor, padding: int, mode: Padding) -> Tensor:
    """The map (rows, channels, height, width) with its rim; channels-last stays channels-last."""
    if mode == "zeros":
        return F.pad(pre, (padding,) * 4)
    return F.pad(pre, (padding,) * 4, mode="reflect").contiguous(memory_format=torch.channels_last)


def unfold(pre: Tensor, kernel: tuple[int, int], padding: int, mode: Padding = "zeros", stride: int = 1) -> Tensor:
    """Patches of a map, (rows * places, kernel height * kernel width * inputs), channels last."""
    padded = pad(pre, padding, mode).permute(0, 2, 3, 1)
    windows = padded.unfold(1, kernel[0], stride).unfold(2, kernel[1], stride)
    return windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * pre.shape[1])

"""Patches: two places of one image as two glances, as CLAPP and Greedy InfoMax were first shown images.

Illing et al. 2021 cut an image into patches of 16 x 16 pixels, 8 apart, that never mix on their way up, and predict downwards: context is a
patch, target the patch in the same column k + 1 rows below. Covered here is k = 1, the nearest patch without overlap: one column and row
are drawn for all objects of a step, so that a saccade shows the same place of another image, and an image is flipped half the
time. Both patches serve as context and as target, as glances do. Not covered: several distances at once, which need a matrix each.

The network is built for a patch. Read-outs show it whole images, over which its convolutions run; the authors average over separate patches.
"""

import torch
from torch import Tensor

from ...errors import ConfigError
from .. import Stimulus
from ..images import moved

SIDE, STRIDE, ROWS = 16, 8, 2


def frame(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Shape of a patch of images of this shape.

    Raises:
        ConfigError: the image has no two patches below each other.
    """
    channels, height, width = shape
    least = SIDE + ROWS * STRIDE
    if height < least or width < SIDE:
        raise ConfigError(
            f"stimulus.image_size: expected at least {least} for patches, got {height} x {width}; raise it, or show glances"
        )
    return channels, SIDE, SIDE


def patches(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows 0..n-1: a patch of each object; rows n..2n-1: the patch below it.

    Returns:
        Images (2n, channels, 16, 16) and classes, int64 (2n,).
    """
    images = stimulus.train.at(index)
    flip = moved(torch.rand(len(index), generator=generator) < 0.5, images.device)
    images = torch.where(flip[:, None, None, None], images.flip(3), images)
    _, height, width = stimulus.shape
    top = _draw((height - SIDE) // STRIDE + 1 - ROWS, generator) * STRIDE
    left = _draw((width - SIDE) // STRIDE + 1, generator) * STRIDE
    column = images[..., left : left + SIDE]
    below = top + ROWS * STRIDE
    pairs = torch.cat([column[..., top : top + SIDE, :], column[..., below : below + SIDE, :]])
    return stimulus.still(pairs), stimulus.train.labels[moved(index, images.device)].repeat(2)


def _draw(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(0, count, (1,), generator=generator))

"""Hybrids: patchworks of two images, the negative data of unsupervised Forward-Forward.

Hinton 2022, arXiv 2212.13345: a random bit image is blurred again and again with [1/4, 1/2, 1/4] in both directions and cut at 1/2; what lies
inside comes from one image, the rest from another. Short-range structure is that of images, long-range structure is not. The blur runs
round the edges, so that neither image is favoured there; six blurs, whatever the size of the image.
"""

import torch
from torch import Tensor

from .. import Stimulus
from ..images import moved

BLURS = 6


def masks(
    count: int, height: int, width: int, generator: torch.Generator, device: torch.device | str = "cpu"
) -> Tensor:
    """Random blobs, bool (count, 1, height, width), on the device; bits are drawn by a CPU generator."""
    bits = torch.randint(0, 2, (count, 1, height, width), generator=generator)
    field = moved(bits.float(), torch.device(device))
    for _ in range(BLURS):
        for side in (2, 3):
            field = field / 2 + (field.roll(1, side) + field.roll(-1, side)) / 4
    return field > 0.5


def hybrids(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows 0..n-1: each object as it is stored; rows n..2n-1: its patchwork with the next object of the batch, without a class (-1).

    Returns:
        Images (2n, channels, height, width) and classes, int64 (2n,).
    """
    images = stimulus.train.at(index)
    label = stimulus.train.labels[moved(index, images.device)]
    _, _, height, width = images.shape
    inside = masks(len(index), height, width, generator, images.device)
    mixed = torch.where(inside, images, images.roll(-1, 0))
    return stimulus.still(torch.cat([images, mixed])), torch.cat([label, torch.full_like(label, -1)])

"""Separable resampling of image batches: crops with flips, and Gaussian blur, as one small matrix per image side.

A crop resized bilinearly, its mirror image and a blur act on rows and columns alone: y = R x C with R (H, H) and
C (W, W) for each sample. Two batched matrix products are faster than ``grid_sample`` on CPUs and, unlike it, never read
a pixel outside the crop.
"""

from __future__ import annotations

import torch
from torch import Tensor


def separable(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply y = rows x columns^T: images (m, C, H, W), rows (m, H', H), columns (m, W', W) -> (m, C, H', W')."""
    m, channels, height, width = images.shape
    across = torch.bmm(images.reshape(m, channels * height, width), columns.transpose(1, 2))
    return torch.matmul(rows[:, None], across.view(m, channels, height, -1))


def crop_matrix(start: Tensor, length: Tensor, side: int, mirror: Tensor | None = None) -> Tensor:
    """Return bilinear weights that stretch ``length`` pixels from ``start`` to the whole ``side``: (m, side, side).

    ``start`` and ``length`` (m,) are in pixels; ``mirror`` (m,) bool reverses the result. Pixel centres are at half
    integers, and positions beyond the outermost centres take the outermost pixel of the crop.
    """
    device = start.device
    steps = torch.arange(side, device=device, dtype=torch.float32)
    target = steps.expand(len(start), side)
    if mirror is not None:
        target = torch.where(mirror[:, None], side - 1 - target, target)
    within = (target + 0.5) * (length / side)[:, None] - 0.5
    position = start[:, None] + torch.minimum(within.clamp(min=0.0), length[:, None] - 1.0)
    return (1.0 - (position[:, :, None] - steps).abs()).clamp_(min=0.0)


def blur_width(side: int) -> int:
    """Return the number of taps of the blur: a tenth of the side, odd, at least 3."""
    return max(3, (side // 10) | 1)


def blur_matrix(sigma: Tensor, side: int) -> Tensor:
    """Return Gaussian weights of standard deviation ``sigma`` (m,) pixels, borders reflected: (m, side, side).

    sigma 0 gives the identity.
    """
    device, reach = sigma.device, blur_width(side) // 2
    shift = torch.arange(-reach, reach + 1, device=device)
    weight = torch.exp(-0.5 * (shift / sigma.clamp(min=1e-3)[:, None]) ** 2)
    weight = weight / weight.sum(1, keepdim=True)
    here = torch.arange(side, device=device)
    source = (here + shift[:, None]).abs()
    source = torch.where(source >= side, 2 * (side - 1) - source, source)
    taps = (source[:, :, None] == here).to(torch.float32)
    return (weight @ taps.view(len(shift), side * side)).view(-1, side, side)

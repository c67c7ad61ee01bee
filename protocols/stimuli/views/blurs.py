"""Corruptions that move light about: blurs along a disk, a stroke and a zoom, and elastic distortion.

All take images (n, C, H, W) in [0, 1], a strength in image sides (zoom: beyond 1) and a generator. Outside the image its mirror is seen.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

ZOOMS = 8


def _sampled(x: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _places(x: Tensor) -> Tensor:
    """Where every pixel is, in units of half sides, as ``grid_sample`` counts: (1, H, W, 2)."""
    height, width = x.shape[2:]
    y = (torch.arange(height, device=x.device) * 2 + 1) / height - 1
    across = (torch.arange(width, device=x.device) * 2 + 1) / width - 1
    rows, columns = torch.meshgrid(y, across, indexing="ij")
    return torch.stack([columns, rows], 2)[None]


def defocus_blur(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Convolution with a disk of that radius, its edge smoothed over a pixel."""
    radius = strength * min(x.shape[2:])
    reach = max(1, math.ceil(radius))
    line = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    distance = (line[:, None].square() + line[None].square()).sqrt()
    # the share of a pixel that lies within the radius; a radius below half a pixel leaves the middle alone
    disk = (radius + 0.5 - distance).clamp(0.0, 1.0)
    kernel = (disk / disk.sum()).expand(x.shape[1], 1, *disk.shape)
    return F.conv2d(F.pad(x, (reach,) * 4, mode="reflect"), kernel, groups=x.shape[1])


def motion_blur(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Mean over a straight stroke of that length, in a direction of each image's own."""
    angle = math.pi * torch.rand(len(x), generator=generator, device=x.device)
    length = strength * min(x.shape[2:])
    steps = max(3, 2 * round(length) + 1)
    half_sides = x.new_tensor([2.0 / x.shape[3], 2.0 / x.shape[2]])
    direction = torch.stack([angle.cos(), angle.sin()], 1) * half_sides
    total, places = torch.zeros_like(x), _places(x)
    for shift in torch.linspace(-length / 2, length / 2, steps).tolist():
        total += _sampled(x, places + shift * direction[:, None, None])
    return total / steps


def zoom_blur(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Mean over zooms into the middle, from none to 1 + strength."""
    total, places = torch.zeros_like(x), _places(x).expand(len(x), -1, -1, -1)
    for i in range(ZOOMS):
        total += _sampled(x, places / (1.0 + strength * i / (ZOOMS - 1)))
    return total / ZOOMS


def elastic(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Every place is taken from elsewhere: a smooth random field of displacements, of that mean length."""
    cells = 6
    draws = torch.randn(len(x), 2, cells, cells, generator=generator, device=x.device)
    field = F.interpolate(draws, x.shape[2:], mode="bicubic", align_corners=True)
    field = field / field.square().sum(1, keepdim=True).sqrt().mean((2, 3), keepdim=True)
    return _sampled(x, _places(x) + 2.0 * strength * field.permute(0, 2, 3, 1))

"""Corruptions of coding: coarse pixels, and the quantisation of JPEG."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 8
# ITU-T T.81, annex K: quantisation of luminance and of chrominance, in grey levels of 256
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
# ITU-T T.871: luminance and two differences of colour from red, green and blue
YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def pixelate(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Fewer and larger pixels: each the mean of its area, their number per side less by the strength."""
    height, width = x.shape[2:]
    small = (max(1, round(height * (1 - strength))), max(1, round(width * (1 - strength))))
    return F.interpolate(F.interpolate(x, small, mode="area"), (height, width), mode="nearest")


def jpeg(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """JPEG's loss: cosine transform of blocks of 8 x 8 pixels, rounded in steps of its standard tables times the strength.

    Colour is coded as luminance and two differences of colour, none of them at a lower resolution.
    """
    height, width = x.shape[2:]
    planes = 255.0 * x
    if x.shape[1] == 3:
        mix = x.new_tensor(YCC)
        planes = torch.einsum("ij,njhw->nihw", mix, planes)
    planes = planes - x.new_tensor([128.0, 0.0, 0.0])[: x.shape[1], None, None]
    planes = F.pad(planes, (0, -width % SIDE, 0, -height % SIDE), mode="replicate")
    cosine = _cosine(x.device)
    blocks = planes.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE)
    tables = x.new_tensor([LUMINANCE, CHROMINANCE, CHROMINANCE][: x.shape[1]])
    step = (strength * tables).round().clamp(min=1.0)[:, None, None]
    coded = (cosine @ blocks @ cosine.T / step).round() * step
    blocks = cosine.T @ coded @ cosine
    planes = blocks.transpose(3, 4).reshape(planes.shape)[..., :height, :width]
    planes = planes + x.new_tensor([128.0, 0.0, 0.0])[: x.shape[1], None, None]
    if x.shape[1] == 3:
        planes = torch.einsum("ij,njhw->nihw", torch.linalg.inv(mix), planes)
    return planes / 255.0


@lru_cache(maxsize=8)
def _cosine(device: torch.device) -> Tensor:
    """Orthonormal cosine transform of 8 values, (8, 8)."""
    place, wave = torch.arange(SIDE, dtype=torch.float64), torch.arange(SIDE, dtype=torch.float64)[:, None]
    matrix = torch.cos(math.pi * wave * (2 * place + 1) / (2 * SIDE)) * math.sqrt(2 / SIDE)
    matrix[0] /= math.sqrt(2)
    return matrix.float().to(device)

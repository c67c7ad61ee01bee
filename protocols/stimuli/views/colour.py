"""Colour operations as per-sample affine maps of the channels: y = M x + b, pixels in [0, 1], batched.

Luminance is 0.299 R + 0.587 G + 0.114 B. Hue is turned in the chrominance plane of YIQ: a linear map that keeps the
luminance, where a conversion to HSV would keep the value max(R, G, B).
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)
RGB_TO_YIQ = (LUMINANCE, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


@lru_cache
def luminance_weights(channels: int, device: torch.device) -> Tensor:
    """Return the weights of the luminance, (channels,): 1 for grey images."""
    return torch.tensor(LUMINANCE if channels == 3 else (1.0,), device=device)


@lru_cache
def _hue_basis(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the fixed, the cosine and the sine part of a hue rotation, each (3, 3); cached: no copy per step."""
    to_yiq = torch.tensor(RGB_TO_YIQ, dtype=torch.float64)
    luminance, cosine, sine = torch.zeros(3, 3, 3, dtype=torch.float64).unbind()
    luminance[0, 0] = cosine[1, 1] = cosine[2, 2] = sine[1, 2] = 1.0
    sine[2, 1] = -1.0
    fixed, even, odd = (
        (torch.linalg.inv(to_yiq) @ part @ to_yiq).to(device, torch.float32) for part in (luminance, cosine, sine)
    )
    return fixed, even, odd


@lru_cache
def _identity(channels: int, device: torch.device) -> Tensor:
    """Return the map that changes nothing, (channels, channels)."""
    return torch.eye(channels, device=device)


def affine_map(pixels: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Apply y = M x + b: pixels (m, C, P), matrix (m, C, C), offset (m, C, 1) -> (m, C, P)."""
    return torch.bmm(matrix, pixels).add_(offset)


def blend(factor: Tensor, channels: int) -> Tensor:
    """Return the map f x + (1 - f) grey(x) for factors (m,): (m, C, C). Factor 0 gives grey, 1 the image itself."""
    eye = _identity(channels, factor.device)
    grey = luminance_weights(channels, factor.device).expand(channels, channels)
    return grey + factor[:, None, None] * (eye - grey)


def hue_rotation(turns: Tensor) -> Tensor:
    """Return the map that turns the chrominance by ``turns`` (m,) full turns at constant luminance: (m, 3, 3)."""
    fixed, cosine, sine = _hue_basis(turns.device)
    angle = (2 * math.pi * turns)[:, None, None]
    return fixed + torch.cos(angle) * cosine + torch.sin(angle) * sine


def jitter(images: Tensor, factors: Tensor, order: Tensor) -> Tensor:
    """Jitter brightness, contrast, saturation and hue of images (m, C, H, W) in [0, 1], each sample in its own order.

    ``factors`` (m, 4): multipliers of brightness, contrast and saturation (1 = unchanged) and the hue turn (0 =
    unchanged); ``order`` (m, 4): the operation applied at each of the four stages. As in torchvision, brightness blends
    with black, contrast with the mean luminance, saturation with the grey image, and values are clipped to [0, 1] after
    every stage. Saturation and hue leave grey images as they are.
    """
    m, channels = images.shape[:2]
    stages, contrast = order.T, factors[:, CONTRAST]
    maps = _stage_maps(factors, channels)[stages, torch.arange(m, device=images.device)]
    pulls = torch.where(stages == CONTRAST, 1.0 - contrast, 0.0)
    weights = luminance_weights(channels, images.device)
    pixels = images.reshape(m, channels, -1)
    for matrix, pull in zip(maps, pulls, strict=True):
        mean = (pixels.mean(2) * weights).sum(1)
        offset = (pull * mean)[:, None, None].expand(m, channels, 1)
        pixels = affine_map(pixels, matrix, offset).clamp_(0.0, 1.0)
    return pixels.view(images.shape)


def _stage_maps(factors: Tensor, channels: int) -> Tensor:
    """Return the matrices of the four operations: (4, m, C, C)."""
    eye = _identity(channels, factors.device)
    scaled = factors[:, :, None, None] * eye
    brightness, contrast = scaled[:, BRIGHTNESS], scaled[:, CONTRAST]
    if channels == 1:
        unchanged = torch.ones_like(brightness)
        return torch.stack([brightness, contrast, unchanged, unchanged])
    return torch.stack([brightness, contrast, blend(factors[:, SATURATION], 3), hue_rotation(factors[:, HUE])])

"""Corrupted images in the manner of ImageNet-C, generated for any data set.

Twelve corruptions of five severities each (the idea: Hendrycks & Dietterich 2019, ICLR, arXiv 1903.12261). Generators and strengths are
ours, stated in units of the grey range and of the image's side, so that they fit any size; results are not comparable with published
errors on the ImageNet-C or CIFAR-10-C files. Within one corruption every severity sees the same random draws, only stronger.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import misuse, unknown_name
from .blurs import defocus_blur, elastic, motion_blur, zoom_blur
from .compression import jpeg, pixelate

SEVERITIES = (1, 2, 3, 4, 5)
CHUNK = 500

Corrupt = Callable[[Tensor, float, torch.Generator], Tensor]


@dataclass(frozen=True)
class Corruption:
    """One way of corrupting images.

    ``apply``: from images (n, C, H, W) in [0, 1], a strength and a generator to images of the same shape, clipped afterwards;
    ``strengths``: of the five severities; ``meaning``: of a strength.
    """

    apply: Corrupt
    strengths: tuple[float, float, float, float, float]
    meaning: str


def gaussian_noise(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """x + strength * N(0, 1)."""
    return x + strength * _normal(x, generator)


def shot_noise(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Poisson statistics of photons: a pixel of value 1 counts 1 / strength of them."""
    return torch.poisson(x / strength, generator=generator) * strength


def impulse_noise(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """A share of all values becomes 0 or 1."""
    chance = torch.rand(x.shape, generator=generator, device=x.device)
    salt = torch.rand(x.shape, generator=generator, device=x.device).round()
    return torch.where(chance < strength, salt, x)


def brightness(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """All channels are raised."""
    return x + strength


def contrast(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Every image shrinks towards its own mean per channel; 1 leaves nothing."""
    mean = x.mean((2, 3), keepdim=True)
    return torch.lerp(x, mean, strength)


def fog(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """A haze with structure at all scales (octaves of noise, halved in amplitude) is added, the image dimmed to make room."""
    height, width = x.shape[2:]
    haze, cells, amplitude = x.new_zeros(len(x), 1, height, width), 2, 1.0
    while cells <= max(height, width):
        octave = torch.rand(len(x), 1, cells, cells, generator=generator, device=x.device)
        haze += amplitude * F.interpolate(octave, (height, width), mode="bilinear", align_corners=True)
        cells, amplitude = 2 * cells, amplitude / 2
    low, high = haze.amin((2, 3), keepdim=True), haze.amax((2, 3), keepdim=True)
    return torch.lerp(x, 0.4 + 0.6 * (haze - low) / (high - low), strength)


def _normal(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device)


CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": Corruption(gaussian_noise, (0.04, 0.08, 0.12, 0.18, 0.26), "standard deviation, grey range 1"),
    "shot_noise": Corruption(shot_noise, (0.01, 0.02, 0.04, 0.08, 0.15), "one photon's share of the grey range"),
    "impulse_noise": Corruption(impulse_noise, (0.01, 0.03, 0.06, 0.1, 0.17), "share of values"),
    "defocus_blur": Corruption(defocus_blur, (0.02, 0.03, 0.045, 0.06, 0.09), "radius of the disk, in sides"),
    "motion_blur": Corruption(motion_blur, (0.1, 0.15, 0.22, 0.3, 0.4), "length of the stroke, in sides"),
    "zoom_blur": Corruption(zoom_blur, (0.1, 0.2, 0.3, 0.45, 0.6), "greatest zoom beyond 1"),
    "brightness": Corruption(brightness, (0.1, 0.2, 0.3, 0.4, 0.5), "added, grey range 1"),
    "contrast": Corruption(contrast, (0.3, 0.5, 0.65, 0.8, 0.9), "share of the contrast that is lost"),
    "fog": Corruption(fog, (0.2, 0.35, 0.5, 0.62, 0.75), "share of the haze"),
    "pixelate": Corruption(pixelate, (0.25, 0.4, 0.52, 0.64, 0.75), "share of the resolution that is lost"),
    "jpeg": Corruption(jpeg, (1.0, 2.0, 3.5, 6.0, 10.0), "factor on the quantisation tables"),
    "elastic": Corruption(elastic, (0.01, 0.02, 0.03, 0.045, 0.06), "mean displacement, in sides"),
}


def corrupt(images: Tensor, name: str, severity: int, *, seed: int = 0) -> Tensor:
    """Corrupt a batch: uint8 (n, C, H, W) in and out, on the images' device.

    Arguments
    ---------
    images: uint8 (n, 1 or 3, H, W), at least 8 pixels a side
    name: one of ``CORRUPTIONS``
    severity: 1 to 5
    seed: of the random draws, at least 0; equal seeds give equal images on one device

    Raises ``StimulusError`` for another name, severity or type of images.
    """
    if name not in CORRUPTIONS:
        raise unknown_name("corruption", name, tuple(CORRUPTIONS))
    if severity not in SEVERITIES:
        raise misuse(f"corruption.severity: expected 1 to 5, got {severity!r}; 5 is the strongest")
    shape = tuple(images.shape)
    if images.dtype != torch.uint8 or len(shape) != 4 or shape[1] not in (1, 3) or min(shape[2:]) < 8:
        raise misuse(
            f"corruption.images: expected uint8 (n, 1 or 3, H, W) of at least 8 pixels a side, got {images.dtype} {shape}; convert them"
        )
    kind = CORRUPTIONS[name]
    words = np.random.SeedSequence([seed, zlib.crc32(name.encode())]).generate_state(1, np.uint64)
    generator = torch.Generator(images.device).manual_seed(int(words[0]))
    parts = []
    for part in torch.split(images, CHUNK):
        found = kind.apply(part.float() / 255.0, kind.strengths[severity - 1], generator)
        parts.append(found.clamp(0.0, 1.0).mul_(255.0).round_().to(torch.uint8))
    return torch.cat(parts) if parts else images.clone()


def contact_sheet(images: Tensor, names: Sequence[str] = tuple(CORRUPTIONS), *, seed: int = 0) -> Tensor:
    """The first image clean and at every severity, a row per corruption: uint8 (C, rows * H, 6 * W)."""
    rows = []
    for i, name in enumerate(names):
        image = images[i % len(images)][None]
        rows.append(torch.cat([image, *(corrupt(image, name, s, seed=seed) for s in SEVERITIES)], 3)[0])
    return torch.cat(rows, 1)

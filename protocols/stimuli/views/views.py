"""Views after SimCLR: two random augmentations of each image, drawn and applied for the whole batch at once.

Crop and resize (area and aspect ratio as torchvision's ``RandomResizedCrop``), horizontal flip, colour jitter in random
order, greyscale, Gaussian blur, normalisation. Every sample has its own parameters, drawn from one explicit generator.
Citation: Chen, Kornblith, Norouzi & Hinton (2020), A simple framework for contrastive learning of visual
representations, ICML.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import misuse
from ..images import Normalisation, moved
from .colour import HUE, affine_map, blend, jitter
from .resample import blur_matrix, crop_matrix, separable

TRIES = 10
RATIO = (3 / 4, 4 / 3)
SIGMA = (0.1, 2.0)
# what a recording calls the parameters of a view: long name and units
NAMES = {
    "crop_top": ("first row of the crop", "pixel"),
    "crop_left": ("first column of the crop", "pixel"),
    "crop_height": ("height of the crop", "pixel"),
    "crop_width": ("width of the crop", "pixel"),
    "flip": ("whether the view is mirrored", "1"),
    "brightness": ("factor of brightness", "1"),
    "contrast": ("factor of contrast", "1"),
    "saturation": ("factor of saturation", "1"),
    "hue": ("turn of the hue", "turn"),
    "grey": ("whether the view is grey", "1"),
    "blur": ("standard deviation of the blur", "pixel"),
}
FIELDS = (("crop", 4), ("flip", 1), ("factors", 4), ("order", 4), ("grey", 1), ("sigma", 1))


@dataclass(frozen=True)
class ViewSettings:
    """What is drawn: ranges and probabilities of the SimCLR operations.

    ``crop_scale``: cropped fraction of the image's area; ``flip``, ``jitter_p``, ``grey_p``, ``blur_p``: probabilities;
    ``jitter``: strength of brightness, contrast, saturation (factor 1 - s to 1 + s, not below 0) and hue (full turns,
    -s to s). Raises ``StimulusError`` on values out of range.
    """

    crop_scale: tuple[float, float] = (0.25, 1.0)
    flip: float = 0.5
    jitter: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 0.2)
    jitter_p: float = 0.8
    grey_p: float = 0.2
    blur_p: float = 0.5

    def __post_init__(self) -> None:
        low, high = self.crop_scale
        if not 0.0 < low <= high <= 1.0:
            raise misuse(
                f"views.crop_scale: expected 0 < low <= high <= 1, got {low}, {high}; give fractions of the area"
            )
        for field in ("flip", "jitter_p", "grey_p", "blur_p"):
            value = getattr(self, field)
            if not 0.0 <= value <= 1.0:
                raise misuse(f"views.{field}: expected 0 to 1, got {value}; give a probability")
        if len(self.jitter) != 4 or not all(s >= 0.0 for s in self.jitter) or self.jitter[HUE] > 0.5:
            expected = "four strengths >= 0 with hue <= 0.5"
            raise misuse(f"views.jitter: expected {expected}, got {self.jitter}; reduce them")


@dataclass(frozen=True)
class ViewParameters:
    """What was drawn for m views, one row each.

    ``crop`` (m, 4): top, left, height, width in pixels; ``flip`` (m,) bool; ``factors`` (m, 4): brightness, contrast,
    saturation, hue turn; ``order`` (m, 4): the operation at each stage; ``grey`` (m,) bool; ``sigma`` (m,): blur in
    pixels, 0 = none.
    """

    crop: Tensor
    flip: Tensor
    factors: Tensor
    order: Tensor
    grey: Tensor
    sigma: Tensor

    def to(self, device: torch.device) -> ViewParameters:
        """Return the parameters on ``device``, moved as one table."""
        if self.crop.device == device:
            return self
        columns = [getattr(self, name).float().reshape(-1, width) for name, width in FIELDS]
        crop, flip, factors, order, grey, sigma = torch.split(
            moved(torch.cat(columns, 1), device), [width for _, width in FIELDS], dim=1
        )
        return ViewParameters(crop, flip[:, 0] > 0.5, factors, order.long(), grey[:, 0] > 0.5, sigma[:, 0])

    def columns(self) -> dict[str, Tensor]:
        """Return every parameter as a column (m,), by the names of ``NAMES``."""
        top, left, height, width = self.crop.unbind(1)
        brightness, contrast, saturation, hue = self.factors.unbind(1)
        values = (top, left, height, width, self.flip, brightness, contrast, saturation, hue, self.grey, self.sigma)
        return dict(zip(NAMES, values, strict=True))

    def rows(self, index: Tensor | slice) -> ViewParameters:
        """Return the parameters of some of the views."""
        return ViewParameters(*(getattr(self, name)[index] for name, _ in FIELDS))


def draw_views(
    count: int, height: int, width: int, generator: torch.Generator, settings: ViewSettings = ViewSettings()
) -> ViewParameters:
    """Draw the parameters of ``count`` views of images of ``height`` x ``width`` pixels from ``generator``."""
    uniform = torch.rand(count, 4 * TRIES + 13, generator=generator, device=generator.device)
    crop = _draw_crops(uniform[:, : 4 * TRIES].reshape(count, TRIES, 4), height, width, settings.crop_scale)
    flip, jittered, grey, blurred, blur = uniform[:, 4 * TRIES : 4 * TRIES + 5].unbind(1)
    strength = torch.tensor(settings.jitter, device=uniform.device)
    centre = torch.tensor([1.0, 1.0, 1.0, 0.0], device=uniform.device)
    low = (centre - strength).clamp(min=0.0)
    low[HUE] = -strength[HUE]
    factors = low + (centre + strength - low) * uniform[:, -8:-4]
    factors = torch.where((jittered < settings.jitter_p)[:, None], factors, centre)
    sigma = SIGMA[0] + (SIGMA[1] - SIGMA[0]) * blur
    sigma = torch.where(blurred < settings.blur_p, sigma, torch.zeros_like(sigma))
    order = uniform[:, -4:].argsort(1)
    return ViewParameters(crop, flip < settings.flip, factors, order, grey < settings.grey_p, sigma)


def _draw_crops(uniform: Tensor, height: int, width: int, scale: tuple[float, float]) -> Tensor:
    """Return top, left, height, width (m, 4) from uniform numbers (m, TRIES, 4): the first of the tries that fits.

    Where none fits, the largest central crop within the range of aspect ratios is taken, as torchvision does.
    """
    area = height * width * (scale[0] + (scale[1] - scale[0]) * uniform[..., 0])
    log_low, log_high = math.log(RATIO[0]), math.log(RATIO[1])
    ratio = torch.exp(log_low + (log_high - log_low) * uniform[..., 1])
    across, down = torch.sqrt(area * ratio).round_(), torch.sqrt(area / ratio).round_()
    fits = (across >= 1) & (across <= width) & (down >= 1) & (down <= height)
    top = ((height - down + 1) * uniform[..., 2]).floor_()
    left = ((width - across + 1) * uniform[..., 3]).floor_()
    tries = torch.stack([top, left, down, across], dim=2)
    first = fits.to(torch.uint8).argmax(1)
    chosen = tries[torch.arange(len(tries), device=tries.device), first]
    whole_w, whole_h = min(width, round(height * RATIO[1])), min(height, round(width / RATIO[0]))
    central = torch.tensor([(height - whole_h) // 2, (width - whole_w) // 2, whole_h, whole_w], device=tries.device)
    return torch.where(fits.any(1)[:, None], chosen, central.to(chosen.dtype))


def apply_views(
    images: Tensor,
    parameters: ViewParameters,
    mean: Sequence[float],
    std: Sequence[float],
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """Apply one row of ``parameters`` to each of the uint8 images (m, C, H, W): float32 (m, C, H, W), normalised.

    Grey images (C = 1) keep brightness and contrast and skip saturation, hue and greyscale.
    """
    m, channels, height, width = images.shape
    if images.dtype != torch.uint8 or channels not in (1, 3) or len(mean) != channels or len(std) != channels:
        found = f"{images.dtype} {tuple(images.shape)} with {len(mean)} means and {len(std)} deviations"
        raise misuse(
            f"views.images: expected uint8 (m, 1 or 3, H, W), one mean and deviation each, got {found}; adapt them"
        )
    p = parameters.to(images.device)
    rows, columns = _crops(p, height, width)
    pixels = separable(images.float().div_(255.0), rows, columns)
    pixels = jitter(pixels, p.factors, p.order)
    matrix, offset = _finish(p.grey, mean, std)
    pixels = affine_map(pixels.flatten(2), matrix, offset).view(m, channels, height, width)
    down = blur_matrix(p.sigma, height)
    pixels = separable(pixels, down, down if width == height else blur_matrix(p.sigma, width))
    return pixels.contiguous(memory_format=memory_format)


def _crops(p: ViewParameters, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the weights of rows and columns, (m, side, side) each; of square images in one go."""
    if height != width:
        return crop_matrix(p.crop[:, 0], p.crop[:, 2], height), crop_matrix(p.crop[:, 1], p.crop[:, 3], width, p.flip)
    start, length = p.crop.T.reshape(2, -1)
    rows, columns = crop_matrix(start, length, height, torch.cat([torch.zeros_like(p.flip), p.flip])).chunk(2)
    return rows, columns


def _finish(grey: Tensor, mean: Sequence[float], std: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Return greyscale and normalisation as one map: matrix (m, C, C), offset (m, C, 1).

    It may precede the blur: the blur's weights sum to 1, so the two commute.
    """
    scale, shift = Normalisation(tuple(mean), tuple(std)).affine(grey.device)
    matrix = scale[:, None] * blend(1.0 - grey.float(), len(std))
    return matrix, shift[:, None].expand(len(grey), len(std), 1)


def simclr_views(
    images: Tensor,
    generator: torch.Generator,
    *,
    crop_scale: tuple[float, float] = (0.25, 1.0),
    flip: float = 0.5,
    jitter: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 0.2),
    jitter_p: float = 0.8,
    grey_p: float = 0.2,
    blur_p: float = 0.5,
    mean: Sequence[float],
    std: Sequence[float],
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """Return two normalised views of each of n uint8 images (n, C, H, W): float32 (2n, C, H, W).

    Rows 0..n-1 are the first, rows n..2n-1 the second views. All randomness comes from ``generator`` (on the CPU or on
    the images' device); ``memory_format`` may be ``torch.channels_last``. See ``ViewSettings`` for the other arguments.
    Raises ``StimulusError`` on settings out of range and on images of another type or shape.
    """
    settings = ViewSettings(crop_scale, flip, jitter, jitter_p, grey_p, blur_p)
    height, width = images.shape[-2:]
    parameters = draw_views(2 * len(images), height, width, generator, settings)
    return apply_views(torch.cat([images, images]), parameters, mean, std, memory_format)

"""Rendering of the embedded objects: outline, surface texture, relief, light and background, for a batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .outlines import Outline

OBJECT_COLUMNS = 23  # uniform numbers that define one object
GLANCE_COLUMNS = 29  # uniform numbers that define one glance at it
TURN = 2 * math.pi


@dataclass(frozen=True)
class Ranges:
    """Ranges of variation, between objects and between the glances at one object.

    ``size`` is the radius and ``offset`` the largest shift of the centre, both as a fraction of half the image;
    ``orientation`` bounds the object's own orientation and ``turn`` the pose of a glance relative to it, in radians;
    ``texture`` is the weight of the surface's second colour; ``cast`` and ``brightness`` belong to the light.
    """

    size: tuple[float, float] = (0.5, 0.85)
    offset: float = 0.2
    orientation: float = 0.4
    turn: float = 0.55
    texture: tuple[float, float] = (0.0, 0.5)
    cast: float = 0.3
    brightness: tuple[float, float] = (0.6, 1.15)


class _Columns:
    """Hands out the columns of a table of uniform numbers (m, K) one after the other."""

    def __init__(self, uniform: Tensor) -> None:
        self._uniform, self._next = uniform, 0

    def raw(self, count: int) -> Tensor:
        """Return the next ``count`` columns in [0, 1): (m, count)."""
        self._next += count
        return self._uniform.narrow(1, self._next - count, count)

    def number(self, low: float, high: float) -> Tensor:
        """Return the next column mapped to [low, high): (m, 1, 1)."""
        return (low + (high - low) * self.raw(1))[:, :, None]


def _rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Colours of given hue, saturation and value, each (m, 1, 1) in [0, 1]: (m, 3, 1, 1)."""
    corners = torch.tensor([0.0, 4.0, 2.0])[:, None, None]
    wheel = ((torch.remainder(hue[:, None] * 6.0 + corners, 6.0) - 3.0).abs() - 1.0).clamp(0.0, 1.0)
    return value[:, None] * (1.0 - saturation[:, None] * (1.0 - wheel))


def _waves(
    axis_x: Tensor, axis_y: Tensor, amplitude: Tensor, angle: Tensor, frequency: Tensor, phase: Tensor
) -> Tensor:
    """Sum of K plane waves, sum_k A_k sin(f_k (x cos t_k + y sin t_k) + p_k), parameters (m, K): (m, H, W).

    sin(a + b) = sin a cos b + cos a sin b leaves only products of small tables for every pixel.
    """
    along_x = frequency[..., None] * torch.cos(angle)[..., None] * axis_x + phase[..., None]
    along_y = frequency[..., None] * torch.sin(angle)[..., None] * axis_y
    columns = (torch.sin(along_x), torch.cos(along_x))
    rows = (torch.cos(along_y) * amplitude[..., None], torch.sin(along_y) * amplitude[..., None])
    total = torch.zeros(len(phase), len(axis_y), len(axis_x))
    for wave in range(phase.shape[1]):
        for column, row in zip(columns, rows, strict=True):
            total += row[:, wave, :, None] * column[:, wave, None, :]
    return total


def _slope(field: Tensor, dim: int, spacing: float) -> Tensor:
    """Central difference of ``field`` along ``dim``, one-sided at the border."""
    return torch.gradient(field, spacing=spacing, dim=dim)[0]


def render(outline: Outline, objects: Tensor, glances: Tensor, height: int, width: int, ranges: Ranges) -> Tensor:
    """Render one glance at each of m objects of one class.

    Arguments: the outline; ``objects`` (m, OBJECT_COLUMNS) and ``glances`` (m, GLANCE_COLUMNS), uniform in [0, 1);
    the image size in pixels. Returns uint8 images (m, 3, H, W).
    """
    thing, view = _Columns(objects), _Columns(glances)
    half = min(height, width) / 2
    axis_x = (torch.arange(width) + 0.5 - width / 2) / half
    axis_y = (torch.arange(height) + 0.5 - height / 2) / half

    shift_x, shift_y = view.number(-ranges.offset, ranges.offset), view.number(-ranges.offset, ranges.offset)
    size = view.number(*ranges.size)
    turn = thing.number(-ranges.orientation, ranges.orientation) + view.number(-ranges.turn, ranges.turn)
    aspect = thing.number(0.85, 1.18)
    from_x, from_y = axis_x - shift_x, axis_y[:, None] - shift_y
    cosine, sine = torch.cos(turn) / size, torch.sin(turn) / size
    x = (cosine * from_x + sine * from_y) * aspect
    y = cosine * from_y - sine * from_x
    distance = outline(x, y, thing.raw(2)) * size

    surface = _surface(thing, turn, shift_x, shift_y, size, axis_x, axis_y, ranges)
    shade, shadow = _light(thing, view, distance, 1 / half)
    background = _background(view, axis_x, axis_y) * shadow[:, None]
    coverage = (0.5 - distance * half).clamp_(0.0, 1.0)[:, None]
    image = background + coverage * (surface * shade[:, None] - background)
    cast = 1.0 + ranges.cast * (2.0 * view.raw(3)[:, :, None, None] - 1.0)
    image = image * (cast * view.number(*ranges.brightness)[:, None])
    return image.mul_(255.0).add_(0.5).clamp_(0.0, 255.0).to(torch.uint8)


def _surface(
    thing: _Columns,
    turn: Tensor,
    shift_x: Tensor,
    shift_y: Tensor,
    size: Tensor,
    axis_x: Tensor,
    axis_y: Tensor,
    ranges: Ranges,
) -> Tensor:
    """Colour of the object's surface, (m, 3, H, W): a pattern of three waves fixed to the object, in two colours."""
    amplitude = thing.raw(3) ** 2
    angle = thing.raw(3) * TURN
    frequency = (3.0 + 9.0 * thing.raw(3)) / size[:, :, 0]
    phase = thing.raw(3) * TURN
    # The pattern moves and turns with the object.
    angle = angle + turn[:, :, 0]
    phase = phase - frequency * (torch.cos(angle) * shift_x[:, :, 0] + torch.sin(angle) * shift_y[:, :, 0])
    pattern = (_waves(axis_x, axis_y, amplitude, angle, frequency, phase) * thing.number(1.0, 4.0)).clamp_(-1.0, 1.0)
    hue = thing.number(0.0, 1.0)
    first = _rgb(hue, thing.number(0.2, 0.8), thing.number(0.5, 1.0))
    second = _rgb(hue + thing.number(-0.3, 0.3), torch.full_like(hue, 0.5), torch.full_like(hue, 0.5))
    mix = thing.number(*ranges.texture) * (0.5 + 0.5 * pattern)
    return first + mix[:, None] * (second - first)


def _light(thing: _Columns, view: _Columns, distance: Tensor, pixel: float) -> tuple[Tensor, Tensor]:
    """Light on the object's bevelled relief and the shadow it casts, both (m, H, W), for a random light direction."""
    across, down = _slope(distance, 2, pixel), _slope(distance, 1, pixel)
    azimuth, lift = view.number(0.0, TURN), view.number(0.5, 1.0)
    facing = across * torch.cos(azimuth) + down * torch.sin(azimuth)
    bevel = thing.number(0.1, 0.35)
    tilt = (1.0 + distance / bevel).clamp_(0.0, 1.0)
    lambert = (lift + tilt * facing) / torch.sqrt(1.0 + tilt * tilt) / torch.sqrt(1.0 + lift * lift)
    shade = 0.35 + 0.9 * lambert.clamp_(min=0.0)
    # First order: the distance seen from a point moved towards the light.
    under = distance + view.number(0.05, 0.2) * facing
    shadow = 1.0 - view.number(0.0, 0.6) * (0.5 - under * 6.0).clamp_(0.0, 1.0)
    return shade, shadow


def _background(view: _Columns, axis_x: Tensor, axis_y: Tensor) -> Tensor:
    """Random background, (m, 3, H, W): a slow gradient and two faster waves between two colours."""
    amplitude = view.raw(3)
    slow = torch.tensor([1.0, 3.0, 5.0])
    fast = torch.tensor([2.0, 9.0, 14.0])
    angle, frequency, phase = view.raw(3) * TURN, slow + (fast - slow) * view.raw(3), view.raw(3) * TURN
    pattern = _waves(axis_x, axis_y, amplitude, angle, frequency, phase).clamp_(-1.0, 1.0)
    first = _rgb(view.number(0.0, 1.0), view.number(0.0, 0.6), view.number(0.15, 0.85))
    second = _rgb(view.number(0.0, 1.0), torch.full_like(pattern[:, :1, :1], 0.4), view.number(0.15, 0.85))
    return first + (0.5 + 0.5 * pattern)[:, None] * (second - first)

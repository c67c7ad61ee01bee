"""Outlines of the embedded objects as signed distance fields (negative inside, unit: object radius).

Every outline takes object-centred coordinates ``x, y`` of shape (m, H, W), with y pointing down, and two outline
parameters ``u`` of shape (m, 2) in [0, 1) that vary it within its class. It returns the distance, (m, H, W).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Outline = Callable[[Tensor, Tensor, Tensor], Tensor]
Coordinate = float | Tensor


def _column(u: Tensor, index: int, low: float, high: float) -> Tensor:
    """One outline parameter, mapped to [low, high): shape (m, 1, 1)."""
    return (low + (high - low) * u[:, index])[:, None, None]


def _vertices(points: Sequence[tuple[Coordinate, Coordinate]], like: Tensor) -> list[tuple[Tensor, Tensor]]:
    fixed = [(torch.as_tensor(px, dtype=like.dtype), torch.as_tensor(py, dtype=like.dtype)) for px, py in points]
    return [(px.expand(len(like), 1, 1), py.expand(len(like), 1, 1)) for px, py in fixed]


def polygon(x: Tensor, y: Tensor, points: Sequence[tuple[Coordinate, Coordinate]]) -> Tensor:
    """Exact signed distance to a closed polygon.

    The size is the distance to the nearest edge; the sign follows from the parity of the edges that a horizontal ray
    crosses. Vertices are numbers or tensors of shape (m, 1, 1).
    """
    vertices = _vertices(points, x)
    squared = torch.full_like(x, math.inf)
    inside = torch.zeros_like(x, dtype=torch.bool)
    for (ax, ay), (bx, by) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        ex, ey = bx - ax, by - ay
        wx, wy = x - ax, y - ay
        along = ((wx * ex + wy * ey) / (ex * ex + ey * ey)).clamp_(0.0, 1.0)
        dx, dy = wx - along * ex, wy - along * ey
        squared = torch.minimum(squared, dx.mul_(dx).add_(dy.mul_(dy)))
        spans = (ay > y) != (by > y)
        left_of_edge = (ex * wy - ey * wx) * torch.sign(ey) > 0
        inside ^= spans & left_of_edge
    distance = squared.sqrt_()
    return torch.where(inside, -distance, distance)


def disc(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Filled circle."""
    return torch.hypot(x, y) - _column(u, 0, 0.78, 0.86)


def square(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Square with more or less rounded corners."""
    rounding = _column(u, 0, 0.0, 0.12)
    side = 0.76 - rounding
    return polygon(x, y, [(-side, -side), (side, -side), (side, side), (-side, side)]) - rounding


def triangle(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Isosceles triangle."""
    width, top = _column(u, 0, 0.82, 1.02), -_column(u, 1, 0.85, 1.05)
    return polygon(x, y, [(0.0, top), (width, 0.72), (-width, 0.72)])


def star(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Star with five points."""
    inner = _column(u, 0, 0.38, 0.5)
    points: list[tuple[Coordinate, Coordinate]] = []
    for k in range(5):
        outer_angle, inner_angle = 2 * math.pi * k / 5, 2 * math.pi * (k + 0.5) / 5
        points.append((1.05 * math.sin(outer_angle), -1.05 * math.cos(outer_angle)))
        points.append((math.sin(inner_angle) * inner, -math.cos(inner_angle) * inner))
    return polygon(x, y, points)


def cross(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Plus sign, as the union of two bars."""
    arm, length = _column(u, 0, 0.24, 0.36), _column(u, 1, 0.9, 1.0)
    return torch.minimum(_bar(x, y, length, arm), _bar(x, y, arm, length))


def _bar(x: Tensor, y: Tensor, half_width: Tensor, half_height: Tensor) -> Tensor:
    dx, dy = x.abs() - half_width, y.abs() - half_height
    outside = torch.hypot(dx.clamp(min=0.0), dy.clamp(min=0.0))
    return outside + torch.maximum(dx, dy).clamp_(max=0.0)


def ring(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Circle with a hole."""
    thickness = _column(u, 0, 0.17, 0.26)
    return (torch.hypot(x, y) - (0.95 - thickness)).abs_() - thickness


def crescent(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Circle from which a shifted circle is taken away."""
    shift, bite = _column(u, 0, 0.42, 0.56), _column(u, 1, 0.7, 0.8)
    x = x + 0.2
    return torch.maximum(torch.hypot(x, y) - 0.98, bite - torch.hypot(x - shift, y))


def heart(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Square standing on a corner with a half circle on each upper side."""
    half = _column(u, 0, 0.56, 0.64)
    y = y - 0.2
    body = polygon(x, y, [(0.0, 1.4 * half), (-1.4 * half, 0.0), (0.0, -1.4 * half), (1.4 * half, 0.0)])
    lobe_x, lobe_y, radius = 0.7 * half, -0.7 * half, 0.99 * half
    lobes = torch.hypot(x.abs() - lobe_x, y - lobe_y) - radius
    return torch.minimum(body, lobes)


def arrow(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Arrow with a shaft and a head."""
    shaft, head = _column(u, 0, 0.17, 0.27), _column(u, 1, -0.15, 0.1)
    right: list[tuple[Coordinate, Coordinate]] = [(0.0, -1.05), (0.8, head), (shaft, head), (shaft, 1.0)]
    return polygon(x, y, [*right, (-shaft, 1.0), (-shaft, head), (-0.8, head)])


def ell(x: Tensor, y: Tensor, u: Tensor) -> Tensor:
    """Letter L."""
    arm, foot = _column(u, 0, 0.42, 0.58), _column(u, 1, 0.6, 0.78)
    points: list[tuple[Coordinate, Coordinate]] = [(-0.68, -0.95), (arm - 0.68, -0.95), (arm - 0.68, 0.9 - arm)]
    return polygon(x, y, [*points, (foot, 0.9 - arm), (foot, 0.9), (-0.68, 0.9)])


OUTLINES: dict[str, Outline] = {
    "disc": disc,
    "square": square,
    "triangle": triangle,
    "star": star,
    "cross": cross,
    "ring": ring,
    "crescent": crescent,
    "heart": heart,
    "arrow": arrow,
    "ell": ell,
}

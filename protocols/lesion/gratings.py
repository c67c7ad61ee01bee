"""Simple and complex: responses to gratings of all orientations and phases.

Of every unit in the middle of its map, at its preferred orientation and frequency: F1/F0, the modulation of its rate by the grating's phase over
its mean (below 1: complex-like, above: simple-like), and its orientation selectivity 1 - circular variance.
"""

import math

import torch
from torch import Tensor

from ...models import Network
from ...models.engine import rates

ORIENTATIONS, PHASES, FREQUENCIES = 8, 8, (0.125, 0.25)


def gratings(shape: tuple[int, int, int]) -> Tensor:
    """Sine gratings of two standard deviations' amplitude, (frequencies * orientations * phases, channels, height, width)."""
    channels, height, width = shape
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    found = []
    for frequency in FREQUENCIES:
        for orientation in torch.arange(ORIENTATIONS) * math.pi / ORIENTATIONS:
            place = x * torch.cos(orientation) + y * torch.sin(orientation)
            angle = 2 * math.pi * frequency * place
            found += [2 * torch.sin(angle + phase) for phase in torch.arange(PHASES) * 2 * math.pi / PHASES]
    return torch.stack(found)[:, None].expand(-1, channels, -1, -1).contiguous()


@torch.no_grad()
def tuning(network: Network) -> tuple[dict[str, float], dict[str, float]]:
    """Share of complex-like units and mean orientation selectivity of every population; NaN where no unit responds."""
    shown = gratings(network.shape).to(network.device)
    complex_like, oriented = {}, {}
    for name, rate in zip(network.names, rates(network, shown), strict=True):
        middle = rate[:, :, rate.shape[2] // 2, rate.shape[3] // 2] if rate.dim() == 4 else rate
        complex_like[name], oriented[name] = of_units(middle.double())
    return complex_like, oriented


def of_units(rate: Tensor) -> tuple[float, float]:
    """The same of units whose rates to all gratings are given, (gratings, units)."""
    r = rate.view(len(FREQUENCIES), ORIENTATIONS, PHASES, -1)
    mean = r.mean(2)  # F0
    wave = torch.exp(-2j * math.pi * torch.arange(PHASES, dtype=torch.float64) / PHASES).to(rate.device)
    first = 2 * (r * wave[None, None, :, None]).mean(2).abs()  # F1
    responsive = mean.flatten(0, 1).amax(0) > 1e-9
    if not bool(responsive.any()):
        return math.nan, math.nan
    mean, first = mean[..., responsive], first[..., responsive]
    best = mean.flatten(0, 1).argmax(0)
    units = torch.arange(mean.shape[-1])
    ratio = first.flatten(0, 1)[best, units] / mean.flatten(0, 1)[best, units]
    curve = mean[best // ORIENTATIONS, :, units]  # (units, orientations)
    angle = torch.exp(2j * math.pi * torch.arange(ORIENTATIONS, dtype=torch.float64) / ORIENTATIONS).to(rate.device)
    selectivity = (curve * angle).sum(1).abs() / curve.sum(1)
    return float((ratio < 1).double().mean()), float(selectivity.mean())

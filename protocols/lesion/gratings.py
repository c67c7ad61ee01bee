"""Simple and complex: responses to gratings of all orientations and phases.

Of every unit in the middle of its map, at its preferred orientation and frequency: F1/F0, the modulation of its rate by the grating's phase over
its mean (below 1: complex-like, above: simple-like), and its orientation selectivity 1 - circular variance.

A max-pool makes complex-like units of any weights, since its winner moves with the phase. Subsampled, every max-pool keeps a fixed place of its
window instead, in the population itself and in all below: what is then complex-like is so by its weights.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...models import Network
from ...models.engine import rates
from ...models.engine.sweep import forward
from ...models.populations.conv import ConvPopulation
from ..stimuli.shown.gratings import columns, sine

ORIENTATIONS, PHASES, FREQUENCIES = 8, 8, (0.125, 0.25)
TUNED = (
    1 / 3
)  # 1 - circular variance of a tuned unit; of a curve 1 + m cos(2 angle) it is m / 2, here the best over the worst is 5


@dataclass(frozen=True, slots=True)
class Tuning:
    """Tuning of one population; NaN where no unit responds.

    Attributes:
        complex_like: share of units with F1/F0 below 1.
        orientation: mean of 1 - circular variance.
        tuned: share of units above `TUNED`.
        modulation: mean F1/F0.
    """

    complex_like: float
    orientation: float
    tuned: float
    modulation: float


def gratings(shape: tuple[int, int, int]) -> Tensor:
    """Sine gratings of two standard deviations' amplitude, (frequencies * orientations * phases, channels, height, width)."""
    channels, height, width = shape
    table = columns(ORIENTATIONS, PHASES, FREQUENCIES)
    orientation, frequency, phase = (torch.from_numpy(table[n]).float() for n in ("orientation", "frequency", "phase"))
    shown = sine((height, width), orientation, frequency, phase, (0, 0))
    return shown[:, None].expand(-1, channels, -1, -1).contiguous()


@torch.no_grad()
def tuning(network: Network, *, subsampled: bool = False) -> dict[str, Tuning]:
    """Tuning of every population, by name.

    Args:
        network: the network.
        subsampled: keep one fixed place of every max-pool's window.
    """
    shown = gratings(network.shape).to(network.device)
    found = _subsampled(network, shown) if subsampled else rates(network, shown)
    return {name: of_units(_middle(rate).double()) for name, rate in zip(network.names, found, strict=True)}


def _middle(rate: Tensor) -> Tensor:
    return rate[:, :, rate.shape[2] // 2, rate.shape[3] // 2] if rate.dim() == 4 else rate


def _subsampled(network: Network, images: Tensor) -> list[Tensor]:
    """Rates without the winners of a max-pool: the first place of every window instead."""
    found, pre = [], images
    for population in network.populations:
        activity = forward(population, pre, keep_basal=False, keep_potential=True)
        pooling = population.pooling if isinstance(population, ConvPopulation) else None
        if pooling is None or pooling.kind != "max" or activity.potential is None:
            pre = activity.rate
        else:
            step, (high, wide) = pooling.stride, population.shape[1:]
            pre = population.transfer.rate(activity.potential)[:, :, ::step, ::step][:, :, :high, :wide].contiguous()
        found.append(pre)
    return found


def of_units(rate: Tensor) -> Tuning:
    """Tuning of units whose rates to all gratings are given, (gratings, units)."""
    r = rate.view(len(FREQUENCIES), ORIENTATIONS, PHASES, -1)
    mean = r.mean(2)  # F0
    wave = torch.exp(-2j * math.pi * torch.arange(PHASES, dtype=torch.float64) / PHASES).to(rate.device)
    first = 2 * (r * wave[None, None, :, None]).mean(2).abs()  # F1
    responsive = mean.flatten(0, 1).amax(0) > 1e-9
    if not bool(responsive.any()):
        return Tuning(*[math.nan] * 4)
    mean, first = mean[..., responsive], first[..., responsive]
    best = mean.flatten(0, 1).argmax(0)
    units = torch.arange(mean.shape[-1])
    ratio = first.flatten(0, 1)[best, units] / mean.flatten(0, 1)[best, units]
    curve = mean[best // ORIENTATIONS, :, units]  # (units, orientations)
    angle = torch.exp(2j * math.pi * torch.arange(ORIENTATIONS, dtype=torch.float64) / ORIENTATIONS).to(rate.device)
    selectivity = (curve * angle).sum(1).abs() / curve.sum(1)
    return Tuning(
        float((ratio < 1).double().mean()), float(selectivity.mean()), float((selectivity > TUNED).double().mean()),
        float(ratio.mean()),
    )  # fmt: skip

"""What leads from the map of a block to its objective: expansion to features, and projector."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ...plasticity import Blockwise

SLICE = 16  # features expanded at a time
SMALL = 1 << 21  # values of an expanded map that is not worth slicing


class PlaceMean(nn.Module):
    """Mean over all places, (rows, channels, height, width) to (rows, channels).

    Taken in the order in which channels-last maps lie in memory: the gradient then has the layout of the map, and what comes before
    in the graph takes a third of the time.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return x.permute(0, 2, 3, 1).flatten(1, 2).mean(1)


class ConvExpansion(nn.Module):
    """1x1 convolution, batch normalisation, ReLU, mean over places: (rows, channels, height, width) to (rows, features).

    With many features on a large map this is the largest thing in a block by far. Features do not meet before the projector, so they are
    taken a slice at a time, and what a slice's gradient needs is computed again when its turn comes: memory for one slice instead of all.
    """

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, features, 1, bias=False)
        self.norm = nn.BatchNorm2d(features)
        self.pool = PlaceMean()

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        if not (self.training and torch.is_grad_enabled()):
            whole: Tensor = self.pool(torch.relu(self.norm(self.conv(x))))
            return whole
        features = len(self.conv.weight)
        if features * x[:, 0].numel() <= SMALL:
            return self._slice(x, slice(0, features))
        return torch.cat([self._slice(x, slice(i, i + SLICE)) for i in range(0, features, SLICE)], 1)

    def _slice(self, x: Tensor, part: slice) -> Tensor:
        norm, first = self.norm, True

        def expand(x: Tensor, weight: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
            nonlocal first
            # with momentum 1 these become the statistics of the batch
            mean, variance = torch.zeros_like(gain), torch.zeros_like(gain)
            potential = F.batch_norm(F.conv2d(x, weight), mean, variance, gain, offset, True, 1.0, norm.eps)
            if first and norm.running_mean is not None and norm.running_var is not None:
                norm.running_mean[part].lerp_(mean, norm.momentum or 0.0)
                norm.running_var[part].lerp_(variance, norm.momentum or 0.0)
            first = False
            found: Tensor = self.pool(F.relu(potential, inplace=True))
            return found

        arguments = x, self.conv.weight[part], norm.weight[part], norm.bias[part]
        taken: Tensor = checkpoint(expand, *arguments, use_reentrant=False, preserve_rng_state=False)
        return taken


def expansion(rule: Blockwise, channels: int, side: int) -> nn.Module:
    """From a map (rows, channels, side, side) to features, see `Blockwise`; on the meta device."""
    if rule.expansion == "conv":
        return ConvExpansion(channels, rule.features)
    if rule.expansion == "local":
        grid = max(1, min(side, math.isqrt(rule.features // channels)))
        return nn.Sequential(nn.AdaptiveAvgPool2d(grid), nn.Flatten())
    return PlaceMean()


def projector(inputs: int, sizes: Sequence[int]) -> nn.Module:
    """Linear layers without bias, batch normalisation and ReLU after all but the last; on the meta device."""
    layers: list[nn.Module] = []
    for size in sizes[:-1]:
        layers += [nn.Linear(inputs, size, bias=False), nn.BatchNorm1d(size), nn.ReLU(inplace=True)]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, sizes[-1], bias=False))

"""Two convolutional populations; the upper one has a share of the channels of the lower."""

import torch
from apical.models import ConvPopulation, Network


def pair_of_maps(shape, *, generator: torch.Generator, width: float = 1.0, share: float = 0.5) -> Network:
    populations, inputs = [], shape
    for i, channels in enumerate((round(8 * width), round(8 * width * share)), start=1):
        bound = (9 * inputs[0]) ** -0.5
        weight = torch.empty(channels, inputs[0], 3, 3).uniform_(-bound, bound, generator=generator)
        bias = torch.zeros(channels)
        populations.append(ConvPopulation(f"maps{i}", inputs, channels, pool=True, grid=1, weight=weight, bias=bias))
        inputs = populations[-1].shape
    return Network(shape, populations)

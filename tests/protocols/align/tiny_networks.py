"""Networks and batches small enough to be measured in seconds."""

import torch
from apical.models import ConvPopulation, Network
from apical.models.engine import Architecture, build_network
from apical.plasticity import ClappPP, pair
from apical.protocols.runs.batches import Batch


def tiny(rule: ClappPP, seed: int = 0) -> Network:
    """A VGG-6 of two to sixteen channels, in float64."""
    network = build_network(Architecture("vgg6", (3, 16, 16), 1 / 64, grids=(4, 2, 2, 2, 1, 1)), rule, seed=seed)
    assert isinstance(network.populations[0], ConvPopulation)
    return network.to(torch.device("cpu"), torch.float64)


def batches(count: int, objects: int = 8, shape: tuple[int, ...] = (3, 16, 16), seed: int = 0) -> list[Batch]:
    """Random images; the two glances at an object are correlated."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        objects_seen = torch.randn(objects, *shape, generator=generator, dtype=torch.float64)
        noise = torch.randn(2 * objects, *shape, generator=generator, dtype=torch.float64)
        found.append(Batch(torch.cat([objects_seen, objects_seen]) + 0.5 * noise, pair(objects)))
    return found

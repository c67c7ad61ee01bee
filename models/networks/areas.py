"""Fully connected networks of populations that are divided into areas."""

import math
from collections.abc import Sequence

import torch

from ..errors import ModelError
from ..populations.areas import AreaPopulation
from ..populations.transfer import RELU, Transfer
from .columns import mlp
from .network import Network


def fully_connected(
    shape: tuple[int, int, int], hidden: Sequence[int], *, generator: torch.Generator, areas: int = 0, routing: int = 8
) -> Network:
    """Fully connected populations, divided into areas where there are any, see `mlp` and `area_network`.

    Raises:
        ModelError: no population, or one without neurons.
    """
    if not hidden or min(hidden) < 1:
        got = list(hidden) or "none"
        raise ModelError(f"network.hidden: expected sizes of at least 1 for mlp, got {got}; for example [256, 128]")
    if areas:
        return area_network(shape, hidden, areas=areas, dimensions=routing, generator=generator)
    return mlp(shape, hidden, generator=generator)


def area_network(
    shape: tuple[int, int, int],
    hidden: Sequence[int],
    *,
    areas: int,
    dimensions: int,
    generator: torch.Generator,
    transfer: Transfer = RELU,
) -> Network:
    """Fully connected populations area1, area2, ... on the flattened image, divided into areas.

    All areas of a population start alike: as the identity where it has as many neurons as inputs, so that depth alone changes nothing at
    the start, and He-normal (sd sqrt(2 / inputs)) elsewhere; biases 0. P is uniform within 1/sqrt(inputs).

    Args:
        shape: input shape (channels, height, width).
        hidden: neurons of an area, per population.
        areas: areas of every population.
        dimensions: of the routing space.
        generator: CPU generator of the initial weights.
        transfer: rho of all populations.

    Raises:
        ModelError: no area or no dimension.
    """
    for name, value in (("areas", areas), ("routing", dimensions)):
        if value < 1:
            raise ModelError(f"network.{name}: expected at least 1, got {value}")
    network = Network(shape, [])
    inputs = math.prod(shape)
    for i, units in enumerate(hidden, start=1):
        start = torch.empty(units, inputs).normal_(0, math.sqrt(2 / inputs), generator=generator)
        if units == inputs and i > 1:
            start = torch.eye(units)
        bound = inputs**-0.5
        prototypes = torch.empty(areas, dimensions).normal_(generator=generator)
        population = AreaPopulation(
            f"area{i}", units,
            weight=start.expand(areas, units, inputs).clone(), bias=torch.zeros(areas, units),
            projection=torch.empty(dimensions, inputs).uniform_(-bound, bound, generator=generator),
            prototypes=prototypes / prototypes.norm(dim=1, keepdim=True), transfer=transfer,
        )  # fmt: skip
        network.populations.append(population)
        network.buffers |= {f"{population.name}.{name}": value for name, value in population.routing.items()}
        inputs = units
    return network

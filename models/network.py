"""Networks: populations in a row, and the wiring of their apical dendrites.

`vgg6` is the network of arXiv 2601.21683: 128 | 256 M | 256 | 512 M | 1024 M | 1024 M, 3x3 convolutions with bias, ReLU, no batch norm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .apical import ApicalProjection
from .errors import ModelError
from .population import ConvPopulation, DensePopulation, Population
from .transfer import RELU, Transfer

# number of channels and whether a max-pool follows
VGG6: tuple[tuple[int, bool], ...] = ((128, False), (256, True), (256, False), (512, True), (1024, True), (1024, True))

# the convolutions of VGG-11, as in LPL (Halvagal & Zenke 2023)
VGG11: tuple[tuple[int, bool], ...] = (
    (64, True), (128, True), (256, False), (256, True), (512, False), (512, True), (512, False), (512, True),
)  # fmt: skip


@dataclass(slots=True)
class Network:
    """Populations from the input upwards, and their apical projections.

    Attributes:
        shape: input shape (channels, height, width).
        populations: from the bottom to the top.
        apical: per context source (`lateral`, `dfb`), one projection per population.
        head: projection of an end-to-end objective at the top, or None.
        buffers: what is not learnt by an optimiser but belongs to the network, by `<population>.<name>`: states of the rule, running
            statistics of relays.
    """

    shape: tuple[int, int, int]
    populations: list[Population]
    apical: dict[str, list[ApicalProjection]] = field(default_factory=dict)
    head: Tensor | None = None
    buffers: dict[str, Tensor] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the populations, bottom first."""
        return [p.name for p in self.populations]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.populations[0].weight.device

    def weights(self) -> dict[str, Tensor]:
        """Every plastic weight by name, in a fixed order; the tensors themselves, not copies."""
        found: dict[str, Tensor] = {}
        for population in self.populations:
            found[f"{population.name}.weight"] = population.weight
            found[f"{population.name}.bias"] = population.bias
        for projections in self.apical.values():
            found |= {f"{p.name}.apical": p.weight for p in projections}
        if self.head is not None:
            found["head"] = self.head
        return found

    def state(self, population: str) -> dict[str, Tensor]:
        """Buffers of one population, by name; the tensors themselves, not copies."""
        start = f"{population}."
        return {name.removeprefix(start): b for name, b in self.buffers.items() if name.startswith(start)}

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Network":
        """Move every weight in place; convolution kernels channels-last."""
        for population in self.populations:
            layout = torch.channels_last if population.weight.dim() == 4 else torch.contiguous_format
            population.weight = population.weight.to(device, dtype, memory_format=layout)
            population.bias = population.bias.to(device, dtype)
        for projection in (p for projections in self.apical.values() for p in projections):
            projection.weight = projection.weight.to(device, dtype)
        if self.head is not None:
            self.head = self.head.to(device, dtype)
        self.buffers = {n: b.to(device, dtype if b.is_floating_point() else None) for n, b in self.buffers.items()}
        for population in self.populations:
            if population.relay is not None:
                population.relay.buffers = {n: self.buffers[f"{population.name}.{n}"] for n in population.relay.buffers}
            population.routing = {n: self.buffers[f"{population.name}.{n}"] for n in population.routing}
        return self


def _uniform(shape: Sequence[int], fan_in: int, generator: torch.Generator) -> Tensor:
    """PyTorch's default initialisation of linear and convolution weights: uniform within 1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(tuple(shape)).uniform_(-bound, bound, generator=generator)


def conv_network(
    shape: tuple[int, int, int],
    blocks: Sequence[tuple[int, bool]],
    grids: Sequence[int],
    *,
    generator: torch.Generator,
    transfer: Transfer = RELU,
) -> Network:
    """A column of convolutional populations conv1, conv2, ...

    Args:
        shape: input shape (channels, height, width).
        blocks: per population its channels and whether it ends with a max-pool.
        grids: per population the side of the block-pooled map.
        generator: CPU generator of the initial weights.
        transfer: rho of all populations.

    Raises:
        ModelError: as many grids as blocks are needed; a map does not divide.
    """
    if len(grids) != len(blocks):
        raise ModelError(
            f"network.grids: expected {len(blocks)} numbers, one per population, got {len(grids)}; change rule.grids"
        )
    populations: list[Population] = []
    inputs = shape
    for i, ((channels, pool), grid) in enumerate(zip(blocks, grids, strict=True), start=1):
        fan_in = inputs[0] * 9
        population = ConvPopulation(
            f"conv{i}", inputs, channels, pool=pool, grid=grid, transfer=transfer,
            weight=_uniform((channels, inputs[0], 3, 3), fan_in, generator),
            bias=_uniform((channels,), fan_in, generator),
        )  # fmt: skip
        populations.append(population)
        inputs = (population.shape[0], population.shape[1], population.shape[2])
    return Network(shape, populations)


def vgg6(
    shape: tuple[int, int, int], grids: Sequence[int], *, generator: torch.Generator, width: float = 1.0
) -> Network:
    """The VGG-6 of the paper, channels scaled by `width`.

    Raises:
        ModelError: a width that leaves a population without neurons.
    """
    return conv_network(shape, _narrowed(VGG6, width), grids, generator=generator)


def vgg11(
    shape: tuple[int, int, int], grids: Sequence[int], *, generator: torch.Generator, width: float = 1.0
) -> Network:
    """The eight convolutions of VGG-11 without batch norm: 64 M | 128 M | 256 | 256 M | 512 | 512 M | 512 | 512 M, scaled by `width`.

    Raises:
        ModelError: a width that leaves a population without neurons, or an image that five max-pools do not divide.
    """
    return conv_network(shape, _narrowed(VGG11, width), grids, generator=generator)


def _narrowed(blocks: Sequence[tuple[int, bool]], width: float) -> list[tuple[int, bool]]:
    least = min(channels for channels, _ in blocks)
    if not (math.isfinite(width) and width > 0) or round(least * width) < 1:
        raise ModelError(f"network.width: expected at least {1 / least}, got {width!r}; 1.0 is the paper's network")
    return [(max(1, round(channels * width)), pool) for channels, pool in blocks]


def mlp(
    shape: tuple[int, int, int], hidden: Sequence[int], *, generator: torch.Generator, transfer: Transfer = RELU
) -> Network:
    """Fully connected populations dense1, dense2, ... on the flattened image."""
    populations: list[Population] = []
    fan_in = math.prod(shape)
    for i, units in enumerate(hidden, start=1):
        weight, bias = _uniform((units, fan_in), fan_in, generator), _uniform((units,), fan_in, generator)
        populations.append(DensePopulation(f"dense{i}", units, weight=weight, bias=bias, transfer=transfer))
        fan_in = units
    return Network(shape, populations)


def wire(network: Network, sources: Sequence[str], *, generator: torch.Generator) -> Network:
    """Give every population one apical projection per context source.

    Args:
        network: the network; changed in place and returned.
        sources: `lateral` and `retro` (context = own block-pooled rate, predicting forwards and backwards in time), `dfb` (context =
            that of the top population).
        generator: CPU generator of the initial B.

    Raises:
        ModelError: an unknown source.
    """
    top = network.populations[-1].units
    for source in sources:
        if source not in ("lateral", "retro", "dfb"):
            raise ModelError(f"network.sources: expected lateral, retro or dfb, got {source!r}")
        projections = []
        for population in network.populations:
            inputs = top if source == "dfb" else population.units
            weight = _uniform((population.units, inputs), inputs, generator)
            projections.append(ApicalProjection(f"{population.name}.{source}", weight))
        network.apical[source] = projections
    return network

"""Networks in blocks: what a read-out, a checkpoint and a recording see is the same as of a network of populations.

A block is a stack of layers that learns as one, by backpropagation inside it. It has no compartments: nothing tells its basal from its
apical potentials, so only its loss and the size of its changes are recorded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...plasticity import Blockwise
from ..populations.apical import ApicalProjection
from ..populations.conv import Population
from .expansion import PlaceMean, expansion, projector
from .resnet import initialise


@dataclass(slots=True)
class BlockNetwork:
    """Blocks from the input upwards, with what leads from each to its objective.

    Attributes:
        shape: input shape (channels, height, width).
        trunk: the blocks, map to map.
        expansions: from the map of each block to its features (rows, features).
        projectors: from the features to the objective; None for a block without an objective.
        steps: steps done, int64 scalar on the CPU: noise and the turn of a block are functions of it.
    """

    shape: tuple[int, int, int]
    trunk: list[nn.Module]
    expansions: list[nn.Module]
    projectors: list[nn.Module | None]
    steps: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.int64))

    # blocks have no compartments
    populations: ClassVar[tuple[Population, ...]] = ()
    apical: ClassVar[dict[str, list[ApicalProjection]]] = {}

    @property
    def names(self) -> list[str]:
        """Names of the blocks, bottom first."""
        return [f"block{i + 1}" for i in range(len(self.trunk))]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(iter(self.weights().values())).device

    def modules(self, i: int) -> Iterator[tuple[str, nn.Module]]:
        """Trunk, expansion and projector of a block, each with the start of its weights' names."""
        name, projector = self.names[i], self.projectors[i]
        yield f"{name}.", self.trunk[i]
        yield f"{name}.expansion.", self.expansions[i]
        if projector is not None:
            yield f"{name}.projector.", projector

    def block_weights(self, i: int) -> dict[str, Tensor]:
        """Plastic weights of one block, by name; the tensors themselves."""
        return {start + n: p for start, module in self.modules(i) for n, p in module.named_parameters()}

    def weights(self) -> dict[str, Tensor]:
        """Every plastic weight by name, in a fixed order; the tensors themselves, not copies."""
        return {name: weight for i in range(len(self.trunk)) for name, weight in self.block_weights(i).items()}

    @property
    def buffers(self) -> dict[str, Tensor]:
        """Running statistics and the number of steps, by name; the tensors themselves."""
        parts = (part for i in range(len(self.trunk)) for part in self.modules(i))
        return {start + n: b for start, module in parts for n, b in module.named_buffers()} | {"steps": self.steps}

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "BlockNetwork":
        """Move every weight and statistic in place; convolution kernels channels-last."""
        for i in range(len(self.trunk)):
            for _, module in self.modules(i):
                for weight in module.to(device=device, dtype=dtype).parameters():
                    if weight.dim() == 4:
                        weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        return self

    def learning(self, i: int, mode: bool) -> None:
        """Whether the normalisations of a block use and follow the statistics of the batch."""
        for _, module in self.modules(i):
            module.train(mode)

    @torch.no_grad()
    def settle(self, images: Tensor, rows: int) -> None:
        """Move the running statistics of blocks and expansions by so many rows at a time; no weight changes."""
        for x in images.split(rows):
            for i, (block, expanding) in enumerate(zip(self.trunk, self.expansions, strict=True)):
                self.learning(i, True)
                x = block(x)
                expanding(x)

    @torch.no_grad()
    def maps(self, images: Tensor) -> Iterator[Tensor]:
        """What leaves every block, (rows, channels, height, width), bottom first, in evaluation mode and without noise."""
        x = images
        for i, block in enumerate(self.trunk):
            self.learning(i, False)
            x = block(x)
            yield x

    @torch.no_grad()
    def rates(self, images: Tensor) -> list[Tensor]:
        """Features of all blocks for read-outs, (rows, features) each, in evaluation mode and without noise."""
        return [expanding(x) for expanding, x in zip(self.expansions, self.maps(images), strict=True)]


def block_network(
    trunk: list[nn.Module],
    channels: Sequence[int],
    shape: tuple[int, int, int],
    rule: Blockwise,
    *,
    generator: torch.Generator,
) -> BlockNetwork:
    """Give every block its expansion and projector; end to end the last block alone, the others end in a global mean.

    Args:
        trunk: blocks, from `resnet`.
        channels: channels that leave each.
        shape: input shape.
        rule: says which expansion and projector.
        generator: CPU generator of their initial weights.
    """
    expansions: list[nn.Module] = []
    projectors: list[nn.Module | None] = []
    with torch.no_grad():
        sides = _sides(trunk, shape)
    for i, (count, side) in enumerate(zip(channels, sides, strict=True)):
        with torch.device("meta"):
            if rule.end_to_end and i < len(trunk) - 1:
                expansions.append(PlaceMean())
                projectors.append(None)
                continue
            expanding = expansion(rule, count, min(side))
            features = expanding(torch.empty(1, count, *side)).shape[1] if rule.expansion == "local" else None
            leading = projector(features or (rule.features if rule.expansion == "conv" else count), rule.projector)
        expansions.append(initialise(expanding, generator))
        projectors.append(initialise(leading, generator))
    return BlockNetwork(shape, trunk, expansions, projectors)


def _sides(trunk: Sequence[nn.Module], shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Height and width of the map of every block."""
    x, found = torch.zeros(1, *shape), []
    for block in trunk:
        x = block.eval()(x)
        found.append((x.shape[2], x.shape[3]))
    return found

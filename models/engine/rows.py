"""Rows of a batch in chunks: what a convolution computes, uses and frees of a large map before it goes on to the next rows.

Before its pool a map is several times what the population hands on, and its factor is as large again. Neither is needed of all rows at once: potential,
pool, factor and change of a chunk of rows are computed, added up and freed. Only the order of sums changes.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import ModelError
from ..populations.conv import ConvPopulation, Population
from ..populations.residual import ResidualBlock

# A row whose map has no more numbers than this (256 channels at 32 x 32 places) is computed with all others, whatever the batch: what runs on images of
# 32 pixels forms its sums as before.
SMALL = 1 << 18
# Numbers in the map of a chunk before its pool: 32 MiB in float32.
CHUNK = 1 << 23
# A row whose map has more numbers than this (256 channels at 128 x 128 places) is swept again for its change: the rates that enter and those that leave
# are then never there together.
LARGE = 1 << 22


def chunk_rows(population: Population, rows: int, chosen: int | None = None) -> int:
    """Rows that a population takes at a time.

    Of itself: all where the map of a row has at most `SMALL` numbers before the pool; else as many as keep the map of the chunk within `CHUNK` numbers,
    rounded down to a power of 2, at least 1. Only the shape of the map decides, neither precision nor device.

    Args:
        population: the population; a dense one takes all, and so does a residual block, which normalises over rows.
        rows: of the batch.
        chosen: rows that every convolution takes in place of that; 0 for all.
    """
    if not isinstance(population, ConvPopulation) or isinstance(population, ResidualBlock) or chosen == 0:
        return rows
    if chosen is not None:
        return min(rows, chosen)
    channels, height, width = population.neurons
    numbers = channels * height * width
    if numbers <= SMALL:
        return rows
    return min(rows, 1 << max(0, (CHUNK // numbers).bit_length() - 1))


def swept_again(population: Population, chosen: int | None) -> bool:
    """Whether a population whose rows are taken in chunks, and that has to wait for nobody, is swept again rather than held: by the map as well, unless rows were chosen."""
    return chosen is None and math.prod(population.neurons) > LARGE


def check_held(recompute: bool, chunk: int | None, *, rule: str, neurons: bool, conducts: bool, ranks: int) -> None:
    """Refuse what cannot be held otherwise than whole.

    Args:
        recompute, chunk: as asked for.
        rule: its name.
        neurons: whether it sees single neurons.
        conducts: whether shortcuts conduct what a block is told.
        ranks: that train together.

    Raises:
        ModelError: less than 0 rows, or a batch that has to be there as a whole.
    """
    if chunk is not None and chunk < 0:
        raise ModelError(f"engine.chunk: expected at least 0 rows, got {chunk}; 0 takes all rows at a time")
    name, got = ("recompute", recompute) if recompute else ("chunk", chunk)
    if got and neurons:
        raise ModelError(
            f"engine.{name}: expected none for {rule}, which needs the potentials of all rows at once, got {got}; leave it out"
        )
    if got and conducts:
        raise ModelError(
            f"engine.{name}: expected none where shortcuts conduct, since every population then waits for those above it, got {got}; leave it out"
        )
    if recompute and ranks > 1:
        raise ModelError(
            f"engine.recompute: expected false on {ranks} ranks, whose second sweep would tell all rates again, got true; leave it out"
        )


@dataclass(slots=True)
class Blocks:
    """A map of all rows, in blocks of rows that can be freed one by one.

    Args:
        rows: of the batch.
        size: rows of a block, a multiple of those of the chunks that are added and taken, or all.
    """

    rows: int
    size: int
    blocks: deque[Tensor] = field(default_factory=deque)
    filled: int = 0

    @classmethod
    def of(cls, whole: Tensor) -> "Blocks":
        """A map that is there as a whole."""
        return cls(len(whole), len(whole), deque([whole]), len(whole))

    def add(self, chunk: Tensor) -> Tensor:
        """Append the next rows; returns them where they are from now on."""
        start = self.filled % self.size
        self.filled += len(chunk)
        room = min(self.size, self.rows - (self.filled - len(chunk)) + start)
        if len(chunk) == room:
            self.blocks.append(chunk)
            return chunk
        if start == 0:
            layout = torch.channels_last if chunk.dim() == 4 else torch.contiguous_format
            shape = (room, *chunk.shape[1:])
            self.blocks.append(torch.empty(shape, dtype=chunk.dtype, device=chunk.device, memory_format=layout))
        place = self.blocks[-1][start : start + len(chunk)]
        place.copy_(chunk)
        return place

    def chunks(self, size: int, *, drain: bool = False) -> Iterator[Tensor]:
        """The rows in order, so many at a time; with `drain` a block is let go once its rows were taken."""
        for i in range(len(self.blocks)):
            block = self.blocks.popleft() if drain else self.blocks[i]
            yield from block.split(size)

    def whole(self) -> Tensor:
        """The map as one."""
        return self.blocks[0] if len(self.blocks) == 1 else torch.cat(list(self.blocks))

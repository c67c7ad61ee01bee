"""Who is wired to whom, and which synapses are one weight.

A weight is one number; the synapses that carry it are many: one per copy of the network, one per neuron of a pool, and in a convolution
one per place. `Wiring` lists the synapses of one copy, ordered by pre-synaptic unit, and says which weight each of them carries.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=False, eq=False)
class Wiring:
    """Synapses between two populations.

    Attributes:
        pre, post: numbers of units.
        source, target: units of every synapse, (synapses,).
        weight: which weight it carries, (synapses,).
    """

    pre: int
    post: int
    source: Index
    target: Index
    weight: Index

    @cached_property
    def carriers(self) -> Array:
        """How many synapses carry each weight, (weights,)."""
        return np.bincount(self.weight).astype(np.float64)

    @property
    def weights(self) -> int:
        """Number of weights."""
        return len(self.carriers)

    def matrix(self, weights: Array) -> Array:
        """Weights as a matrix, (post, pre); 0 where there is no synapse."""
        found = np.zeros((self.post, self.pre))
        found[self.target, self.source] = weights[self.weight]
        return found

    def total(self, matrix: Array) -> Array:
        """Sum of a (post, pre) matrix over the synapses of each weight, (weights,)."""
        found: Array = np.bincount(self.weight, matrix[self.target, self.source], minlength=self.weights).astype(
            np.float64
        )
        return found


def dense(pre: int, post: int) -> Wiring:
    """Every unit below to every unit above; weight s * post + t from source s to target t."""
    return Wiring(pre, post, np.repeat(np.arange(pre), post), np.tile(np.arange(post), pre), np.arange(pre * post))


def convolution(
    shape: tuple[int, int, int], channels: int, kernel: int, stride: int
) -> tuple[Wiring, tuple[int, int, int]]:
    """A convolution without padding.

    Args:
        shape: channels, height and width below.
        channels: of the new map.
        kernel: side of its receptive fields.
        stride: places between neighbouring ones.

    Returns:
        The wiring and the new map's shape (channels, height, width).

    Raises:
        ModelError: the kernel does not fit.
    """
    depth, height, width = shape
    if not 1 <= kernel <= min(height, width) or stride < 1:
        raise ModelError(
            f"loop.layers: expected a kernel of 1 to {min(height, width)} and a stride from 1 on a map of {height} x {width}, got kernel "
            f"{kernel} and stride {stride}; make it smaller"
        )
    rows, columns = (height - kernel) // stride + 1, (width - kernel) // stride + 1
    grid = np.meshgrid(*(np.arange(n) for n in (channels, rows, columns, depth, kernel, kernel)), indexing="ij")
    above, row, column, below, down, across = (axis.ravel() for axis in grid)
    source = (below * height + row * stride + down) * width + column * stride + across
    target = (above * rows + row) * columns + column
    weight = ((above * depth + below) * kernel + down) * kernel + across
    order = np.lexsort((target, source))
    wiring = Wiring(depth * height * width, channels * rows * columns, source[order], target[order], weight[order])
    return wiring, (channels, rows, columns)

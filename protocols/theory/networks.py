"""Deep linear networks in float64 whose basal weights are given, and glances for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...models import IDENTITY, Network, Transfer, conv_network, mlp, wire
from ...plasticity import Pairing, pair

SOURCES = ("lateral", "dfb")


@dataclass(frozen=True, slots=True)
class Batch:
    """Two glances at each of n objects, and who follows whom.

    Attributes:
        images: (2n, channels, height, width), float64.
        pairing: of the 2n rows.
    """

    images: Tensor
    pairing: Pairing


def glances(
    shape: tuple[int, int, int], objects: int, generator: torch.Generator, *, coloured: bool, correlation: float = 0.8
) -> Batch:
    """Gaussian glances: x = sqrt(r) s + sqrt(1 - r) n with the object s common to both glances and n to neither.

    Args:
        shape: of one glance (channels, height, width).
        objects: number of objects n.
        generator: CPU generator of the draws.
        coloured: covariance with eigenvalues proportional to 1/k, k = 1, 2, ..., along random directions; white has the identity.
            Both have variance 1 per pixel on average.
        correlation: r, between the two glances of one object.
    """
    pixels = shape[0] * shape[1] * shape[2]
    common, first, second = torch.randn(3, objects, pixels, generator=generator, dtype=torch.float64)
    noise = torch.cat([first, second])
    images = correlation**0.5 * torch.cat([common, common]) + (1 - correlation) ** 0.5 * noise
    if coloured:
        spectrum = 1 / torch.arange(1, pixels + 1, dtype=torch.float64)
        directions = orthonormal(pixels, pixels, generator)
        images = images * (spectrum * pixels / spectrum.sum()).sqrt() @ directions
    return Batch(images.view(2 * objects, *shape), pair(objects, negatives="random", generator=generator))


def gaussian(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Independent Gaussian weights of variance 1/columns."""
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64).div(columns**0.5)


def polar(matrix: Tensor) -> Tensor:
    """The polar factor of a matrix: its nearest matrix with orthonormal rows (or columns, where it is tall)."""
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    return torch.mm(left, right)


def orthonormal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """A random matrix with orthonormal rows, (rows, columns), rows <= columns."""
    return polar(gaussian(rows, columns, generator))


def dense(matrices: Sequence[Tensor], transfer: Transfer = IDENTITY) -> Network:
    """A fully connected network with these basal weights (units, inputs), no bias, and both apical projections, B = 0."""
    unused = torch.Generator().manual_seed(0)
    shape = (matrices[0].shape[1], 1, 1)
    return _with(mlp(shape, [len(m) for m in matrices], generator=unused, transfer=transfer), matrices)


def convolutional(side: int, kernels: Sequence[Tensor], grids: Sequence[int], transfer: Transfer = IDENTITY) -> Network:
    """A convolutional network with these kernels (channels, inputs, 3, 3) on a square map, as `dense`; no max-pool.

    Args:
        side: side of the map, the same in all populations.
        kernels: basal weights.
        grids: side of the block-pooled map of each population.
        transfer: rho.
    """
    unused = torch.Generator().manual_seed(0)
    shape = (kernels[0].shape[1], side, side)
    blocks = [(len(kernel), False) for kernel in kernels]
    return _with(conv_network(shape, blocks, grids, generator=unused, transfer=transfer), kernels)


def centred(matrix: Tensor) -> Tensor:
    """The 3x3 kernel that applies a matrix at every place: the matrix at its centre, zero around."""
    kernel = matrix.new_zeros(*matrix.shape, 3, 3)
    kernel[:, :, 1, 1] = matrix
    return kernel


def _with(network: Network, weights: Sequence[Tensor]) -> Network:
    wire(network, SOURCES, generator=torch.Generator().manual_seed(0)).to(torch.device("cpu"), torch.float64)
    for population, weight in zip(network.populations, weights, strict=True):
        population.weight.copy_(weight)
        population.bias.zero_()
    for projections in network.apical.values():
        for projection in projections:
            projection.weight.zero_()
    return network

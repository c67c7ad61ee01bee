"""Self-supervised objectives of two views: Barlow Twins, SimCLR, VICReg.

Each is a differentiable function of the projections z, z' of the first and second views of the same objects, (objects, features)
each; the smaller the better. They enter `Blockwise`, which says how far their gradient runs: to the bottom of one block, or of the
network. None of them is a rule of a synapse: inside that span errors are backpropagated, and every one of them compares the objects
of a whole batch, which no synapse sees.

Values and gradients equal those of the authors' code to rounding: Barlow Twins github.com/shoaibahmed/blockwise_ssl (commit b3bb944), VICReg
github.com/facebookresearch/vicreg (commit 4e12602); SimCLR its formula. What stands around them, expansions and projectors, begins here as the blocks do
(He-normal convolutions), there at PyTorch's default.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import RuleError

EPS = 1e-5  # under the root of a batch's standard deviation, as in batch normalisation


class Objective(Protocol):
    """What `Blockwise` asks of an objective."""

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """The objective, a scalar, of projections (objects, features) of the first and the second views."""
        ...


def _check(owner: str, **numbers: float) -> None:
    for name, value in numbers.items():
        if not (math.isfinite(value) and value >= 0):
            raise RuleError(f"{owner}.{name}: expected a finite number of at least 0, got {value!r}; raise it")


def _standardised(z: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over the objects: batch normalisation without gain and offset."""
    centred = z - z.mean(0)
    found: Tensor = centred * torch.rsqrt(centred.square().mean(0) + EPS)
    return found


def _off_diagonal(matrix: Tensor) -> Tensor:
    """Squares off the diagonal, summed."""
    return matrix.square().sum() - matrix.diagonal().square().sum()


@dataclass(frozen=True, slots=True, kw_only=True)
class BarlowTwins:
    """Cross-correlation of the two views to the identity (Zbontar et al. 2021, ICML, arXiv 2103.03230).

        c_ij = mean over objects of  z_i z'_j,  z and z' standardised over the objects
        L    = scale [ sum_i (c_ii - 1)^2 + redundancy sum_{i != j} c_ij^2 ]

    Args:
        redundancy: weight of the terms off the diagonal.
        scale: factor on the whole; the defaults are those of the blockwise paper's code.
    """

    redundancy: float = 0.0051
    scale: float = 0.024

    def __post_init__(self) -> None:
        _check("BarlowTwins", redundancy=self.redundancy, scale=self.scale)

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """See `Objective`."""
        correlation = _standardised(first).T @ _standardised(second) / len(first)
        agreement = (correlation.diagonal() - 1).square().sum()
        return self.scale * (agreement + self.redundancy * _off_diagonal(correlation))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimCLR:
    """NT-Xent: a view finds the other view of its object among all views (Chen et al. 2020, ICML, arXiv 2002.05709).

        L = mean over views i of  -log [ exp(s_ij / temperature) / sum_{k != i} exp(s_ik / temperature) ]

    with j the other view of the object of i, and s the cosine similarity.

    Args:
        temperature: of the similarities, above 0.
    """

    temperature: float = 0.5

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise RuleError(
                f"SimCLR.temperature: expected a finite number above 0, got {self.temperature!r}; the default is 0.5"
            )

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """See `Objective`."""
        views, n = F.normalize(torch.cat([first, second]), dim=1), len(first)
        similarity = views @ views.T / self.temperature
        similarity = similarity.masked_fill(torch.eye(2 * n, dtype=torch.bool, device=views.device), -math.inf)
        other = torch.arange(2 * n, device=views.device).roll(n)
        return F.cross_entropy(similarity, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class VICReg:
    """Variance, invariance, covariance (Bardes, Ponce & LeCun 2022, ICLR, arXiv 2105.04906).

        L = invariance mean (z - z')^2
          + variance   1/2 [ v(z) + v(z') ],  v(z) = mean_i max(0, 1 - sqrt(var z_i + 1e-4))
          + covariance     [ c(z) + c(z') ],  c(z) = 1/features sum_{i != j} cov(z)_ij^2

    with var and cov over the objects, unbiased. The half is that of the authors' code.

    Args:
        invariance, variance, covariance: weights of the three terms.
    """

    invariance: float = 25.0
    variance: float = 25.0
    covariance: float = 1.0

    def __post_init__(self) -> None:
        _check("VICReg", invariance=self.invariance, variance=self.variance, covariance=self.covariance)

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """See `Objective`."""
        spread = first.new_zeros(())
        redundancy = first.new_zeros(())
        for z in (first, second):
            centred = z - z.mean(0)
            covariance = centred.T @ centred / (len(z) - 1)
            spread = spread + F.relu(1 - (covariance.diagonal() + 1e-4).sqrt()).mean() / 2
            redundancy = redundancy + _off_diagonal(covariance) / z.shape[1]
        return self.invariance * F.mse_loss(first, second) + self.variance * spread + self.covariance * redundancy


OBJECTIVES: dict[str, type[BarlowTwins] | type[SimCLR] | type[VICReg]] = {
    "barlow": BarlowTwins,
    "simclr": SimCLR,
    "vicreg": VICReg,
}

"""The linear algebra of ridge regression: over features where they are fewer than rows, else over rows.

Sums of products are formed in float32 per chunk of rows and added up in float64, in which the systems are solved.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ...plasticity.products import product

CHUNK_ROWS = 4096
# columns of one piece of x xᵀ: what lies above its diagonal pieces is never formed
PIECE = 1024

Weights = tuple[Tensor, Tensor]
Fit = Callable[[float], Weights | None]


def fits(x: Tensor, targets: Tensor, fitted: Tensor, held: Tensor) -> tuple[Fit, Fit]:
    """Two functions of the penalty that give weights (d, k) and bias (k,), or None where rounding decides: fitted on some rows, and on all.

    Args:
        x: features (n, d).
        targets: (n, k), float64.
        fitted: indices of the rows of the first fit.
        held: indices of all other rows.
    """
    # removed from every row, so that each fit's own mean is small and float32 products lose little to it
    centre = x.float().mean(0)
    if len(x) >= x.shape[1]:
        seen = _moments(x, targets, fitted, centre)
        everything = seen + _moments(x, targets, held, centre)
        return partial(_primal, seen, centre), partial(_primal, everything, centre)
    kernel = _kernel(x, centre)
    every = torch.arange(len(x), device=x.device)
    return partial(_dual, kernel, x, targets, fitted, centre), partial(_dual, kernel, x, targets, every, centre)


@dataclass(frozen=True)
class _Moments:
    """Sums over some rows: their number, x, t, x xᵀ and x tᵀ."""

    count: int
    x: Tensor
    targets: Tensor
    gram: Tensor
    cross: Tensor

    def __add__(self, other: "_Moments") -> "_Moments":
        return _Moments(
            self.count + other.count,
            self.x + other.x,
            self.targets + other.targets,
            self.gram + other.gram,
            self.cross + other.cross,
        )


def chunks(x: Tensor) -> Iterator[Tensor]:
    """The tensor in pieces of a few thousand rows, so that no copy of all of it is made."""
    for start in range(0, len(x), CHUNK_ROWS):
        yield x[start : start + CHUNK_ROWS]


def _moments(x: Tensor, targets: Tensor, rows: Tensor, centre: Tensor) -> _Moments:
    d, k = x.shape[1], targets.shape[1]
    total, gram, cross = targets.new_zeros(d), targets.new_zeros(d, d), targets.new_zeros(d, k)
    for part in chunks(rows):
        chunk = x[part].float() - centre
        total += chunk.sum(0)
        _add_lower(gram, chunk)
        cross += chunk.T @ targets[part].float()
    for start in range(0, d, PIECE):
        end = start + PIECE
        gram[start:end, end:] = gram[end:, start:end].T  # pieces on the diagonal are whole
    return _Moments(len(rows), total, targets[rows].sum(0), gram, cross)


def _add_lower(gram: Tensor, chunk: Tensor) -> None:
    """Add xᵀ x of a chunk (rows, d) to the pieces of a symmetric matrix on and below its diagonal."""
    columns = chunk.T.contiguous()
    for start in range(0, len(columns), PIECE):
        end = start + PIECE
        gram[start:end, :end] += product(columns[start:end], columns[:end])


def _primal(moments: _Moments, centre: Tensor, penalty: float) -> Weights | None:
    n, mean, target = moments.count, moments.x / moments.count, moments.targets / moments.count
    gram = torch.addr(moments.gram, mean, mean, alpha=-n)
    weight = _solve(gram, moments.cross - n * torch.outer(mean, target), n * penalty)
    return None if weight is None else (weight, target - (centre + mean) @ weight)


def _kernel(x: Tensor, centre: Tensor) -> Tensor:
    """Inner products (n, n) of all centred rows."""
    rows = x.float() - centre
    return torch.cat([(chunk @ rows.T).double() for chunk in chunks(rows)])


def _dual(kernel: Tensor, x: Tensor, targets: Tensor, rows: Tensor, centre: Tensor, penalty: float) -> Weights | None:
    inner = kernel[rows][:, rows]
    target = targets[rows].mean(0)
    columns, lines, every = inner.mean(0), inner.mean(1, keepdim=True), inner.mean()
    inner.sub_(columns).sub_(lines).add_(every)
    # one coefficient per row and class; they sum to zero, so the rows need no mean of their own removed
    coefficients = _solve(inner, targets[rows] - target, len(rows) * penalty)
    if coefficients is None:
        return None
    weight, mean = targets.new_zeros(x.shape[1], targets.shape[1]), torch.zeros_like(centre, dtype=torch.float64)
    for part, coefficient in zip(chunks(rows), chunks(coefficients), strict=True):
        chunk = x[part].float() - centre
        weight += chunk.T @ coefficient.float()
        mean += chunk.sum(0) / len(rows)
    return weight, target - (centre + mean) @ weight


def _solve(matrix: Tensor, right: Tensor, penalty: float) -> Tensor | None:
    """(matrix + penalty I)⁻¹ right, for a positive semidefinite matrix, which is changed; None where its rounding outweighs the penalty."""
    matrix.diagonal().add_(penalty)
    factor, failure = torch.linalg.cholesky_ex(matrix)
    return None if int(failure) else torch.cholesky_solve(right, factor)

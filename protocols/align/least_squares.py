"""Weighted least squares for B: conjugate gradients, stopped where held-out rows are predicted best."""

from dataclasses import dataclass

import torch
from torch import Tensor

ITERATIONS, PATIENCE = 60, 6


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the problem  minimise_B  sum_ru w_ru (t_ru - (B g_r)_u)^2.

    Attributes:
        gated: g, (rows, inputs).
        weight: w >= 0, (rows, units).
        target: w t, (rows, units).
    """

    gated: Tensor
    weight: Tensor
    target: Tensor

    def excess(self, predicted: Tensor) -> float:
        """The sum above less the part that no B can change, in float64."""
        return float(((self.weight * predicted - 2 * self.target) * predicted).sum(dtype=torch.float64))


def scaled(start: Tensor, rows: Rows) -> Tensor:
    """The best multiple of a B; B itself where the rows say nothing about it."""
    predicted = rows.gated @ start.T
    size = (rows.weight * predicted.square()).sum(dtype=torch.float64)
    inner = (rows.target * predicted).sum(dtype=torch.float64)
    return start * (inner / size).to(start.dtype) if size > 0 else start.clone()


def solve(start: Tensor, seen: Rows, unseen: Rows, *, iterations: int = ITERATIONS) -> tuple[Tensor, int]:
    """B by conjugate gradients on the rows seen, from the best multiple of `start`.

    The rows of B are as many separate problems, solved side by side. Every iteration lowers the error on the rows seen, so it ends at
    or below that of the best multiple of `start`. Stopping early is the only regularisation: B is returned as it was when the
    error on the unseen rows was lowest.

    Args:
        start: B to begin with, (units, inputs).
        seen: rows to fit.
        unseen: rows that decide when to stop.
        iterations: at most so many.

    Returns:
        B, and the number of iterations it took.
    """
    apical = scaled(start, seen)
    best, chosen = apical.clone(), 0
    predicted = unseen.gated @ apical.T
    lowest = unseen.excess(predicted)
    residual = (seen.target - seen.weight * (seen.gated @ apical.T)).T @ seen.gated
    direction, square = residual.clone(), residual.square().sum(1)
    # a unit that is solved has nothing but rounding left, which the next division would blow up
    solved = square * torch.finfo(square.dtype).eps
    for i in range(1, iterations + 1):
        ahead = seen.gated @ direction.T
        curvature = (seen.weight * ahead.square()).sum(0)
        step = torch.where(square > solved, _ratio(square, curvature), 0)
        apical.addcmul_(direction, step[:, None])
        residual.addcmul_((seen.weight * ahead).T @ seen.gated, step[:, None], value=-1)
        predicted = predicted.addcmul_(unseen.gated @ direction.T, step)
        error = unseen.excess(predicted)
        if error < lowest:
            lowest, chosen = error, i
            best.copy_(apical)
        elif i - chosen >= PATIENCE:
            break
        before, square = square, residual.square().sum(1)
        direction = residual + direction * _ratio(square, before)[:, None]
    return best, chosen


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """above / below, 0 where there is nothing left to divide by."""
    return torch.where(below > 0, above / below.clamp_min(torch.finfo(below.dtype).tiny), 0)

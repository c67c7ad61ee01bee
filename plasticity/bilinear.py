"""Scores of every row against every row, for rules with several negatives and a B that serves both directions.

U_ir = z_r . (B z_i)          row i is the context, row r the rate that its prediction meets
G_ir = -dL/dU_ir
drive_r += sum_i G_ir B z_i          rate's side
drive_i += sum_r G_ir B^T z_r        context's side: B is read backwards (weight transport)
dB      = sum_ir G_ir z_r z_i^T
"""

from collections.abc import Callable

from torch import Tensor

from .errors import RuleError
from .pairing import Pairing
from .products import product
from .signals import Apical, Signals


def parts(owner: str, signals: Signals) -> tuple[Apical, Tensor, Pairing, Tensor]:
    """Lateral apical compartment, its transported potential, pairing and drawn negatives of one population.

    Raises:
        RuleError: one of them is missing.
    """
    apical, pairing = signals.apical.get("lateral"), signals.pairing
    if apical is None or apical.back is None:
        raise RuleError(f"{owner}: expected lateral apical signals with `back`, got none; wire lateral first")
    if pairing is None or pairing.others is None:
        raise RuleError(f"{owner}: expected a pairing with drawn others, got none; call pair(..., others=)")
    return apical, apical.back, pairing, pairing.others


def both_sides(field: Tensor, rate: Tensor, apical: Apical, back: Tensor) -> tuple[Tensor, Tensor]:
    """Drive and prediction from G.

    Args:
        field: G, (rows, rows).
        rate: z, (rows, units).
        apical: B z of every row.
        back: B^T z of every row, (rows, units).
    """
    forwards = product(field.T.contiguous(), apical.potential.T)
    backwards, prediction = product(field, back.T), product(field, rate.T)
    return forwards + backwards, prediction


def spread(pairing: Pairing, others: Tensor, fixation: Tensor, saccade: Tensor) -> Tensor:
    """G from the values of the positive (rows,) and of every negative (rows, n); a row drawn twice counts twice."""
    rows = len(fixation)
    field = fixation.new_zeros(rows, rows)
    field.scatter_add_(1, pairing.fixation[:, None], fixation[:, None])
    return field.scatter_add_(1, others, saccade)


def picked(scores: Tensor, pairing: Pairing, others: Tensor) -> tuple[Tensor, Tensor]:
    """Score of the positive (rows,) and of every negative (rows, n) out of U."""
    return scores.gather(1, pairing.fixation[:, None])[:, 0], scores.gather(1, others)


def through_both(loss: Callable[[Tensor], Tensor], rate: Tensor, apical: Apical, back: Tensor) -> Tensor:
    """L(U), differentiable in rate, context and B, from signals whose context carries no gradient.

    The gradient to the rate's side and to B goes through B z; that to the context's side through B^T z, with the value subtracted again,
    since U is the same on both ways.
    """
    towards = loss(product(apical.potential, rate))
    backwards = loss(product(rate, back.detach()))
    return towards + (backwards - backwards.detach())


def drawn(owner: str, others: int) -> None:
    """Refuse a number of negatives below 1."""
    if isinstance(others, bool) or not isinstance(others, int) or others < 1:
        raise RuleError(f"{owner}.others: expected a whole number of at least 1, got {others!r}; the paper's is 16")

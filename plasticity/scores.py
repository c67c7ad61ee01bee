"""Scores of dendritic predictions: what rules that contrast fixations with saccades share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from .contrast import Contrast
from .errors import RuleError
from .pairing import Pairing

Total = Callable[[Tensor], Tensor]
_TOTAL: ContextVar[Total | None] = ContextVar("total", default=None)


@contextmanager
def parted(total: Total) -> Iterator[None]:
    """Rates and potentials inside are those of some units of a population; other processes have the others.

    Args:
        total: adds up what the processes found, each for its units; takes and returns (2, rows).
    """
    before = _TOTAL.set(total)
    try:
        yield
    finally:
        _TOTAL.reset(before)


def check_pairs(owner: str, contrast: Contrast, negatives: str, phases: str) -> None:
    """Refuse unknown words, and phases that the contrast cannot score."""
    check_word(f"{owner}.negatives", negatives, ("next", "random"))
    check_word(f"{owner}.phases", phases, ("both", "either"))
    if phases == "either" and not contrast.separable:
        raise RuleError(
            f"{owner}.phases: expected 'both' with {type(contrast).__name__}, got 'either'; its loss needs both scores of a row"
        )


def check_word(field: str, word: str, known: tuple[str, ...]) -> None:
    """Raise RuleError unless the word is known."""
    if word not in known:
        raise RuleError(f"{field}: expected one of {', '.join(known)}, got {word!r}")


def scores(rate: Tensor, potential: Tensor, pairing: Pairing) -> tuple[Tensor, Tensor]:
    """u+ and u-: the rate of the paired rows dotted with the dendritic prediction of each row, (rows,)."""
    return scores_of((rate[pairing.fixation], rate[pairing.saccade]), potential)


def scores_of(met: tuple[Tensor, Tensor], potential: Tensor) -> tuple[Tensor, Tensor]:
    """The same from the rates that each row meets at its fixation and at its saccade, both (rows, units)."""
    fixation, saccade = (torch.linalg.vecdot(rate, potential) for rate in met)
    if (total := _TOTAL.get()) is not None:
        fixation, saccade = total(torch.stack([fixation, saccade]))
    return fixation, saccade


def mean_loss(contrast: Contrast, fixation: Tensor, saccade: Tensor, pairing: Pairing) -> Tensor:
    """Weighted mean over rows of L+ and L-."""
    stay, jump = contrast.losses(fixation, saccade)
    return torch.dot(stay, pairing.fixation_weight) + torch.dot(jump, pairing.saccade_weight)

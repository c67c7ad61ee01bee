"""Goodness of rows: what rules that contrast positive with negative presentations share."""

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import RuleError
from .pairing import Pairing
from .signals import Phase

Contrasted = Literal["overlay", "hybrids"]
CONTRASTED: tuple[Contrasted, ...] = get_args(Contrasted)


def goodness(rate: Tensor) -> Tensor:
    """Squares summed over channels and averaged over places, (rows,). Shapes: (rows, neurons) or (rows, channels, height, width)."""
    found: Tensor = torch.linalg.vecdot(rate.flatten(1), rate.flatten(1)) / places(rate)
    return found


def places(rate: Tensor) -> int:
    """Places of a map; 1 in a dense population."""
    return math.prod(rate.shape[2:])


def rows_of(values: Tensor, like: Tensor) -> Tensor:
    """One value per row, shaped to multiply a tensor (rows, ...)."""
    return values.view(-1, *(1,) * (like.dim() - 1))


def phases_of(score: Tensor, pairing: Pairing) -> Phase:
    """Scores of a row's positive and negative presentation, and the modulators sigmoid(-s) and -sigmoid(s)."""
    positive, negative = score[pairing.fixation], score[pairing.saccade]
    return Phase(positive, negative, torch.sigmoid(-positive), -torch.sigmoid(negative))


def logistic_loss(phase: Phase, pairing: Pairing) -> Tensor:
    """Mean over positive and negative rows of softplus(-s) and softplus(s)."""
    positive = torch.dot(F.softplus(-phase.score_fixation), pairing.fixation_weight)
    return (positive + torch.dot(F.softplus(phase.score_saccade), pairing.saccade_weight)) / 2


def check_contrasted(owner: str, presentation: str) -> None:
    """Raise RuleError unless the presentation makes positive and negative rows."""
    if presentation not in CONTRASTED:
        known = ", ".join(CONTRASTED)
        raise RuleError(f"{owner}.presentation: expected one of {known}, got {presentation!r}; overlay needs labels")


def check_above(field: str, value: float, default: float) -> None:
    """Raise RuleError unless the value is finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise RuleError(f"{field}: expected a finite number above 0, got {value!r}; the default is {default}")


def paired(pairing: Pairing | None, owner: str) -> Pairing:
    """The pairing, or a RuleError where there is none."""
    if pairing is None:
        raise RuleError(f"{owner}.pairing: expected a pairing, got None; build one with pair(n, negatives='opposite')")
    return pairing

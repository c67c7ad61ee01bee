"""Pairing: which glance follows which, in a batch of two glances at each of n objects.

Rows 0..n-1 of a batch are the first glances, rows n..2n-1 the second glances of the same objects. Row i gives the context c_i,
and with it the dendritic prediction; the rate that the prediction meets belongs to row `fixation[i]` (the other glance at
the same object) or to row `saccade[i]` (a glance at another object).

Rules that contrast presentations instead of glances (`opposite`) read it as phases: rows 0..n-1 show n objects as they are, rows n..2n-1
show them falsified; `fixation[i]` is then the positive and `saccade[i]` the negative presentation of the object in row i.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from .errors import RuleError

Negatives = Literal["next", "random", "opposite"]
Phases = Literal["both", "either"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Who follows whom, and with which weight it enters the mean over rows.

    Attributes:
        fixation: row that follows row i within a fixation, int64 (rows,).
        saccade: row that follows row i after a saccade, int64 (rows,).
        fixation_weight: weight of row i's fixation term, (rows,); 1/rows when every row makes both.
        saccade_weight: weight of row i's saccade term, (rows,).
        others: further rows that row i is compared with, glances at other objects, int64 (rows, n); None for most rules.
    """

    fixation: Tensor
    saccade: Tensor
    fixation_weight: Tensor
    saccade_weight: Tensor
    others: Tensor | None = None

    @property
    def shown(self) -> Tensor:
        """Row that a recording shows as the saccade of row i, int64 (rows,): the first of `others` where there are any, else `saccade`."""
        return self.saccade if self.others is None else self.others[:, 0]

    def to(self, device: torch.device, dtype: torch.dtype) -> "Pairing":
        """The same pairing on another device, with weights of another dtype."""
        index = (self.fixation.to(device, non_blocking=True), self.saccade.to(device, non_blocking=True))
        others = None if self.others is None else self.others.to(device, non_blocking=True)
        return Pairing(*index, self.fixation_weight.to(device, dtype), self.saccade_weight.to(device, dtype), others)


def pair(
    objects: int,
    *,
    negatives: Negatives = "next",
    phases: Phases = "both",
    others: int = 0,
    generator: torch.Generator | None = None,
) -> Pairing:
    """Pair the 2 * objects rows of a batch.

    Args:
        objects: number of objects n, at least 2 (a saccade needs another object), or 1 for `opposite`.
        negatives: `next`: row i sees the fixation partner of row i + 1 (the last row that of row 0);
            `random`: row i sees a glance at another object, drawn uniformly; `opposite`: the negative presentation of the same object.
        phases: `both`: every row makes a fixation and a saccade, terms averaged over all rows; `either`: a fair coin per row
            decides for a fixation or a saccade, and the two subset means are added (CLAPP, Illing et al. 2021).
        others: number of further rows per row, glances at other objects, drawn uniformly with replacement.
        generator: CPU generator of the draws; needed by `random`, `either` and `others`.

    Returns:
        The pairing, on the CPU, weights in float64.

    Raises:
        RuleError: fewer than two objects, an unknown word, or a draw without a generator.
    """
    if objects < (1 if negatives == "opposite" and not others else 2):
        raise RuleError(
            f"pair.objects: expected at least 2, got {objects}; a saccade needs another object, raise the batch size"
        )
    if negatives not in ("next", "random", "opposite"):
        raise RuleError(f"pair.negatives: expected one of next, random, opposite, got {negatives!r}")
    if phases not in ("both", "either"):
        raise RuleError(f"pair.phases: expected one of both, either, got {phases!r}")
    if others < 0:
        raise RuleError(f"pair.others: expected at least 0, got {others}; 0 draws none")
    if generator is None and (negatives == "random" or phases == "either" or others):
        raise RuleError("pair.generator: expected a torch.Generator for drawn negatives or phases, got None; pass one")
    rows = 2 * objects
    partner = (torch.arange(rows) + objects) % rows
    if negatives == "next":
        saccade = partner.roll(-1)
    elif negatives == "opposite":
        partner = torch.arange(objects).repeat(2)
        saccade = partner + objects
    else:
        saccade = _elsewhere(objects, 1, generator)[:, 0]
    if phases == "both":
        even = torch.full((rows,), 1.0 / rows, dtype=torch.float64)
        return Pairing(partner, saccade, even, even, _elsewhere(objects, others, generator) if others else None)
    stays = torch.rand(rows, generator=generator) < 0.5
    # An empty subset has no mean and contributes nothing.
    fixation_weight = stays.double() / max(int(stays.sum()), 1)
    saccade_weight = (~stays).double() / max(int((~stays).sum()), 1)
    further = _elsewhere(objects, others, generator) if others else None
    return Pairing(partner, saccade, fixation_weight, saccade_weight, further)


def _elsewhere(objects: int, count: int, generator: torch.Generator | None) -> Tensor:
    """Rows of glances at another object than each row's own, uniform with replacement, (rows, count)."""
    rows = 2 * objects
    skip = torch.randint(1, objects, (rows, count), generator=generator)
    glance = torch.randint(0, 2, (rows, count), generator=generator)
    return (torch.arange(rows)[:, None] % objects + skip) % objects + glance * objects

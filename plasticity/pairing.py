"""Pairing: which glance follows which, in a batch of two glances at each of n objects.

Rows 0..n-1 of a batch are the first glances, rows n..2n-1 the second glances of the same objects. Row i gives the context c_i,
and with it the dendritic prediction; the rate that the prediction meets belongs to row `fixation[i]` (the other glance at
the same object) or to row `saccade[i]` (a glance at another object).

Rules that contrast presentations instead of glances (`opposite`) read it as phases: rows 0..n-1 show n objects as they are, rows n..2n-1
show them falsified; `fixation[i]` is then the positive and `saccade[i]` the negative presentation of the object in row i.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from .errors import RuleError
from .queued import queued

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
        """The same pairing on another device, with weights of another dtype.

        To a GPU it travels as one table that no step waits for; what is the same at every step is kept there, and copied, since a rule may write into it.
        """
        if device.type != "cuda" or self.fixation.device.type != "cpu":
            others = None if self.others is None else self.others.to(device)
            stay, jump = (weight.to(device, dtype) for weight in (self.fixation_weight, self.saccade_weight))
            return Pairing(self.fixation.to(device), self.saccade.to(device), stay, jump, others)
        table, objects = _tabled(self), len(self.fixation) // 2
        for word in DRAWLESS if objects and self.others is None else ():
            if torch.equal(table, _drawless(objects, word)):
                return _untabled(_kept(objects, word, device).clone(), dtype)
        return _untabled(queued(table, device), dtype)


def _tabled(pairing: Pairing) -> Tensor:
    """All of a pairing in one tensor, int64 (4 + n, rows): indices, and the bits of weights in float64."""
    weights = pairing.fixation_weight, pairing.saccade_weight
    bits = [weight.to(torch.float64).view(torch.int64) for weight in weights]
    further = [] if pairing.others is None else list(pairing.others.T)
    return torch.stack([pairing.fixation, pairing.saccade, *bits, *further])


def _untabled(table: Tensor, dtype: torch.dtype) -> Pairing:
    stay, jump = table[2:4].view(torch.float64).to(dtype)
    return Pairing(table[0], table[1], stay, jump, table[4:].T if len(table) > 4 else None)


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
    partner, saccade = _ways(objects, negatives)
    if negatives == "random":
        saccade = _elsewhere(objects, 1, generator)[:, 0]
    if phases == "both":
        even = torch.full((rows,), 1.0 / rows, dtype=torch.float64)
        return Pairing(partner, saccade, even, even.clone(), _elsewhere(objects, others, generator) if others else None)
    stays = torch.rand(rows, generator=generator) < 0.5
    # An empty subset has no mean and contributes nothing.
    fixation_weight = stays.double() / max(int(stays.sum()), 1)
    saccade_weight = (~stays).double() / max(int((~stays).sum()), 1)
    further = _elsewhere(objects, others, generator) if others else None
    return Pairing(partner, saccade, fixation_weight, saccade_weight, further)


DRAWLESS: tuple[Negatives, ...] = ("next", "opposite")


def _ways(objects: int, negatives: Negatives) -> tuple[Tensor, Tensor]:
    """Rows that follow within a fixation, and after a saccade where nothing is drawn, int64 (rows,) each."""
    if negatives == "opposite":
        partner = torch.arange(objects).repeat(2)
        return partner, partner + objects
    partner = (torch.arange(2 * objects) + objects) % (2 * objects)
    return partner, partner.roll(-1)


@lru_cache(maxsize=64)
def _drawless(objects: int, negatives: Negatives) -> Tensor:
    """Table of a pairing that is not drawn, and thus the same at every step."""
    return _tabled(pair(objects, negatives=negatives))


@lru_cache(maxsize=64)
def _kept(objects: int, negatives: Negatives, device: torch.device) -> Tensor:
    return queued(_drawless(objects, negatives), device)


def _elsewhere(objects: int, count: int, generator: torch.Generator | None) -> Tensor:
    """Rows of glances at another object than each row's own, uniform with replacement, (rows, count)."""
    rows = 2 * objects
    skip = torch.randint(1, objects, (rows, count), generator=generator)
    glance = torch.randint(0, 2, (rows, count), generator=generator)
    return (torch.arange(rows)[:, None] % objects + skip) % objects + glance * objects

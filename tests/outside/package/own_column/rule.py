"""A three-factor rule with a margin: the apical potential is to meet the rate that follows it, and no other."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from apical.plasticity import Factors, Needs, Phase, RuleError, Signals
from torch.nn.functional import softplus

SIGNALS = ("basal", "rate", "apical", "neuromodulator", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """L = log(1 + exp(m - u+)) + log(1 + exp(m + u-)) of scores u = z . (B c)."""

    margin: float = 1.0

    needs: ClassVar[Needs] = Needs(sources=("lateral",), records=SIGNALS)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and self.margin > 0):
            raise RuleError(f"Margin.margin: expected a finite number above 0, got {self.margin!r}; the default is 1")

    def start(self, shape):
        return {}

    def factors(self, signals: Signals) -> Factors:
        z, e, pairing = signals.rate, signals.apical["lateral"].potential, signals.pairing
        own, other = pairing.fixation, pairing.saccade
        stay, jump = torch.linalg.vecdot(z[own], e), torch.linalg.vecdot(z[other], e)
        plus, minus = torch.sigmoid(self.margin - stay), -torch.sigmoid(self.margin + jump)
        a, b = (plus * pairing.fixation_weight)[:, None], (minus * pairing.saccade_weight)[:, None]
        drive = torch.zeros_like(z).index_add_(0, own, a * e).index_add_(0, other, b * e)
        loss = (
            softplus(self.margin - stay) @ pairing.fixation_weight
            + softplus(self.margin + jump) @ pairing.saccade_weight
        )
        return Factors(loss, drive, {"lateral": a * z[own] + b * z[other]}, {"lateral": Phase(stay, jump, plus, minus)})

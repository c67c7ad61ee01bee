"""Greedy InfoMax: every population maximises InfoNCE of its own rates, and no gradient crosses from one to the next.

Source: Loewe, O'Connor and Veeling 2019, NeurIPS (arXiv 1905.11786); InfoNCE: van den Oord, Li and Vinyals 2018 (arXiv 1807.03748).

    u_i0 = z'_i . (P c_i),   u_in = z_n . (P c_i)           z': the glance that follows; z_n: n = 1..N glances at other objects
    q_in = softmax_n(u_i)                                    over the positive and its N negatives
    L    = -mean_i log q_i0
    dW_ji = g (P c)_j rho'(a_j) x_i    and    g (P^T z)_j rho'(a_j) x_i           g = 1 - q_i0 for the positive, -q_in for negative n
    dP_jk = g z_j c_k

Three factors only in part: presynaptic rate, rho' and the dendritic prediction P c are local, but the modulators of the N + 1 candidates are
compared in a softmax, so that all of them must be there at once, and the context learns through P^T, the same synapses read against their
direction. CLAPP replaces exactly these two.

The paper runs it between patches of an image and inside blocks of layers; here a block is one population, the two glances are views, a
batch holds both orders, and negatives never come from the same object (the code draws from all positions and images).

Apart from the authors' code (github.com/loeweX/Greedy_InfoMax, commit 22d17e4), which takes log(q + 1e-11), L is the logarithm of the softmax itself:
the change differs by 4e-10 as a rule, and by up to 8e-3 where scores are so far apart that their q underflows, where theirs stops learning.

Not claimed: that N other glances are at hand at a synapse, that a circuit normalises their scores, or that P may be read backwards.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .bilinear import both_sides, drawn, parts, picked, spread, through_both
from .needs import PREDICTIVE, Needs
from .pairing import Pairing
from .signals import Factors, Phase, Signals
from .words import Words

WORDS = Words(
    apical="e = P c, the prediction from the context c of the row before",
    score="u = z · (P c), the glance that follows against the prediction",
    modulator="1 − q of the glance that follows and −q of the first negative, q the softmax of the scores",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GreedyInfoMax:
    """InfoNCE of one population from explicit factors.

    Args:
        others: negatives N of a row, drawn from all glances at other objects with replacement.

    Raises:
        RuleError: no negatives.
    """

    others: int = 16

    def __post_init__(self) -> None:
        drawn("GreedyInfoMax", self.others)

    @property
    def needs(self) -> Needs:
        """Two glances, drawn negatives, one matrix that is read both ways."""
        return Needs(others=self.others, sources=("lateral",), transport=True, records=PREDICTIVE, words=WORDS)

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Greedy InfoMax keeps nothing from step to step."""
        return {}

    def factors(self, signals: Signals) -> Factors:
        """Softmax factors, drive and prediction term of one population; computed without autograd.

        In `phases` the fixation's modulator is 1 - q_0; the saccade's is -q_1, and its score u_1, of the first negative
        (`Pairing.shown`).
        """
        apical, back, pairing, others = parts("GreedyInfoMax.factors", signals)
        table = apical.potential @ signals.rate.T
        fixation, saccade = picked(table, pairing, others)
        shares = torch.softmax(torch.cat([fixation[:, None], saccade], 1), 1)
        # 1 - q_0 as a sum over the negatives keeps its digits when q_0 is close to 1
        open_, weight = shares[:, 1:].sum(1), pairing.fixation_weight
        field = spread(pairing, others, open_ * weight, -shares[:, 1:] * weight[:, None])
        drive, prediction = both_sides(field, signals.rate, apical, back)
        phase = Phase(fixation, saccade[:, 0], open_, -shares[:, 1])
        loss = _loss(table, pairing, others)
        return Factors(loss, drive, {"lateral": prediction}, {"lateral": phase}, met={"lateral": field})

    def objective(self, signals: Signals) -> Tensor:
        """L above, differentiable in rate, context and P."""
        apical, back, pairing, others = parts("GreedyInfoMax.objective", signals)
        return through_both(lambda table: _loss(table, pairing, others), signals.rate, apical, back)


def _loss(table: Tensor, pairing: Pairing, others: Tensor) -> Tensor:
    fixation, saccade = picked(table, pairing, others)
    share = torch.log_softmax(torch.cat([fixation[:, None], saccade], 1), 1)[:, 0]
    return -torch.dot(share, pairing.fixation_weight)

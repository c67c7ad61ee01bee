"""CLAPP: contrastive, local and predictive plasticity as of Illing, Ventura, Bellec and Gerstner 2021, NeurIPS (arXiv 2010.08262).

Two apical matrices predict, one forwards in time and one backwards, so that no synapse is read against its direction:

    u   = z' . (P c)                                        z' follows the context c: the same object, or another after a saccade
    v   = c . (R z')
    L   = mean over fixations [f(u) + f(v)] + mean over saccades [f(-u) + f(-v)],      f(x) = max(0, 1 - x)
    target side     dW_ji = gamma (P c)_j  rho'(a'_j) x'_i         gamma  = -dL/du: +1 fixation, -1 saccade, 0 once the margin is met
    context side    dW_ji = gamma' (R z')_j rho'(a_j) x_i          gamma' = -dL/dv
    dP_jk = gamma z'_j c_k            dR_jk = gamma' c_j z'_k

Three factors (the authors count four): presynaptic rate and rho', the dendritic prediction P c or R z', and the neuromodulator: its sign
is broadcast and says whether the eyes moved on, its gate says whether the margin is open. `lateral` carries P, `retro` carries R.

`ClappS` is the variant with one matrix for both directions (R = P^T, weight transport), fixation and saccades in the same step and
several negatives. The objective of `Clapp` at the top alone, backpropagated, is the paper's Hinge-Loss CPC (`hinge-cpc`).

Where this differs from the published code: a batch is two glances at every object and both of them serve as context and as target; with
`patches` the glances are two patches of an image, one below the other, and one pair of matrices serves one distance (the code: five
distances); the other object is never the same one by chance; and the sign and the object of a saccade are drawn once per row for
all populations and both directions, a broadcast signal (the code draws anew for every layer and direction). Given the same draws, loss and
changes of both rules are those of the code (github.com/EPFL-LCN/pub-illing2021-neurips, commit 73671e1) to rounding, as are the twin's.

Not claimed: that P and R are learnt without knowing which of two rates came first, or anything about Dale's law.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from .bilinear import both_sides, drawn, parts, picked, spread, through_both
from .contrast import Contrast, Hinge
from .errors import RuleError
from .needs import PREDICTIVE, Needs
from .pairing import Pairing
from .scores import mean_loss, scores
from .signals import Factors, Phase, Signals
from .words import CONTRASTED

Presentation = Literal["glances", "patches"]


def _check(owner: str, contrast: Contrast, presentation: str) -> None:
    if not contrast.separable:
        raise RuleError(
            f"{owner}.contrast: expected one with separate losses of fixation and saccade, got {type(contrast).__name__}; use Hinge"
        )
    if presentation not in ("glances", "patches"):
        raise RuleError(f"{owner}.presentation: expected one of glances, patches, got {presentation!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clapp:
    """CLAPP from explicit factors: a fixation or a saccade per row, separate matrices for both directions.

    Args:
        contrast: contrast function f of the scores; the paper's is the hinge.
        presentation: `glances` (two views of an image) or `patches` (two patches of an image).

    Raises:
        RuleError: a contrast that needs both scores of a row, or an unknown presentation.
    """

    contrast: Contrast = field(default_factory=Hinge)
    presentation: Presentation = "glances"

    def __post_init__(self) -> None:
        _check("Clapp", self.contrast, self.presentation)

    @property
    def needs(self) -> Needs:
        """Two glances or patches, a fixation or a saccade a row, a matrix for each direction."""
        return Needs(
            presentation=self.presentation,
            negatives="random",
            phases="either",
            sources=("lateral", "retro"),
            backwards=("retro",),
            records=PREDICTIVE,
            words=replace(CONTRASTED, apical="e = P c, the prediction ahead from the context c of the row before"),
        )

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """CLAPP keeps nothing from step to step."""
        return {}

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators, drive and prediction terms of one population; computed without autograd."""
        forwards, backwards, pairing = _potentials(signals)
        rate, stay, jump = signals.rate, pairing.fixation, pairing.saccade
        ahead = scores(rate, forwards, pairing)
        back = _retro_scores(rate, backwards, pairing)
        phases = {
            "lateral": Phase(*ahead, *self.contrast.modulators(*ahead)),
            "retro": Phase(*back, *self.contrast.modulators(*back)),
        }
        loss = mean_loss(self.contrast, *ahead, pairing) + mean_loss(self.contrast, *back, pairing)

        gamma_stay, gamma_jump = _weighted(phases["lateral"], pairing)
        drive = torch.zeros_like(rate).index_add_(0, stay, gamma_stay * forwards)
        drive.index_add_(0, jump, gamma_jump * forwards)
        ahead_change = gamma_stay * rate[stay] + gamma_jump * rate[jump]

        gamma_stay, gamma_jump = _weighted(phases["retro"], pairing)
        drive += gamma_stay * backwards[stay] + gamma_jump * backwards[jump]
        back_change = torch.zeros_like(rate).index_add_(0, stay, gamma_stay * rate)
        back_change.index_add_(0, jump, gamma_jump * rate)
        return Factors(loss, drive, {"lateral": ahead_change, "retro": back_change}, phases)

    def objective(self, signals: Signals) -> Tensor:
        """L above, differentiable: each of its two parts learns one side."""
        forwards, backwards, pairing = _potentials(signals)
        ahead = mean_loss(self.contrast, *scores(signals.rate, forwards, pairing), pairing)
        return ahead + mean_loss(self.contrast, *_retro_scores(signals.rate, backwards, pairing), pairing)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClappS:
    """CLAPP-s from explicit factors: fixation and saccades in every step, one matrix for both directions, several negatives.

    L = mean_i [ f(u_i) + mean_n f(-u_in) ] with u = z' . (P c), which reaches z' through P c and c through P^T z'.

    Args:
        contrast: contrast function f of the scores; the paper's is the hinge.
        others: negatives of a row, drawn from all glances at other objects with replacement.
        presentation: `glances` or `patches`.

    Raises:
        RuleError: a contrast that needs both scores of a row, no negatives, or an unknown presentation.
    """

    contrast: Contrast = field(default_factory=Hinge)
    others: int = 16
    presentation: Presentation = "glances"

    def __post_init__(self) -> None:
        _check("ClappS", self.contrast, self.presentation)
        drawn("ClappS", self.others)

    @property
    def needs(self) -> Needs:
        """Two glances or patches, drawn negatives, one matrix that is read both ways."""
        return Needs(
            presentation=self.presentation,
            others=self.others,
            sources=("lateral",),
            transport=True,
            records=PREDICTIVE,
            words=replace(CONTRASTED, apical="e = P c, the prediction ahead from the context c of the row before"),
        )

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """CLAPP-s keeps nothing from step to step."""
        return {}

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators, drive and prediction term of one population; computed without autograd.

        Score and neuromodulator of a saccade, one number a row in `phases`, are those of the first negative (`Pairing.shown`); each
        negative has its own.
        """
        apical, back, pairing, others = parts("ClappS.factors", signals)
        table = apical.potential @ signals.rate.T
        fixation, saccade = picked(table, pairing, others)
        stay, jump = self.contrast.modulators(fixation[:, None], saccade)
        stay = stay[:, 0]
        weight = pairing.saccade_weight[:, None] / others.shape[1]
        field = spread(pairing, others, stay * pairing.fixation_weight, jump * weight)
        drive, prediction = both_sides(field, signals.rate, apical, back)
        phase = Phase(fixation, saccade[:, 0], stay, jump[:, 0])
        loss = self._loss(table, pairing, others)
        return Factors(loss, drive, {"lateral": prediction}, {"lateral": phase}, met={"lateral": field})

    def objective(self, signals: Signals) -> Tensor:
        """L above, differentiable in rate, context and P."""
        apical, back, pairing, others = parts("ClappS.objective", signals)
        return through_both(lambda table: self._loss(table, pairing, others), signals.rate, apical, back)

    def _loss(self, table: Tensor, pairing: Pairing, others: Tensor) -> Tensor:
        fixation, saccade = picked(table, pairing, others)
        stay, jump = self.contrast.losses(fixation[:, None], saccade)
        return torch.dot(stay[:, 0], pairing.fixation_weight) + torch.dot(jump.mean(1), pairing.saccade_weight)


def _potentials(signals: Signals) -> tuple[Tensor, Tensor, Pairing]:
    """P c and R z of every row, and the pairing."""
    if signals.pairing is None or not {"lateral", "retro"} <= signals.apical.keys():
        raise RuleError(
            f"Clapp.factors: expected a pairing and apical signals lateral and retro, got {', '.join(signals.apical) or 'none'}; wire both"
        )
    return signals.apical["lateral"].potential, signals.apical["retro"].potential, signals.pairing


def _retro_scores(rate: Tensor, potential: Tensor, pairing: Pairing) -> tuple[Tensor, Tensor]:
    """v: the rate of each row dotted with what the rows that follow it predict backwards, (rows,)."""
    return (
        torch.linalg.vecdot(rate, potential[pairing.fixation]),
        torch.linalg.vecdot(rate, potential[pairing.saccade]),
    )


def _weighted(phase: Phase, pairing: Pairing) -> tuple[Tensor, Tensor]:
    """Neuromodulators times the weights of the mean, as columns."""
    return (
        (phase.gamma_fixation * pairing.fixation_weight)[:, None],
        (phase.gamma_saccade * pairing.saccade_weight)[:, None],
    )

"""Dendritic prediction of the soma, with the apical prediction as the teacher: a rate form for two glances.

Sources: Urbanczik & Senn 2014, Neuron 81:521 (dW = eta (S - phi(V*)) h(V*) PSP, a soma nudged by a teacher, whose spikes the dendrite learns
to predict); Sacramento, Costa, Bengio & Senn 2018, NeurIPS (its rate form with phi').

    U      = a + lambda (teacher - a)                 nudged soma
    dW_ji  = (phi(U_j) - phi(a_j)) phi'(a_j) z_i      the paper in rate: what the nudge adds to the rate the dendrite alone gives

    teacher e = B c                                   our reading: the apical prediction from the glance before
    s      = theta - 1/2 |z - e|^2                    score: how well the apical prediction met the rate
    L      = mean_i  L+(s_i fixation) + L-(s_i saccade)
    dW_ji  = gamma (e_j - z_j) rho'(a_j) z_i          gamma = -dL/ds: neuromodulator
    dB_jk  = gamma (z_j - e_j) c_k                    the tuft learns the rate that comes, as the basal side learns what the tuft says

Where e and a are above 0 and the transfer is ReLU, phi(U) - phi(a) = lambda (e - z), so that lambda is part of the step. rho' is taken
instead of the paper's h = phi' / phi, which makes the rule the gradient of the log-likelihood of Poisson spikes and diverges for a silent ReLU neuron.

Three-factor reading: gamma is the neuromodulator, one number per population and row; e - z is local to the neuron, the difference of two of
its compartments; rho'(a) z_i is Hebbian in form. gamma < 0 at saccades is ours: a soma that is only ever nudged towards its prediction, and a
prediction that follows the soma, agree best when both are constant (`tests/plasticity/test_dendritic_prediction.py`).

The context carries no gradient: it is what the dendrite received a glance ago. With context `both` each source has its own score.

Not claimed: the paper's learning of a spike train or the conductance-based nudge; `apical.models.spiking.cells` has those. Nor that a
tuft's prediction reaches the soma as a nudge of one sign and leaves it, at saccades, as one of the other.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .clapp import sources_of
from .contrast import Contrast, Hinge
from .errors import RuleError
from .needs import PREDICTIVE, Needs
from .pairing import Negatives, Pairing, Phases
from .scores import check_pairs, mean_loss
from .signals import Apical, Factors, Phase, Signals
from .words import Words

WORDS = Words(
    apical="e = B c, the teacher: the apical prediction from the context c of the row before",
    score="s = θ − ½ |z − e|², how well the apical prediction met the rate",
    modulator="γ = −dL/ds of the contrast function, above 0 at fixations and below 0 at saccades",
    gate="with a margin, γ is 0 once a fixation scores high enough or a saccade low enough",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DendriticPrediction:
    """The prediction error between soma and tuft as the second factor, from explicit factors.

    Args:
        context: what the apical dendrites receive, a word of `SOURCES`, or a tuple of context sources.
        contrast: contrast function of the scores.
        negatives, phases: see `pair`.
        threshold: theta, above 0: half the squared error at which the score is 0. With a hinge of margin 1 a fixation is learnt until the
            error is below theta - 1, a saccade until it is above theta + 1.

    Raises:
        RuleError: unknown words, a threshold out of range, or `either` with a contrast that needs both scores of a row.
    """

    context: str | tuple[str, ...] = "lateral"
    contrast: Contrast = field(default_factory=Hinge)
    negatives: Negatives = "next"
    phases: Phases = "both"
    threshold: float = 2.0

    def __post_init__(self) -> None:
        sources_of("DendriticPrediction", self.context)
        check_pairs("DendriticPrediction", self.contrast, self.negatives, self.phases)
        if not (math.isfinite(self.threshold) and self.threshold > 0):
            raise RuleError(
                f"DendriticPrediction.threshold: expected a finite number above 0, got {self.threshold!r}; the default is 2"
            )

    @property
    def needs(self) -> Needs:
        """Two glances, and an apical matrix for each source of the context."""
        return Needs(
            sources=sources_of("DendriticPrediction", self.context), second="own", negatives=self.negatives, phases=self.phases, records=PREDICTIVE,
            words=WORDS,
        )  # fmt: skip

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Nothing is kept from step to step."""
        return {}

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators, drive and prediction terms of one population; computed without autograd."""
        pairing, rate = _paired(signals), signals.rate
        loss, drive = rate.new_zeros(()), torch.zeros_like(rate)
        phases, predictions = {}, {}
        for source, apical in signals.apical.items():
            stay, jump = self._scores(rate, apical, pairing)
            phase = phases[source] = Phase(stay, jump, *self.contrast.modulators(stay, jump))
            loss = loss + mean_loss(self.contrast, stay, jump, pairing)
            prediction = torch.zeros_like(rate)
            for rows, gamma, weight in (
                (pairing.fixation, phase.gamma_fixation, pairing.fixation_weight),
                (pairing.saccade, phase.gamma_saccade, pairing.saccade_weight),
            ):
                nudge = (gamma * weight)[:, None] * (apical.potential - rate[rows])
                drive.index_add_(0, rows, nudge)
                prediction -= nudge
            predictions[source] = prediction
        return Factors(loss, drive, predictions, phases)

    def objective(self, signals: Signals) -> Tensor:
        """L above, differentiable: what the explicit factors are tested against."""
        pairing = _paired(signals)
        terms = [
            mean_loss(self.contrast, *self._scores(signals.rate, apical, pairing), pairing)
            for apical in signals.apical.values()
        ]
        return torch.stack(terms).sum()

    def _scores(self, rate: Tensor, apical: Apical, pairing: Pairing) -> tuple[Tensor, Tensor]:
        stay, jump = (
            self.threshold - (rate[rows] - apical.potential).square().sum(1) / 2
            for rows in (pairing.fixation, pairing.saccade)
        )
        return stay, jump


def _paired(signals: Signals) -> Pairing:
    if signals.pairing is None or not signals.apical:
        raise RuleError(
            "DendriticPrediction.factors: expected signals with a pairing and an apical potential, got none; wire a context first"
        )
    return signals.pairing

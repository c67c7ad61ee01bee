"""Burst-dependent plasticity in rate: the apical prediction decides how many events become bursts, and more than usual potentiates.

Source: Payeur, Guerguiev, Zenke, Richards & Naud 2021, Nature Neuroscience 24:1010; its rate form. The spiking form is the preset
`burst-dependent` of `apical.models.spiking.cells`.

    P_j    = 1 / (1 + exp(-k e_j)),   e = B c          burst probability from the apical prediction of the glance before
    B_j    = P_j E_j,                 E_j = z_j        bursts and events of the glance it meets
    dW_ji  = eta (B_j - Pbar_j E_j) z_i                the paper: Pbar the usual burst probability of the neuron, a running mean

    u      = 1/2 sum_j (P_j - Pbar_j) E_j^2            score: bursts in excess, weighed by events
    L      = mean_i  L+(u_i fixation) + L-(u_i saccade)
    dW_ji  = gamma (P_j - Pbar_j) E_j rho'(a_j) z_i    gamma = -dL/du
    dB_jk  = gamma k P_j (1 - P_j) E_j^2 / 2 c_k
    Pbar  <- m Pbar + (1 - m) <P>                      mean over rows, from step to step

With ReLU E rho' = E, so that the change of W is the paper's times gamma.

Three-factor reading: gamma is the neuromodulator; (P - Pbar) E is the apical factor as spikes carry it, bursts against what is usual; z_i
is pre-synaptic. Our reading, not the paper's: the neuromodulator gamma, whose sign tells fixations from saccades and which the paper
does not have (there a teacher raises or lowers bursts); the learning of B, which is there fixed or learnt otherwise; two glances.

Not claimed: the paper's assignment of credit through bursts of the areas above, or its inhibitory and short-term plastic pathways. A prediction
that never varies is the usual one and teaches nothing: this rule sees B c only by its deviation from a running mean, which is another rule
than CLAPP++ also in expectation.
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
from .signals import Factors, Phase, Signals
from .words import Words

USUAL = 0.5  # burst probability of a tuft at rest

WORDS = Words(
    apical="e = B c; the burst probability is its sigmoid P, and the context c is that of the row before",
    score="u = ½ Σ (P − P̄) E², bursts in excess of what is usual, weighed by events",
    modulator="γ = −dL/du of the contrast function, above 0 at fixations and below 0 at saccades",
    gate="with a margin, γ is 0 once a fixation scores high enough or a saccade low enough",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstDependent:
    """Burst-dependent plasticity from explicit factors.

    Args:
        context: what the apical dendrites receive, a word of `SOURCES`, or a tuple of context sources.
        contrast: contrast function of the scores.
        negatives, phases: see `pair`.
        slope: k, above 0: of the burst probability on the apical prediction.
        memory: m, from 0 to below 1: how much of the usual burst probability is left from step to step.

    Raises:
        RuleError: unknown words, numbers out of range, or `either` with a contrast that needs both scores of a row.
    """

    context: str | tuple[str, ...] = "lateral"
    contrast: Contrast = field(default_factory=Hinge)
    negatives: Negatives = "next"
    phases: Phases = "both"
    slope: float = 1.0
    memory: float = 0.95

    def __post_init__(self) -> None:
        sources_of("BurstDependent", self.context)
        check_pairs("BurstDependent", self.contrast, self.negatives, self.phases)
        if not (math.isfinite(self.slope) and self.slope > 0):
            raise RuleError(
                f"BurstDependent.slope: expected a finite number above 0, got {self.slope!r}; the default is 1"
            )
        if not 0 <= self.memory < 1:
            raise RuleError(
                f"BurstDependent.memory: expected a number from 0 to below 1, got {self.memory!r}; the default is 0.95"
            )

    @property
    def needs(self) -> Needs:
        """Two glances, and an apical matrix for each source of the context."""
        return Needs(
            sources=sources_of("BurstDependent", self.context), second="own", negatives=self.negatives, phases=self.phases, records=PREDICTIVE,
            words=WORDS,
        )  # fmt: skip

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Usual burst probability of every unit, for each source."""
        return {_kept(source): torch.full(shape, USUAL) for source in sources_of("BurstDependent", self.context)}

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators, drive and prediction terms of one population; computed without autograd."""
        pairing, rate = _paired(signals), signals.rate
        loss, drive = rate.new_zeros(()), torch.zeros_like(rate)
        phases, predictions, state = {}, {}, {}
        for source, apical in signals.apical.items():
            probability, usual = self._bursts(apical.potential), _usual(signals, source)
            excess = probability - usual
            stay, jump = _scores(rate, excess, pairing)
            phase = phases[source] = Phase(stay, jump, *self.contrast.modulators(stay, jump))
            loss = loss + mean_loss(self.contrast, stay, jump, pairing)
            power = torch.zeros_like(rate)
            for rows, gamma, weight in (
                (pairing.fixation, phase.gamma_fixation, pairing.fixation_weight),
                (pairing.saccade, phase.gamma_saccade, pairing.saccade_weight),
            ):
                modulated, events = (gamma * weight)[:, None], rate[rows]
                drive.index_add_(0, rows, modulated * excess * events)
                power += modulated * events.square()
            predictions[source] = power * (self.slope / 2) * probability * (1 - probability)
            state[_kept(source)] = self.memory * usual + (1 - self.memory) * probability.mean(0)
        return Factors(loss, drive, predictions, phases, state=state)

    def objective(self, signals: Signals) -> Tensor:
        """L above, differentiable, with the usual burst probability as a constant: what the explicit factors are tested against."""
        pairing, terms = _paired(signals), []
        for source, apical in signals.apical.items():
            excess = self._bursts(apical.potential) - _usual(signals, source)
            terms.append(mean_loss(self.contrast, *_scores(signals.rate, excess, pairing), pairing))
        return torch.stack(terms).sum()

    def _bursts(self, potential: Tensor) -> Tensor:
        return torch.sigmoid(self.slope * potential)


def _scores(rate: Tensor, excess: Tensor, pairing: Pairing) -> tuple[Tensor, Tensor]:
    """u at fixations and saccades, (rows,)."""
    stay, jump = ((excess * rate[rows].square()).sum(1) / 2 for rows in (pairing.fixation, pairing.saccade))
    return stay, jump


def _usual(signals: Signals, source: str) -> Tensor:
    if (name := _kept(source)) not in signals.state:
        raise RuleError(f"BurstDependent.state: expected {name}, got none; begin with start(shape)")
    return signals.state[name]


def _kept(source: str) -> str:
    """Name of the usual burst probability in the state; of a source `place:Name` the name alone."""
    return f"usual_{source.rpartition(':')[2]}"


def _paired(signals: Signals) -> Pairing:
    if signals.pairing is None or not signals.apical:
        raise RuleError(
            "BurstDependent.factors: expected signals with a pairing and an apical potential, got none; wire a context first"
        )
    return signals.pairing

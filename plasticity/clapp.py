"""CLAPP++: contrastive, local and predictive plasticity with two views, lateral context and direct feedback.

Source: "Can Local Learning Match Self-Supervised Backpropagation?", arXiv 2601.21683 (ICML 2026); the ancestor with patches is Illing
et al. 2021, NeurIPS (CLAPP).

    u      = z . (B c)                               score: rate against dendritic prediction
    L      = mean_i  L+(u_i fixation) + L-(u_i saccade)
    dW_ji  = gamma * (B c)_j * rho'(a_j) * z_i       gamma = -dL/du: neuromodulator
    dB_jk  = gamma * z_j * c_k

The context c carries no gradient: it is what the dendrite received a glance ago. With context `both` a neuron has two apical
matrices, one for its own population and one for the top population, each with its own score and neuromodulator; their objectives add.

Loss and changes are those of the authors' code (github.com/zihan-wu/local-SSL, commit c4ea488) within its single precision; its scripts for CIFAR-10 and
STL-10 set no weight decay, and the presets follow.

Not claimed: that one scalar per population and row is available in cortex with this timing, nor that B and W respect Dale's law.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .contrast import Contrast, Hinge
from .errors import RuleError
from .needs import PREDICTIVE, Needs
from .pairing import Negatives, Phases
from .scores import check_pairs, check_word, mean_loss, scores, scores_of
from .signals import Apical, Factors, Phase, Signals
from .words import CONTRASTED

# the words of `context`; settings and command line read them here
SOURCES: dict[str, tuple[str, ...]] = {"lateral": ("lateral",), "dfb": ("dfb",), "both": ("dfb", "lateral")}


def sources_of(owner: str, context: str | tuple[str, ...]) -> tuple[str, ...]:
    """Context sources of a word of `SOURCES`, or those that are given as they are.

    Raises:
        RuleError: an unknown word, or no source.
    """
    if isinstance(context, tuple) and context:
        return context
    check_word(f"{owner}.context", context if isinstance(context, str) else "", tuple(SOURCES))
    return SOURCES[str(context)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClappPP:
    """The CLAPP++ rule from explicit factors.

    Args:
        context: what the apical dendrites receive, a word of `SOURCES`: `lateral` (own population), `dfb` (top population), `both`;
            or a tuple of context sources, words of the models' `CONTEXTS`.
        contrast: contrast function of the scores.
        negatives: `next` or `random`, see `pair`.
        phases: `both` (synchronous) or `either` (a fixation or a saccade per row), see `pair`.

    Raises:
        RuleError: unknown words, or `either` with a contrast that needs both scores of a row.
    """

    context: str | tuple[str, ...] = "lateral"
    contrast: Contrast = field(default_factory=Hinge)
    negatives: Negatives = "next"
    phases: Phases = "both"

    def __post_init__(self) -> None:
        sources_of("ClappPP", self.context)
        check_pairs("ClappPP", self.contrast, self.negatives, self.phases)

    @property
    def needs(self) -> Needs:
        """Two glances, and an apical matrix for each source of the context."""
        return Needs(
            sources=sources_of("ClappPP", self.context),
            negatives=self.negatives,
            phases=self.phases,
            parted=True,
            records=PREDICTIVE,
            words=CONTRASTED,
        )

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """CLAPP++ keeps nothing from step to step."""
        return {}

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators, drive and prediction terms of one population; computed without autograd."""
        pairing = signals.pairing
        if pairing is None or not signals.apical:
            raise RuleError(
                "ClappPP.factors: expected signals with a pairing and an apical potential, got none; wire a context first"
            )
        phases, predictions, losses = {}, {}, []
        drive = torch.zeros_like(signals.rate)
        # gathered once: every source needs the rates that follow for its score and for its change
        met = signals.rate[pairing.fixation], signals.rate[pairing.saccade]
        for source, apical in signals.apical.items():
            phase = self._phase(met, apical)
            phases[source] = phase
            losses.append(mean_loss(self.contrast, phase.score_fixation, phase.score_saccade, pairing))
            stay = (phase.gamma_fixation * pairing.fixation_weight)[:, None]
            jump = (phase.gamma_saccade * pairing.saccade_weight)[:, None]
            # The prediction of row i meets the rate of another row: there it acts as the second factor.
            drive.index_add_(0, pairing.fixation, stay * apical.potential)
            drive.index_add_(0, pairing.saccade, jump * apical.potential)
            predictions[source] = (stay * met[0]).add_(jump * met[1])
        return Factors(losses[0] if len(losses) == 1 else torch.stack(losses).sum(), drive, predictions, phases)

    def objective(self, signals: Signals) -> Tensor:
        """The local objective itself, differentiable: what the explicit factors are tested against."""
        pairing = signals.pairing
        if pairing is None:
            raise RuleError("ClappPP.objective: expected signals with a pairing, got None; build one with `pair`")
        terms = []
        for apical in signals.apical.values():
            fixation, saccade = scores(signals.rate, apical.potential, pairing)
            terms.append(mean_loss(self.contrast, fixation, saccade, pairing))
        return torch.stack(terms).sum()

    def _phase(self, met: tuple[Tensor, Tensor], apical: Apical) -> Phase:
        fixation, saccade = scores_of(met, apical.potential)
        return Phase(fixation, saccade, *self.contrast.modulators(fixation, saccade))

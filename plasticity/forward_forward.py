"""Forward-Forward: every population learns to tell positive from negative data by its own goodness.

Source: Hinton 2022, "The Forward-Forward Algorithm", arXiv 2212.13345; peer normalisation and the sum form of the threshold as in the
PyTorch re-implementation by Loewe (github.com/loeweX/Forward-Forward).

    G      = sum_j mean_x h_jx^2                      goodness: over channels j, averaged over the places x of a map
    s      = G - D theta                              score, D channels
    L      = mean over rows of softplus(-s) if positive, softplus(s) if negative
    dW_ji  = gamma * 2 h_j * z_i                      gamma = sigmoid(-s) on positive rows, -sigmoid(s) on negative ones

h = rho(a) is the rate before a max-pool, rho = ReLU, so that h rho'(a) = h; z_i is the pre-synaptic rate brought to unit mean square
by the relay (`unit`), without which a population could copy the goodness below it. In a dense population G is the sum of squares and
D theta the published threshold; a map counts as D neurons of mean square goodness, so one theta serves both.

Positive and negative rows are made at the input: the image with its true or with a wrong label written in (`overlay`, supervised), or
the image and a patchwork of two images (`hybrids`, unsupervised).

Peer normalisation adds  peer * mean_j (mean_k r_k - r_j)^2  with the running mean rates  r <- 0.9 r + 0.1 <h>  over positive rows (and
places: the copies of a channel share their weights, so also their r). Its change ignores rho', so that silent neurons come back.

Three-factor reading: gamma is a broadcast modulator, one number per population and row, its sign the phase (wake or sleep); 2 h_j z_i is
Hebbian; there is no dendritic factor. Peer normalisation is homeostatic and knows no modulator.

In dense populations loss, change and running means are those of Loewe's code (commit da516f0) to rounding. It feeds pixels from 0 to 1 (`mnist-ff` too, by
`stimulus.normalised`), and its 1.45 % error is a linear read-out under the neutral label. Convolutions and `hybrids` are our own
construction, compared with no code.

Not claimed: that a brain makes negative data, or knows the phase it is in. In the original the places of a map are not averaged, as it
has local receptive fields without shared weights.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import RuleError
from .goodness import (
    Contrasted,
    check_above,
    check_contrasted,
    goodness,
    logistic_loss,
    paired,
    phases_of,
    places,
    rows_of,
)
from .needs import MODULATED, Needs
from .pairing import Pairing
from .signals import Factors, Signals
from .words import Words

MOMENTUM, RESTING = 0.9, 0.5

WORDS = Words(
    score="s = G − D θ, goodness G of the population's rates less its threshold",
    modulator="γ = σ(−s) on positive rows and −σ(s) on negative ones",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardForward:
    """The Forward-Forward rule from explicit factors.

    Args:
        presentation: where negative rows come from: `overlay` (a wrong label, supervised) or `hybrids` (patchworks, unsupervised).
        threshold: theta, mean square rate at which a row is neither positive nor negative, above 0.
        peer: strength of peer normalisation, 0 for none.

    Raises:
        RuleError: an unknown presentation, or numbers outside their range.
    """

    presentation: Contrasted = "overlay"
    threshold: float = 1.0
    peer: float = 0.03

    def __post_init__(self) -> None:
        check_contrasted("ForwardForward", self.presentation)
        check_above("ForwardForward.threshold", self.threshold, 1.0)
        if not (math.isfinite(self.peer) and self.peer >= 0):
            raise RuleError(
                f"ForwardForward.peer: expected a finite number from 0, got {self.peer!r}; 0 switches it off"
            )

    @property
    def needs(self) -> Needs:
        """Positive and negative rows at unit length, labels where they are written into images."""
        return Needs(
            presentation=self.presentation,
            supervised=self.presentation == "overlay",
            negatives="opposite",
            relay="unit",
            transfer="relu",
            site="neuron",
            records=MODULATED,
            words=WORDS,
        )

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Running mean rate r of every channel, (channels,), where peer normalisation needs it."""
        return {"mean_rate": torch.full(shape[:1], RESTING)} if self.peer else {}

    def goodness(self, signals: Signals) -> Tensor:
        """G of every row, (rows,)."""
        return goodness(torch.relu(_basal(signals)))

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators and the factor of every neuron; computed without autograd."""
        basal, pairing = _basal(signals), paired(signals.pairing, "ForwardForward")
        rate = torch.relu(basal)
        phase = phases_of(goodness(rate) - self.threshold * rate.shape[1], pairing)
        # one mean over positive and negative rows together: each phase has half of the weight
        gain = rate.new_zeros(len(rate))
        gain.index_add_(0, pairing.fixation, phase.gamma_fixation * pairing.fixation_weight / 2)
        gain.index_add_(0, pairing.saccade, phase.gamma_saccade * pairing.saccade_weight / 2)
        drive = rate * rows_of(2 * gain / places(rate), rate)
        loss, state = logistic_loss(phase, pairing), {}
        if self.peer:
            running, excess = self._peers(rate, signals, pairing)
            loss = loss + self.peer * excess.square().mean()
            push = -self.peer * (2 / len(excess)) * (1 - MOMENTUM) * excess / places(rate)
            positive = rows_of(_positive(rate, pairing), rate)
            drive = drive + positive * push.view(1, -1, *(1,) * (rate.dim() - 2))
            state = {"mean_rate": running}
        return Factors(loss, drive, phases={"basal": phase}, state=state)

    def objective(self, signals: Signals) -> Tensor:
        """The local objective, differentiable by `signals.basal`: what the explicit factors are tested against.

        The rates that peer normalisation counts let the gradient pass as if rho' were 1.
        """
        basal, pairing = _basal(signals), paired(signals.pairing, "ForwardForward")
        rate = torch.relu(basal)
        loss = logistic_loss(phases_of(goodness(rate) - self.threshold * rate.shape[1], pairing), pairing)
        if self.peer:
            passed = basal + (rate - basal).detach()
            loss = loss + self.peer * self._peers(passed, signals, pairing)[1].square().mean()
        return loss

    def _peers(self, rate: Tensor, signals: Signals, pairing: Pairing) -> tuple[Tensor, Tensor]:
        """Running mean rates and by how much each exceeds the mean of all, (channels,)."""
        if "mean_rate" not in signals.state:
            raise RuleError("ForwardForward.state: expected mean_rate, got none; begin with start(shape)")
        now = torch.einsum("r,rcx->c", _positive(rate, pairing), rate.flatten(2) if rate.dim() > 2 else rate[..., None])
        running = MOMENTUM * signals.state["mean_rate"] + (1 - MOMENTUM) * now / places(rate)
        return running, running - running.mean()


@dataclass(frozen=True, slots=True, kw_only=True)
class BPForwardForward:
    """The objective of Forward-Forward at the top population alone, backpropagated through all populations.

    G is the sum of squares over the units of the top population, after its max-pool and block pooling, and D their number.

    Args:
        presentation: as in `ForwardForward`.
        threshold: theta, as in `ForwardForward`.

    Raises:
        RuleError: an unknown presentation or a threshold outside its range.
    """

    presentation: Contrasted = "overlay"
    threshold: float = 1.0

    def __post_init__(self) -> None:
        check_contrasted("BPForwardForward", self.presentation)
        check_above("BPForwardForward.threshold", self.threshold, 1.0)

    @property
    def needs(self) -> Needs:
        """As `ForwardForward`, and the engine for end-to-end rules."""
        return Needs(
            engine="backprop",
            presentation=self.presentation,
            supervised=self.presentation == "overlay",
            negatives="opposite",
            relay="unit",
        )

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """L of `ForwardForward`. Shapes: rate (rows, units)."""
        score = goodness(rate) - self.threshold * rate.shape[1]
        pairing = paired(pairing, "BPForwardForward")
        return logistic_loss(phases_of(score, pairing), pairing)


def _positive(rate: Tensor, pairing: Pairing) -> Tensor:
    """Weight of every row in the mean over positive rows, (rows,)."""
    return rate.new_zeros(len(rate)).index_add_(0, pairing.fixation, pairing.fixation_weight)


def _basal(signals: Signals) -> Tensor:
    if signals.basal is None:
        raise RuleError("ForwardForward.basal: expected the potential of every neuron, got None; keep it in the sweep")
    return signals.basal

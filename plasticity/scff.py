"""SCFF: self-contrastive Forward-Forward. Every population tells an image paired with itself from an image paired with another.

Source: Chen, Liu, Laydevant and Grollier 2025, Nature Communications 16:5978, arXiv 2409.11593.

    a      = W * x + W * x' + b                       x' = x on positive rows, another image of the batch on negative ones
    G      = mean_k relu(a_k)^2                       goodness of every place
    L      = mean softplus(theta+ - G+)  +  mean softplus(G- - theta-)  +  lambda mean_rows |G+|
    dW_ki  = gamma * 2 relu(a_k) / K * (x + x')_i

gamma = sigmoid(theta+ - G) - lambda' G/|G| on positive rows and -sigmoid(G - theta-) on negative ones, at every place; |G| is the length of G
over the places of a row, and lambda' is lambda times their number. Recorded is the mean of gamma over the places of a row.

As both images of a pair meet the same kernel, the pair [x, x'] is shown as x + x' and [x, x] as 2x, by the relay `pairs`, which standardises
every image first. The authors standardise twice, before the pairing and, both images of a pair together, after the mirrored rim: `padded`
does so as well. Without it the loss differs by 0.2 to 0.4 %, the gradient by 3 to 8 % (cosine at least 0.9977); with it both are theirs to
rounding. The partner is the next image of the batch, whose order is drawn anew every epoch; theirs is another one at random.

One b stands for the two equal ones of the authors' pair (there it enters twice): b is twice theirs. Begun in the same range it has half the
initial value of theirs, and half the gradient; under Adam it moves half as fast.

`rebuild`: a population pairs the images anew, from the positive rows below it; without, it goes on with both streams as they come, each
standardised and not doubled.

Three-factor reading: gamma is a modulator at every place, its sign (positive or negative pair) common to the whole network; 2 relu(a_k) x_i
is Hebbian; there is no dendritic factor.

Not claimed: that two images are seen at once in a brain, nor that the phase is known to every synapse.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import RuleError
from .needs import MODULATED, Needs
from .pairing import Pairing
from .per_population import at, check_numbers, check_switches, freeze
from .signals import Factors, Phase, Signals
from .words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class SCFF:
    """The SCFF rule from explicit factors. Every argument is one value, or one per population.

    Args:
        threshold_positive: theta+, from which goodness positive pairs are told well, at least 0.
        threshold_negative: theta-, below which goodness negative pairs are, at least 0.
        penalty: lambda, keeps the goodness of positive pairs from growing without end, at least 0.
        rebuild: whether a population pairs the images anew.
        padded: whether pairs are standardised a second time, with the rim of the population, as the authors do.

    Raises:
        RuleError: values outside their range.
    """

    threshold_positive: float | tuple[float, ...] = 1.0
    threshold_negative: float | tuple[float, ...] = 2.0
    penalty: float | tuple[float, ...] = 1e-3
    rebuild: bool | tuple[bool, ...] = True
    padded: bool = False

    needs: ClassVar[Needs] = Needs(
        presentation="twice",
        relay="pairs",
        relayed=("rebuild", "padded"),
        site="neuron",
        records=MODULATED,
        negatives="opposite",
        per_population=("threshold_positive", "threshold_negative", "penalty", "rebuild"),
        words=Words(
            first="pair of equals",
            second="pair of others",
            basal="a = W ∗ x + W ∗ x′ + b, of both images of a pair",
            score="G, goodness: mean square rate of the population, averaged over places",
            modulator="mean over places of γ = σ(θ⁺ − G) less the penalty on pairs of equals, and of −σ(G − θ⁻) on pairs of others",
        ),
    )

    def __post_init__(self) -> None:
        freeze(self)
        for name in ("threshold_positive", "threshold_negative", "penalty"):
            check_numbers(f"SCFF.{name}", getattr(self, name), 0)
        check_switches("SCFF.rebuild", self.rebuild)
        if not isinstance(self.padded, bool):
            raise RuleError(f"SCFF.padded: expected true or false, got {self.padded!r}")
        if not at(self.rebuild, 0):
            raise RuleError("SCFF.rebuild: expected true at the bottom, where the pairs are made, got false")

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """SCFF keeps nothing from step to step."""
        return {}

    def factors(self, signals: Signals) -> Factors:
        """Neuromodulators and the factor of every neuron; computed without autograd."""
        basal, pairing = _needed(signals)
        rate = torch.relu(basal.detach())
        goodness = _goodness(rate)
        positive, negative = self._thresholds(signals.position)
        hebb, anti = torch.sigmoid(positive - goodness), -torch.sigmoid(goodness - negative)
        length = torch.linalg.vector_norm(goodness, dim=1, keepdim=True)
        # of a silent row the length has no direction
        direction = torch.where(length > 0, goodness / length, 0)
        pull, push = _weights(pairing, rate)
        places = goodness.shape[1]
        hebb = hebb - at(self.penalty, signals.position) * places * direction
        gain = (pull * hebb + push * anti) / places
        drive = rate * (2 / rate.shape[1] * gain).view(len(rate), 1, *rate.shape[2:])
        score = goodness.mean(1)
        phase = Phase(
            score[pairing.fixation],
            score[pairing.saccade],
            hebb.mean(1)[pairing.fixation],
            anti.mean(1)[pairing.saccade],
        )
        return Factors(self._loss(goodness, pairing, signals.position), drive, phases={"basal": phase})

    def objective(self, signals: Signals) -> Tensor:
        """The local objective, differentiable by `signals.basal`: what the explicit factors are tested against."""
        basal, pairing = _needed(signals)
        return self._loss(_goodness(torch.relu(basal)), pairing, signals.position)

    def _thresholds(self, position: int) -> tuple[float, float]:
        return at(self.threshold_positive, position), at(self.threshold_negative, position)

    def _loss(self, goodness: Tensor, pairing: Pairing, position: int) -> Tensor:
        positive, negative = self._thresholds(position)
        pull, push = _weights(pairing, goodness)
        told = F.softplus(positive - goodness).mean(1, keepdim=True)
        told = told + at(self.penalty, position) * torch.linalg.vector_norm(goodness, dim=1, keepdim=True)
        loss: Tensor = (pull * told + push * F.softplus(goodness - negative).mean(1, keepdim=True)).sum()
        return loss


def _goodness(rate: Tensor) -> Tensor:
    """G, (rows, places); a dense population has one place."""
    return rate.flatten(2).square().mean(1) if rate.dim() > 2 else rate.square().mean(1, keepdim=True)


def _weights(pairing: Pairing, like: Tensor) -> tuple[Tensor, Tensor]:
    """Weight of every row in the mean over positive and over negative rows, (rows, 1)."""
    positive, negative = like.new_zeros(len(like)), like.new_zeros(len(like))
    positive.index_add_(0, pairing.fixation, pairing.fixation_weight)
    negative.index_add_(0, pairing.saccade, pairing.saccade_weight)
    return positive[:, None], negative[:, None]


def _needed(signals: Signals) -> tuple[Tensor, Pairing]:
    if signals.basal is None or signals.pairing is None:
        raise RuleError(
            "SCFF.factors: expected signals with a basal potential and a pairing, got none; "
            "build the pairing with pair(objects, negatives='opposite')"
        )
    return signals.basal, signals.pairing

"""Latent Predictive Learning: successive rates agree, each unit keeps its variance, units do not copy each other.

Source: Halvagal & Zenke 2023, Nature Neuroscience 26:1906, with the authors' correction of its Eqs. 6 and 7: the decorrelation term
multiplies the deviation of the other units with their covariance instead of squaring each factor sample by sample.

    L      = p L_pred + h L_hebb + d L_dec
    L_pred = mean_bi (z'_bi - z_bi)^2                             z: first glance, z': second glance of the same object
    L_hebb = -1/2 sum_v mean_i log(s2_i + xi)                     s2: variance over the batch, for each of the two glances v
    L_dec  =  1/2 sum_v sum_{i != k} C_ik^2 / (M^2 - M)           C: covariance over the batch; M units

    -dL/dz'_bi = - 2 p (z'_bi - z_bi) / (B M)                                                   predictive
                 + h (z'_bi - m_i) / (M (B-1) (s2_i + xi))                                      Hebbian
                 - 2 d sum_{k != i} C_ik (z'_bk - m_k) / ((B-1) (M^2 - M))                      decorrelation
    dW_ij      = sum_b (-dL/dz_bi) rho'(a_bi) x_bj

Three factors: presynaptic rate x_j; rho'(a_i); and a bracket that every neuron computes for itself: minus the change of its rate since the
glance before, plus its deviation from its own mean in units of its variance (as in BCM). There is no apical prediction and no
neuromodulator; decorrelation needs the covariances with the other units, a job for lateral inhibition.

Units are the block-pooled rates: with grid 1 one unit per channel, the mean over the map, as in the paper. With a larger grid every
channel has a unit per block of places; at the map's full side L_pred and L_hebb are those of the authors' unpooled variant, while L_dec
still runs over all pairs of units, where theirs runs over pairs of channels with places as further samples.

Loss and change equal those of the authors' code (github.com/fmi-basel/latent-predictive-learning, commit 0210f55) to rounding. Around the rule theirs
is otherwise: the learning rate warms up epoch by epoch (here step by step), weight decay spares biases, and classes are read out of the 512
pooled units of the top population alone, fitted on the validation split. The 59.4 % printed for it on CIFAR-10 is that, and not
comparable with a read-out of all populations.

It compares no objects: in a recording the trials of phase 1 are glances at another object that this rule never set against the first.

Not claimed: that a batch of objects is seen at once (`stale` removes this from mean and variance, not from the covariances), or the
spiking version of the paper.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from .errors import RuleError
from .needs import Needs
from .pairing import Pairing
from .products import product
from .signals import Factors, Signals
from .words import Words

Past = Literal["both", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LPL:
    """LPL from explicit factors.

    Args:
        predictive, hebbian, decorrelation: coefficients p, h, d.
        past: `both`: the predictive term changes both glances (the authors' deep networks); `stop`: the first glance is past and does not
            change any more, the second one learns (their learning rule). Averaged over the order of the glances `stop` is half of `both`.
        stale: mean and variance are those of the batch before, averaged over both glances: the Hebbian term is then linear in the
            rates, `-1/2 sum_v mean_i sum_b (z_bi - m_i)^2 / ((s2_i + xi) (B-1))`, and needs no other sample. The first batch uses its own.
        floor: xi, keeps the Hebbian term of silent units finite.

    Raises:
        RuleError: a coefficient below 0, a floor that is not above 0, or an unknown word.
    """

    predictive: float = 1.0
    hebbian: float = 1.0
    decorrelation: float = 10.0
    past: Past = "both"
    stale: bool = False
    floor: float = 1e-4

    needs: ClassVar[Needs] = Needs(
        words=Words(
            first="glance at the same object",
            second="glance at another object, which this rule does not compare",
            loss="sum of the predictive, Hebbian and decorrelation terms",
        )
    )

    def __post_init__(self) -> None:
        for name in ("predictive", "hebbian", "decorrelation"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise RuleError(f"LPL.{name}: expected a finite number of at least 0, got {value!r}; 0 leaves it out")
        if not (math.isfinite(self.floor) and self.floor > 0):
            raise RuleError(f"LPL.floor: expected a finite number above 0, got {self.floor!r}; the default is 1e-4")
        if self.past not in ("both", "stop"):
            raise RuleError(f"LPL.past: expected one of both, stop, got {self.past!r}")
        if not isinstance(self.stale, bool):
            raise RuleError(f"LPL.stale: expected true or false, got {self.stale!r}")

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Mean and variance of every unit for `stale`, and whether a batch has been seen; nothing without."""
        if not self.stale:
            return {}
        return {"mean": torch.zeros(shape), "variance": torch.ones(shape), "seen": torch.zeros(1)}

    def factors(self, signals: Signals) -> Factors:
        """Loss and drive of one population; computed without autograd."""
        rate, (rows, units) = signals.rate, signals.rate.shape
        later, earlier = _follow(signals)
        change = (rate[later] - rate[earlier]) * (2 * self.predictive / (len(later) * units))
        drive = torch.zeros_like(rate).index_add_(0, later, -change)
        if self.past == "both":
            drive.index_add_(0, earlier, change)
        means, variances = self._statistics(signals)
        others = max(units * (units - 1), 1)
        for glance, mean, variance, part in zip(rate.chunk(2), means, variances, drive.chunk(2), strict=True):
            fewer = rows // 2 - 1
            part += (self.hebbian / (units * fewer)) * (glance - mean) / (variance + self.floor)
            if units == 1:
                continue
            deviation = glance - glance.mean(0)
            # (z - m) C over pairs of rows: the covariances themselves, units by units, are never formed
            shared = product(product(deviation, deviation), deviation.T) / fewer
            own = deviation * (deviation.square().sum(0) / fewer)
            part -= (2 * self.decorrelation / (fewer * others)) * (shared - own)
        return Factors(self.objective(signals), drive, state=self._next(rate))

    def objective(self, signals: Signals) -> Tensor:
        """L above, differentiable."""
        rate = signals.rate
        later, earlier = _follow(signals)
        past = rate[earlier] if self.past == "both" else rate[earlier].detach()
        loss = self.predictive * (rate[later] - past).square().mean()
        means, variances = self._statistics(signals)
        for glance, mean, variance in zip(rate.chunk(2), means, variances, strict=True):
            fewer = len(glance) - 1
            deviation = glance - glance.mean(0)
            own = deviation.square().sum(0) / fewer
            if self.stale:
                spread = ((glance - mean).square() / (variance + self.floor)).sum(0) / fewer
                loss = loss - self.hebbian / 2 * spread.mean()
            else:
                loss = loss - self.hebbian / 2 * torch.log(own + self.floor).mean()
            units = rate.shape[1]
            if units > 1:
                pairs = product(deviation, deviation).square().sum() / fewer**2 - own.square().sum()
                loss = loss + self.decorrelation / 2 * pairs / (units * (units - 1))
        return loss

    def _statistics(self, signals: Signals) -> tuple[list[Tensor], list[Tensor]]:
        """Mean and variance of every unit that the Hebbian term refers to, for each glance; constants."""
        glances = signals.rate.detach().chunk(2)
        means, variances = [g.mean(0) for g in glances], [g.var(0) for g in glances]
        if not self.stale:
            return means, variances
        seen = signals.state["seen"] > 0
        return (
            [torch.where(seen, signals.state["mean"], mean) for mean in means],
            [torch.where(seen, signals.state["variance"], variance) for variance in variances],
        )

    def _next(self, rate: Tensor) -> dict[str, Tensor]:
        if not self.stale:
            return {}
        first, second = rate.chunk(2)
        mean, variance = (first.mean(0) + second.mean(0)) / 2, (first.var(0) + second.var(0)) / 2
        return {"mean": mean, "variance": variance, "seen": rate.new_ones(1)}


def _follow(signals: Signals) -> tuple[Tensor, Tensor]:
    """Rows of the second glances, and the row that went before each of them."""
    pairing: Pairing | None = signals.pairing
    if pairing is None or len(signals.rate) < 4:
        got = "no pairing" if pairing is None else f"{len(signals.rate)} rows"
        raise RuleError(f"LPL.factors: expected the pairing of two glances at two or more objects, got {got}; use pair")
    objects = len(pairing.fixation) // 2
    later = torch.arange(objects, 2 * objects, device=pairing.fixation.device)
    return later, pairing.fixation[objects:]

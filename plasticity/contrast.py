"""Contrast functions: how scores of fixations and saccades become a loss and a neuromodulator.

A score u = z . (B c) says how well the dendritic prediction B c fits the rate z that follows. After a fixation the score u+
should be high, after a saccade the score u- should be low. Every contrast gives, row by row,

    losses      L+ and L-
    modulators  gamma+ = -dL/du+  (>= 0),   gamma- = -dL/du-  (<= 0)

so that the change of the score is `gamma` and the broadcast factor of the three-factor rule is the modulator itself.
The family L = f(u+) + f(-u-) is the unified form of "Can Local Learning Match Self-Supervised Backpropagation?" (arXiv 2601.21683).
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import RuleError


class Contrast(Protocol):
    """What a rule asks of a contrast function.

    `separable` is true when L+ depends on u+ alone and L- on u- alone; only then a step may consist of a fixation without a saccade.
    """

    separable: ClassVar[bool]

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of each row, split into the fixation's and the saccade's part; scores and results have shape (rows,)."""
        ...

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """Neuromodulator gamma+ and gamma- of each row, shape (rows,): minus the derivative of the loss by the score."""
        ...


def _positive(owner: str, field: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise RuleError(
            f"{owner}.{field}: expected a finite number above 0, got {value!r}; leave it out for the default"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hinge:
    """f(x) = max(0, margin - x): the modulator is +1, -1, or 0 once the margin is met.

    At the margin itself the modulator is 0, the subgradient that leaves the weights alone.
    """

    margin: float = 1.0
    separable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _positive("Hinge", "margin", self.margin)

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """L+ = max(0, margin - u+), L- = max(0, margin + u-)."""
        return torch.relu(self.margin - fixation), torch.relu(self.margin + saccade)

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """gamma+ = [u+ < margin], gamma- = -[u- > -margin]."""
        return (fixation < self.margin).to(fixation.dtype), -(saccade > -self.margin).to(saccade.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Softplus:
    """Soft hinge f(x) = log(1 + exp(sharpness (margin - x))) / sharpness."""

    margin: float = 1.0
    sharpness: float = 1.0
    separable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _positive("Softplus", "margin", self.margin)
        _positive("Softplus", "sharpness", self.sharpness)

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """L+ = f(u+), L- = f(-u-)."""
        s, m = self.sharpness, self.margin
        return -F.logsigmoid(s * (fixation - m)) / s, -F.logsigmoid(-s * (saccade + m)) / s

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """gamma+ = sigmoid(s (m - u+)), gamma- = -sigmoid(s (m + u-))."""
        s, m = self.sharpness, self.margin
        return torch.sigmoid(s * (m - fixation)), -torch.sigmoid(s * (m + saccade))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticDifference:
    """L = log(1 + exp(-theta (u+ - u-))) / theta: only the difference of the two scores counts (the form used by PhyLL)."""

    theta: float = 1.0
    separable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _positive("LogisticDifference", "theta", self.theta)

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """L+ = L- = L / 2, since the loss belongs to the pair."""
        half = -F.logsigmoid(self.theta * (fixation - saccade)) / (2 * self.theta)
        return half, half

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """gamma+ = sigmoid(-theta (u+ - u-)) = -gamma-."""
        gate = torch.sigmoid(-self.theta * (fixation - saccade))
        return gate, -gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """f(x) = -x: no margin, the modulator is always +1 or -1 (used in theory, unbounded in training)."""

    separable: ClassVar[bool] = True

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """L+ = -u+, L- = u-."""
        return -fixation, saccade.clone()

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """gamma+ = 1, gamma- = -1."""
        return torch.ones_like(fixation), -torch.ones_like(saccade)


CONTRASTS: dict[str, type[Hinge] | type[Softplus] | type[LogisticDifference] | type[Linear]] = {
    "hinge": Hinge,
    "softplus": Softplus,
    "logistic": LogisticDifference,
    "linear": Linear,
}

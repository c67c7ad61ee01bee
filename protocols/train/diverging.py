"""When a run has diverged: a loss far from where it began, or a weight, a moment or a running statistic that is no number.

    |loss| > training.diverged * max(1, |loss of the first step|)

One measure serves all rules: their losses begin between 0 and a few hundred, some are negative or near 0, and all are sums of terms of
order 1 while learning goes well; the 1 keeps a loss that begins at 0 from being its own measure.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...models.engine import Engine
from ...models.optimisers.base import Resumable
from ...models.ranks.ranks import AGREED
from ..errors import ProtocolError

CHECK_EVERY = 100  # steps; reading a loss makes a GPU wait


class DivergedError(ProtocolError):
    """A run has diverged and was stopped.

    Attributes:
        result: what the run would have returned, with the status `diverged`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.result: dict[str, Any] = {}


class Watch:
    """Compares losses with those of the first step.

    Args:
        limit: `training.diverged`.
        start: losses of the first step by name, where a checkpoint tells them.
    """

    def __init__(self, limit: float, start: Mapping[str, float]) -> None:
        self.limit, self.start = limit, dict(start)

    def check(self, losses: Mapping[str, float], step: int, learning_rate: float) -> None:
        """Take the first loss of each name as its start, and later ones as within the limit.

        Raises:
            DivergedError: they are not.
        """
        for name, loss in losses.items():
            start = self.start.setdefault(name, loss)
            limit = self.limit * max(1.0, abs(start))
            if not math.isfinite(loss) or abs(loss) > limit:
                raise DivergedError(
                    f"train.loss: expected finite losses within {limit:.4g} (training.diverged = {self.limit:g} times the start), got {loss:.4g} of "
                    f"{name} at step {step}; lower optimiser.learning_rate ({learning_rate:g}) and train a new run"
                )


def check_finite(engine: Engine, step: int, learning_rate: float) -> None:
    """Refuse to keep weights, running statistics or moments that are not finite; of several ranks, at any of them.

    Raises:
        DivergedError: one is not; the checkpoint before stays the newest.
    """
    groups: dict[str, Mapping[str, Tensor]] = {"weights": engine.network.weights(), "buffers": engine.network.buffers}
    if isinstance(engine.optimiser, Resumable):
        groups["moments"] = engine.optimiser.tensors()
    named = [(f"{group}.{name}", tensor) for group, tensors in groups.items() for name, tensor in tensors.items()]
    own = torch.stack([tensor.isfinite().all().cpu() for _, tensor in named])
    finite = engine.ranks.whole(own[None].to(torch.uint8), engine.ranks.size, AGREED).amin(0).tolist()
    for (name, _), whole in zip(named, finite, strict=True):
        if not whole:
            raise DivergedError(
                f"train.{name}: expected finite numbers, got others at step {step}; lower optimiser.learning_rate "
                f"({learning_rate:g}) and train a new run; the checkpoint before is kept"
            )

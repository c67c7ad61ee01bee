"""Batches an alignment is measured on, and others that B is fitted on: no image is in both."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...plasticity import ClappPP, Pairing, pair
from ..errors import ConfigError
from ..runs.streams import stream
from ..stimuli import Stimulus


@dataclass(frozen=True, slots=True)
class Batch:
    """What one engine step takes.

    Attributes:
        images: both glances at every object, (rows, channels, height, width).
        pairing: who follows whom.
    """

    images: Tensor
    pairing: Pairing


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of a run's own stimulus, views and pairing, as functions of its seed.

    Args:
        stimulus: what is seen; its training objects are shown.
        rule: says how rows are paired.
        seed: of every draw.
        size: objects per batch; two glances each.
        measured: batches the alignment is measured on.
        fitted: batches B is fitted on; 0 for none. They show other objects, in new views once all of them were shown.

    Raises:
        ConfigError: too few training images.
    """

    stimulus: Stimulus
    rule: ClappPP
    seed: int
    size: int
    measured: int
    fitted: int = 0

    def __post_init__(self) -> None:
        needed, present = self.size * (self.measured + (self.fitted > 0)), len(self.stimulus.train)
        if needed > present:
            raise ConfigError(
                f"align.batches: expected at most the {present} training images, got {needed} in batches of {self.size}; "
                "lower --batches or --batch-size"
            )

    def measure(self) -> Iterator[Batch]:
        """The batches to measure on; the same at every call."""
        order = self._order()
        for i in range(self.measured):
            yield self._batch("measure", i, order[i * self.size : (i + 1) * self.size])

    def fit(self) -> Iterator[Batch]:
        """The batches to fit on; the same at every call."""
        rest = self._order()[self.measured * self.size :]
        distinct = len(rest) // self.size
        for i in range(self.fitted):
            start = i % distinct * self.size
            yield self._batch("fit", i, rest[start : start + self.size])

    def _order(self) -> Tensor:
        return torch.randperm(len(self.stimulus.train), generator=stream(self.seed, "align-order"))

    def _batch(self, purpose: str, i: int, index: Tensor) -> Batch:
        images = self.stimulus.glances(index, stream(self.seed, f"align-{purpose}-views", i))
        draws = stream(self.seed, f"align-{purpose}-pairing", i)
        return Batch(images, pair(self.size, negatives=self.rule.negatives, phases=self.rule.phases, generator=draws))

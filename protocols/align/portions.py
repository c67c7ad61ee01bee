"""Batches an alignment is measured on, and others that B is fitted on: no image is in both."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from ..errors import ConfigError
from ..runs.batches import Batch, Batches, Purpose

MEASURE, FIT = (Purpose("align-order", f"align-{part}-views", f"align-{part}-pairing") for part in ("measure", "fit"))

READ_OUT = 16


@dataclass(frozen=True, slots=True)
class Portions:
    """The training images of a run in two portions.

    Args:
        batches: what the run is shown.
        size: objects per batch; two glances each.
        measured: batches the alignment is measured on.
        fitted: batches B is fitted on; 0 for none. They show other objects, in new views once all of them were shown.
        read_out: whether a read-out of the classes is fitted to others, as many as are there, at most `READ_OUT` batches.

    Raises:
        ConfigError: too few training images.
    """

    batches: Batches
    size: int
    measured: int
    fitted: int = 0
    read_out: bool = False

    def __post_init__(self) -> None:
        needed, present = (
            self.size * (self.measured + (self.fitted > 0 or self.read_out)),
            len(self.batches.stimulus.train),
        )
        if needed > present:
            raise ConfigError(
                f"align.batches: expected at most the {present} training images, got {needed} in batches of {self.size}; "
                "lower --batches or --batch-size"
            )

    def measure(self) -> Iterator[Batch]:
        """The batches to measure on; the same at every call."""
        order = self._order()
        for i in range(self.measured):
            yield self.batches.batch(MEASURE, order[i * self.size : (i + 1) * self.size], i)

    def fit(self) -> Iterator[Batch]:
        """The batches to fit on; the same at every call."""
        rest = self._order()[self.measured * self.size :]
        distinct = len(rest) // self.size
        for i in range(self.fitted):
            start = i % distinct * self.size
            yield self.batches.batch(FIT, rest[start : start + self.size], i)

    def others(self) -> Iterator[Batch]:
        """Batches that a read-out is fitted to; the same at every call, of objects that are not measured on."""
        rest = self._order()[self.measured * self.size :]
        for i in range(min(READ_OUT, len(rest) // self.size)):
            yield self.batches.batch(FIT, rest[i * self.size : (i + 1) * self.size], i)

    def _order(self) -> Tensor:
        return self.batches.order(MEASURE)

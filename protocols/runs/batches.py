"""What a run is shown at a step, and who follows whom: functions of (seed, purpose, step), drawn here alone.

A purpose is one use of the run's images: training, measuring, replaying, ... Each has random streams of its own, so that what one use
draws never depends on another, and the same step of the same use is the same batch in every process.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...plasticity import Pairing, Rule, pair
from ..stimuli import Stimulus
from ..stimuli.presentations.table import PRESENTATIONS, Presentation, labels_of
from ..stimuli.stimulus import ViewedImages
from .streams import stream


@dataclass(frozen=True, slots=True)
class Purpose:
    """The random streams of one use of a run's images, by name.

    Attributes:
        order: of the training objects.
        views: of what is seen of them.
        pairing: of who follows whom.
    """

    order: str
    views: str
    pairing: str


TRAINING = Purpose("order", "views", "pairing")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one engine step takes.

    Attributes:
        images: both glances at every object, (rows, channels, height, width).
        pairing: who follows whom; None where rows are not compared.
        label: class of every row, int64 (rows,); None where nobody asks.
    """

    images: Tensor
    pairing: Pairing | None
    label: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Batches:
    """What a run is shown.

    Attributes:
        stimulus: its training objects are shown.
        presentation: how.
        rule: says how rows are paired.
        seed: of every draw.
    """

    stimulus: Stimulus
    presentation: Presentation
    rule: Rule
    seed: int

    def order(self, purpose: Purpose, number: int = 0) -> Tensor:
        """All training objects in a random order, int64 (objects,).

        Args:
            purpose: what for.
            number: of the order: the epoch, where there are epochs.
        """
        return torch.randperm(len(self.stimulus.train), generator=stream(self.seed, purpose.order, number))

    def show(self, purpose: Purpose, index: Tensor, step: int, rows: slice | None = None) -> tuple[Tensor, Tensor]:
        """Images of one step and the class of every row.

        Args:
            purpose: what for.
            index: training objects, int64 (n,).
            step: number of the step.
            rows: of several ranks those of this one, None for all. What is drawn for a row does not depend on them.

        Returns:
            Images (rows, channels, height, width) of these rows, and classes of all, int64 (rows,), on the data's device.
        """
        draws = stream(self.seed, purpose.views, step)
        if rows is None:
            return self.presentation.show(self.stimulus, index, draws)
        if self.presentation is PRESENTATIONS["glances"] and isinstance(self.stimulus, ViewedImages):
            return self.stimulus.glances(index, draws, rows), labels_of(self.stimulus, index).repeat(2)
        images, label = self.presentation.show(self.stimulus, index, draws)
        return images[rows], label

    def views(self, purpose: Purpose, objects: int, step: int) -> dict[str, Tensor]:
        """Parameters of the views that `show` gives of so many objects, by name, each (rows,); none where nothing is augmented.

        Args:
            purpose, step: as in `show`.
            objects: how many are shown.
        """
        if self.presentation is not PRESENTATIONS["glances"] or not isinstance(self.stimulus, ViewedImages):
            return {}
        return self.stimulus.drawn(objects, stream(self.seed, purpose.views, step)).columns()

    def draws(self, purpose: Purpose, step: int) -> torch.Generator:
        """The stream of who follows whom, for one that pairs by a contingency of its own."""
        return stream(self.seed, purpose.pairing, step)

    def pairing(self, purpose: Purpose, objects: int, step: int) -> Pairing:
        """Who follows whom among the rows of so many objects, as the rule says."""
        needs = self.rule.needs
        return pair(
            objects, negatives=needs.negatives, phases=needs.phases, others=needs.others,
            generator=self.draws(purpose, step),
        )  # fmt: skip

    def batch(self, purpose: Purpose, index: Tensor, step: int) -> Batch:
        """Images, pairing and labels of one step."""
        images, label = self.show(purpose, index, step)
        pairing = self.pairing(purpose, len(index), step) if self.presentation.paired else None
        return Batch(images, pairing, label)

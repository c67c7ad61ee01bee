"""Presentations: what a network is shown at a step, from the stimulus and the drawn objects."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .stimuli import Stimulus


@dataclass(frozen=True, slots=True)
class Presentation:
    """One way of showing objects.

    Attributes:
        rows: rows of the batch per object.
        paired: whether rows follow each other as `pair` says; such a presentation has two rows per object.
        show: from stimulus, indices of the objects (n,) and a generator to images (rows * n, channels, height, width) and the class of
            every row, int64 (rows * n,), both on the data's device.
    """

    rows: int
    paired: bool
    show: Callable[[Stimulus, Tensor, torch.Generator], tuple[Tensor, Tensor]]


def _labels(stimulus: Stimulus, index: Tensor) -> Tensor:
    return stimulus.train.labels[index.to(stimulus.train.labels.device)]


def glances(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two glances at each object: rows 0..n-1 the first, rows n..2n-1 the second."""
    return stimulus.glances(index, generator), _labels(stimulus, index).repeat(2)


def images(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The picture of each object as it is stored, without augmentation."""
    shown = stimulus.train.images[index.to(stimulus.train.images.device)]
    return stimulus.still(shown), _labels(stimulus, index)


PRESENTATIONS: dict[str, Presentation] = {
    "glances": Presentation(2, True, glances),
    "images": Presentation(1, False, images),
}

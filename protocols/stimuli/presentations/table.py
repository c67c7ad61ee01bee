"""Presentations: what a network is shown at a step, from the stimulus and the drawn objects."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ....models.imported import Unfit
from ....models.outside import Open
from ...errors import ConfigError, nearest
from .. import Stimulus
from ..images import moved
from ..stimulus import ViewedImages
from .patch_pairs import frame, patches
from .patchworks import hybrids
from .written_labels import labelled, neutral, overlay


def stored(stimulus: Stimulus, images: Tensor) -> Tensor:
    """Images as they are stored, normalised."""
    return stimulus.still(images)


@dataclass(frozen=True, slots=True)
class Presentation:
    """One way of showing objects.

    Attributes:
        rows: rows of the batch per object.
        paired: whether rows follow each other as `pair` says; such a presentation has two rows per object.
        show: from stimulus, indices of the objects (n,) and a generator to images (rows * n, channels, height, width) and the class of
            every row, int64 (rows * n,), both on the data's device.
        still: what a network is shown when it is only read, from stimulus and uint8 images (n, channels, height, width).
        frame: shape that networks are built for, from the shape of the stimulus; one for a part of the image is read out on the whole.
        claimed: images that claim to be of a class, from stimulus, uint8 images (n, channels, height, width) and classes, int64 (n,); None
            where an image does not say what it is.
    """

    rows: int
    paired: bool
    show: Callable[[Stimulus, Tensor, torch.Generator], tuple[Tensor, Tensor]]
    still: Callable[[Stimulus, Tensor], Tensor] = stored
    frame: Callable[[tuple[int, int, int]], tuple[int, int, int]] = lambda shape: shape
    claimed: Callable[[Stimulus, Tensor, Tensor], Tensor] | None = None


def labels_of(stimulus: Stimulus, index: Tensor) -> Tensor:
    """Classes of some training images, int64 (n,), on the data's device."""
    return stimulus.train.labels[moved(index, stimulus.train.labels.device)]


def glances(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two glances at each object: rows 0..n-1 the first, rows n..2n-1 the second."""
    return stimulus.glances(index, generator), labels_of(stimulus, index).repeat(2)


def images(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The picture of each object as it is stored, without augmentation."""
    return stimulus.still(stimulus.train.at(index)), labels_of(stimulus, index)


def twice(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each picture as rows i and n + i, alike, mirrored by chance where the stimulus's views are: what is made into pairs further on."""
    shown = stimulus.train.at(index)
    chance = stimulus.settings.flip if isinstance(stimulus, ViewedImages) else 0.0
    mirrored = moved(torch.rand(len(index), generator=generator) < chance, shown.device)
    shown = torch.where(mirrored[:, None, None, None], shown.flip(3), shown)
    return stimulus.still(shown).repeat(2, 1, 1, 1), labels_of(stimulus, index).repeat(2)


ROWS: dict[str, Presentation] = {
    "glances": Presentation(2, True, glances),
    "images": Presentation(1, False, images),
    "overlay": Presentation(2, True, overlay, neutral, claimed=labelled),
    "hybrids": Presentation(2, True, hybrids),
    "twice": Presentation(2, True, twice),
    "patches": Presentation(2, True, patches, frame=frame),
}


def _adopted(thing: Any, word: str) -> Presentation:
    if isinstance(thing, Presentation):
        return thing
    raise Unfit(
        f"expected a Presentation, which tells rows, pairs and what is shown, got {word}, which is {type(thing).__name__}; make one of "
        "apical.protocols.stimuli.presentations.table"
    )


PRESENTATIONS = Open(ROWS, group="apical.presentations", field="rule.presentation", adopt=_adopted)


def presentation(word: str | Presentation) -> Presentation:
    """The presentation that a rule declares, by a word or as it is.

    Raises:
        ConfigError: an unknown one.
    """
    if isinstance(word, Presentation):
        return word
    if word not in PRESENTATIONS:
        known = ", ".join(PRESENTATIONS.words())
        raise ConfigError(
            f"rule.presentation: expected one of {known}, got {word!r}{nearest(word, PRESENTATIONS.words())}"
        )
    return PRESENTATIONS[word]

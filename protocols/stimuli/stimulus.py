"""What an experiment sees of a stimulus: two glances at each object, and still images for read-outs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .images import ImageSet, Normalisation
from .views.views import ViewParameters, ViewSettings, apply_views, draw_views

ALL = slice(None)


class Stimulus(Protocol):
    """A source of fixations (two glances at one object) and saccades (a glance at another)."""

    @property
    def name(self) -> str:
        """Name of the stimulus, as given to ``load``."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""

    @property
    def train(self) -> ImageSet:
        """Objects to learn from."""

    @property
    def test(self) -> ImageSet:
        """Objects that are never learnt from."""

    def glances(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Return two glances at each of the training objects ``index``, int64 (n,): float32 (2n, C, H, W), normalised.

        Rows 0..n-1 are the first, rows n..2n-1 the second glances.
        """

    def still(self, images: Tensor) -> Tensor:
        """Normalise uint8 images (n, C, H, W), not augmented: float32 of the same shape."""


@dataclass(frozen=True)
class ViewedImages:
    """A data set of still images: the two glances at an image are two SimCLR views of it."""

    name: str
    train: ImageSet
    test: ImageSet
    normalisation: Normalisation
    settings: ViewSettings

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.train.shape

    def glances(self, index: Tensor, generator: torch.Generator, rows: slice = ALL) -> Tensor:
        """Return two views of each training image ``index``, int64 (n,): float32 (2n, C, H, W), normalised.

        Rows 0..n-1 are the first, rows n..2n-1 the second views. Views are drawn for all of them, and given for ``rows``.
        """
        parameters = self.drawn(len(index), generator).rows(rows)
        if rows != ALL:
            return apply_views(
                self.train.at(torch.cat([index, index])[rows]),
                parameters,
                self.normalisation.mean,
                self.normalisation.std,
            )
        return apply_views(self.train.at(index, 2), parameters, self.normalisation.mean, self.normalisation.std)

    def drawn(self, objects: int, generator: torch.Generator) -> ViewParameters:
        """Return the parameters of two views each of so many objects: those that ``glances`` applies with this generator."""
        _, height, width = self.shape
        return draw_views(2 * objects, height, width, generator, self.settings)

    def still(self, images: Tensor) -> Tensor:
        """Normalise uint8 images (n, C, H, W) without augmentation: what read-outs see, float32."""
        return self.normalisation.apply(images)

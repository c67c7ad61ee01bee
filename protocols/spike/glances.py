"""What a closed loop looks at: familiar objects, one glance after another, all functions of the seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...models.spiking.loop import Glance
from ...models.spiking.loop.wiring import Array
from ..errors import ConfigError
from ..runs.streams import stream
from ..stimuli import Stimulus
from ..stimuli.table import load
from .settings import SpikeSettings

IMAGES = 1000  # of the stimulus that are read; objects are drawn from them


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Two glances in a row, that are never learnt from.

    Attributes:
        before, now: intensities, (rows, inputs).
        sign: +1 the same object, -1 another one, (rows,).
        first, second: numbers of the objects, (rows,).
    """

    before: Array
    now: Array
    sign: Array
    first: NDArray[np.int64]
    second: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Objects and how they are seen.

    Attributes:
        stimulus: they come from.
        chosen: training images of the objects, (objects,).
        seed: of every draw.
    """

    stimulus: Stimulus
    chosen: Tensor
    seed: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the inputs."""
        channels, height, width = self.stimulus.shape
        return (1 if channels == 1 else 2, height, width)

    def look(self, purpose: str, count: int, copies: int) -> Iterator[Glance]:
        """A stream of glances: at every one half of the copies, on average, stay with their object."""
        draws = np.random.default_rng([self.seed, *purpose.encode()])
        views = stream(self.seed, f"spike-{purpose}")
        objects = draws.integers(len(self.chosen), size=copies)
        for number in range(count):
            moves = draws.random(copies) < 0.5 if number else np.ones(copies, dtype=bool)
            objects = np.where(moves, self._others(objects, draws), objects)
            yield Glance(self._seen(objects, views), np.where(moves, -1.0, 1.0), objects.copy())

    def pairs(self, rows: int) -> Pairs:
        """Held-out pairs: every second one stays, and objects take turns."""
        draws, views = np.random.default_rng([self.seed, 1]), stream(self.seed, "spike-test")
        first = np.arange(rows) // 2 % len(self.chosen)
        stays = np.arange(rows) % 2 == 0
        second = np.where(stays, first, self._others(first, draws))
        return Pairs(
            self._seen(first, views),
            self._seen(second, views),
            np.where(stays, 1.0, -1.0),
            first,
            second.astype(np.int64),
        )

    def _others(self, objects: NDArray[np.int64], draws: np.random.Generator) -> NDArray[np.int64]:
        count = len(self.chosen)
        found: NDArray[np.int64] = (objects + draws.integers(1, count, size=len(objects))) % count
        return found

    def _seen(self, objects: NDArray[np.int64], views: torch.Generator) -> Array:
        shown = self.stimulus.glances(self.chosen[torch.from_numpy(objects)], views)[: len(objects)]
        return intensities(shown)


def load_world(settings: SpikeSettings, seed: int, data_dir: Path | None) -> World:
    """Read a stimulus and choose the objects.

    Raises:
        StimulusError: an unknown stimulus, or missing data.
        ConfigError: fewer images than objects.
    """
    stimulus = load(
        settings.data, data_dir=data_dir, image_size=settings.image_size, n_train=IMAGES, n_test=1, seed=0,
        crop_scale=settings.crop,
    )  # fmt: skip
    labels = stimulus.train.labels
    if len(labels) < settings.objects:
        raise ConfigError(
            f"spike.objects: expected at most the {len(labels)} training images of {settings.data}, got {settings.objects}; lower it"
        )
    order = torch.randperm(len(labels), generator=stream(seed, "spike-objects"))
    rank = torch.zeros_like(labels)
    for label in labels.unique():  # the n-th image of every class before the n+1-th of any
        here = order[labels[order] == label]
        rank[here] = torch.arange(len(here))
    chosen = order[torch.argsort(rank[order], stable=True)][: settings.objects]
    return World(stimulus, chosen, seed)


def intensities(images: Tensor) -> Array:
    """What the inputs fire with, in [0, 1]: a grey image from its darkest to its brightest point, on and off contrasts of a coloured one.

    Args:
        images: normalised, (rows, channels, height, width).

    Returns:
        (rows, inputs); on before off.
    """
    grey = images.mean(1)
    if images.shape[1] == 1:
        grey = grey - grey.amin((1, 2), keepdim=True)
        parts = grey / grey.amax((1, 2), keepdim=True).clamp(min=1e-6)
    else:
        contrast = grey - grey.mean((1, 2), keepdim=True)
        contrast = contrast / contrast.abs().amax((1, 2), keepdim=True).clamp(min=1e-6)
        parts = torch.stack([contrast.clamp(min=0), (-contrast).clamp(min=0)], 1)
    found: Array = parts.flatten(1).double().numpy()
    return found

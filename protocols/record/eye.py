"""How a trained run sees: what kinds of stimuli ask of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ...plasticity import Rule
from ..errors import ConfigError
from ..runs.batches import Purpose
from ..runs.trained import Trained
from ..stimuli import ImageSet
from ..stimuli.presentations.table import PRESENTATIONS
from ..stimuli.shown.sequence import Eye, Parameter
from ..stimuli.stimulus import ViewedImages
from ..stimuli.views.views import NAMES

RECORDED = Purpose("record-order", "record-views", "record-pairing")


def eye_of(run: Trained[Rule], shape: tuple[int, int, int], seed: int, data_dir: Path | None) -> Eye:
    """What stimuli are made for.

    Args:
        run: says how it sees pictures, and how it augments them.
        shape: of the network's input.
        seed: of every draw.
        data_dir: folder of the data sets.
    """

    def still(images: Tensor) -> Tensor:
        return run.presentation.still(run.stimulus, images.to(run.device))

    def glances(images: ImageSet, index: Tensor, number: int) -> tuple[Tensor, Mapping[str, Parameter]]:
        stimulus: Any = run.stimulus
        if isinstance(stimulus, ViewedImages):
            stimulus = replace(stimulus, train=images)
        elif images is not stimulus.train:
            raise ConfigError(
                f"images.views: expected the run's own training images, whose glances are rendered, got {images.name}; set part=train, or views=false"
            )
        if stimulus.shape != shape:
            raise ConfigError(
                f"images.views: expected images of the network's shape {shape}, got {stimulus.shape}; show them without views"
            )
        batches = replace(run.batches, stimulus=stimulus, presentation=PRESENTATIONS["glances"], seed=seed)
        views, _ = batches.show(RECORDED, index, number)
        drawn = batches.views(RECORDED, len(index), number)
        return views, {name: Parameter(values.numpy(), *NAMES[name]) for name, values in drawn.items()}

    return Eye(shape, seed, run.stimulus, still, glances, data_dir)

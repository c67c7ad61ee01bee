"""How a trained run sees: what kinds of stimuli ask of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ...plasticity import Rule
from ..errors import ConfigError
from ..progress import notice
from ..runs.batches import Purpose
from ..runs.trained import Trained, describe
from ..settings.load import RunConfig
from ..stimuli import ImageSet
from ..stimuli.presentations.table import PRESENTATIONS
from ..stimuli.shown.dataset import OWN, Images
from ..stimuli.shown.sequence import Eye, Parameter
from ..stimuli.shown.table import settings_of
from ..stimuli.stimulus import ViewedImages
from ..stimuli.views.views import NAMES
from .settings import RecordSettings

SELECTIVE = "selective"  # units that are chosen by what they tell of the run's own classes
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


def needs_images(settings: RecordSettings, config: RunConfig, *, given: bool = False) -> bool:
    """Whether the run's own images are shown, augment what is shown, or choose the units.

    Args:
        settings: what is shown and kept.
        config: of the run.
        given: whether images are shown in place of the settings' stimulus.
    """
    selective = any(SELECTIVE in word for word in settings.units)
    if given or selective:
        return selective
    chosen = settings_of(settings.stimulus, settings.stimulus_settings)
    return isinstance(chosen, Images) and (chosen.views or chosen.name in (OWN, config.stimulus.name))


def open_for(
    run: Path, settings: RecordSettings, *, device: str | None, data_dir: Path | None, data: str | None
) -> Trained[Rule]:
    """The run, with its images where they are needed: for others its checkpoint knows how they were normalised.

    Args:
        run: folder of the run.
        settings: what is shown and kept.
        device, data_dir, data: see `open_run`.
    """
    described = describe(run)
    described.newest()
    if data is None and not needs_images(settings, described.config):
        bare = described.without_images(device=device)
        if bare is not None:
            return bare
        notice(
            f"{run}: its checkpoint does not tell how images are normalised; that is taken from {described.config.stimulus.name}"
        )
    return described.open(device=device, data_dir=data_dir, data=data)

"""How well the units of a network tell classes apart, over a fixed batch of training images: what recorded units can be chosen by."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from ...models import BlockNetwork, Network
from ...models.engine.sweep import activities
from ...models.recorder.units import class_selectivity
from ..stimuli import Stimulus
from ..stimuli.presentations.table import Presentation

IMAGES = 512


def selectivity_of(
    network: Network | BlockNetwork, stimulus: Stimulus, presentation: Presentation, seed: int
) -> Callable[[str], Tensor]:
    """Selectivity of all units by population, measured when it is first asked for.

    Args:
        network: as it is then.
        stimulus: its training images, evenly from the classes.
        presentation: how a network that is only read is shown them.
        seed: of the choice of images.
    """

    @cache
    def measured() -> dict[str, Tensor]:
        images = stimulus.train.subset(min(IMAGES, len(stimulus.train)), seed=seed)
        shown = presentation.still(stimulus, images.whole()).to(network.device)
        with torch.no_grad():
            sweep = activities(network, shown.contiguous(memory_format=torch.channels_last))
            told = (class_selectivity(activity.rate.flatten(1), images.labels) for activity in sweep)
            return dict(zip(network.names, told, strict=True))

    return lambda name: measured()[name]

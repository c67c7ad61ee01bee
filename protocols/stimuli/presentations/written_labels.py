"""Labels written into images: how supervised Forward-Forward shows what an image is, or is not.

The first pixels of the stored image in raster order, one per class and the same in every colour channel, carry the label: white for
the class that is claimed, black for all others; with the neutral label each has the grey level 1 / classes. The image is normalised
afterwards as any other, so that black and white are those of the data set.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ...errors import ConfigError
from .. import Stimulus
from ..images import moved


def write(images: Tensor, levels: Tensor) -> Tensor:
    """Images whose first pixels show the levels.

    Args:
        images: uint8 (n, channels, height, width); not changed.
        levels: grey levels from 0 (black) to 1 (white), (n, classes) or (classes,).

    Raises:
        ConfigError: more classes than pixels.
    """
    written = images.clone(memory_format=torch.contiguous_format)
    pixels, classes = written.flatten(2), levels.shape[-1]
    if classes > pixels.shape[2]:
        raise ConfigError(
            f"overlay.classes: expected at most the {pixels.shape[2]} pixels of an image, got {classes}; raise image_size"
        )
    pixels[:, :, :classes] = (255 * levels).round().to(torch.uint8).unsqueeze(-2)
    return written


def labelled(stimulus: Stimulus, images: Tensor, label: Tensor) -> Tensor:
    """Normalised images that claim a class, float32 (n, channels, height, width). Shapes: images uint8, label int64 (n,)."""
    return stimulus.still(write(images, one_hot(label, len(stimulus.train.classes)).float()))


def neutral(stimulus: Stimulus, images: Tensor) -> Tensor:
    """Normalised images that claim nothing: what a network is read out with. Images uint8 (n, channels, height, width)."""
    classes = len(stimulus.train.classes)
    return stimulus.still(write(images, torch.full((classes,), 1 / classes, device=images.device)))


def overlay(stimulus: Stimulus, index: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Each object twice: rows 0..n-1 with its true label, rows n..2n-1 with a wrong one, drawn uniformly.

    Returns:
        Images (2n, channels, height, width) and the labels written into them, int64 (2n,).
    """
    images = stimulus.train.at(index)
    true = stimulus.train.labels[moved(index, images.device)]
    skip = torch.randint(1, len(stimulus.train.classes), (len(index),), generator=generator)
    wrong = (true + moved(skip, true.device)) % len(stimulus.train.classes)
    label = torch.cat([true, wrong])
    return labelled(stimulus, images.repeat(2, 1, 1, 1), label), label

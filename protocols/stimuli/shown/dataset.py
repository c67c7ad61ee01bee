"""Images of a data set, `folder:PATH` or `npz:PATH`, or the run's own: as they are stored, or in two views each.

Views are the run's own augmentations, drawn anew for the recording: the two glances at an image follow each other, so that the first meets
what another image predicted and the second what the first did.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..errors import misuse, unknown_name
from ..images import ImageSet, balanced_order
from ..table import load
from .sequence import Eye, Parameter, Shown, rows

OWN = "own"
PARTS = ("train", "test")
BLOCK = 64  # images whose views are drawn together, whatever the size of a batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Settings of images.

    Args:
        name: a data set, `folder:PATH`, `npz:PATH`, or `own` for the run's.
        part: `train` or `test`.
        count: how many, evenly from the classes; 0 for all.
        views: whether two augmented views of each are shown in place of the image.
    """

    name: str = OWN
    part: str = "test"
    count: int = 0
    views: bool = False

    def show(self, eye: Eye) -> Shown:
        """The stimuli.

        Raises:
            StimulusError: an unknown data set, images that do not fit the network, or a setting outside its range.
        """
        if self.part not in PARTS:
            raise unknown_name("images.part", self.part, PARTS)
        images = self._images(eye)
        if not 0 <= self.count <= len(images):
            raise misuse(f"images.count: expected 0 to {len(images)}, got {self.count}; 0 shows all")
        chosen = torch.arange(len(images))
        if self.count:
            chosen = balanced_order(images.labels.cpu(), eye.seed)[: self.count].sort().values
        about = {"kind": "images", **asdict(self), "images": len(images), "sha256": images.fingerprint}
        return _views(images, chosen, eye, about) if self.views else _stills(images, chosen, eye, about)

    def _images(self, eye: Eye) -> ImageSet:
        own = self.name in (OWN, eye.stimulus.name)
        if own:
            stimulus = eye.stimulus
        else:
            stimulus = load(self.name, data_dir=eye.data_dir, image_size=eye.shape[1], seed=eye.seed)
        return stimulus.train if self.part == "train" else stimulus.test


def _stills(images: ImageSet, chosen: Tensor, eye: Eye, about: dict[str, object]) -> Shown:
    where = f"images.{images.name}"
    _, height, width = eye.shape
    top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2

    def draw(index: Tensor) -> Tensor:
        pictures = images.at(chosen[index])
        if top > 0 or left > 0:  # of a network for a part of the image, the middle
            pictures = pictures[:, :, max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width]
        return eye.still(eye.picture(where, pictures).contiguous())

    draw(torch.zeros(1, dtype=torch.int64))  # refuses now what does not fit
    parameters = {"image_id": Parameter(chosen.numpy(), "number of the image in its data set")}
    label = images.labels.cpu()[chosen].numpy()
    return Shown(draw, label, chosen.numpy(), parameters, about)


def _views(images: ImageSet, chosen: Tensor, eye: Eye, about: dict[str, object]) -> Shown:
    blocks = chosen.split(BLOCK)

    @lru_cache(maxsize=2)
    def block(number: int) -> tuple[Tensor, dict[str, Parameter]]:
        found, parameters = eye.glances(images, blocks[number], number)
        return found, dict(parameters)

    def draw(index: Tensor) -> Tensor:
        found = []
        for i in rows(index):
            number, place = divmod(int(i) // 2, BLOCK)
            views, size = block(number)[0], len(blocks[number])
            found.append(views[place + size * (int(i) % 2)])
        return torch.stack(found)

    drawn = [block(number)[1] for number in range(len(blocks))]
    twice = chosen.repeat_interleave(2).numpy()
    parameters = {
        "image_id": Parameter(twice, "number of the image in its data set"),
        "glance": Parameter(np.tile(np.array([0, 1], np.int8), len(chosen)), "glance at the image (0 first, 1 second)"),
    }
    for name, first in drawn[0].items():
        columns = [np.reshape(part[name].values, (2, -1)).T.ravel() for part in drawn]
        parameters[name] = Parameter(np.concatenate(columns), first.long_name, first.units)
    label = images.labels.cpu()[chosen].repeat_interleave(2).numpy()
    return Shown(draw, label, twice, parameters, about)

"""User data as image folders: ``folder:PATH`` with one subfolder per class."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import StimulusError
from ..images import ImageSet
from ..prepared.pictures import Unreadable, picture
from ..prepared.sets import HOLD, image_sets
from .splits import split_by_seed
from .trees import folder_tree


def load_folder(
    path: str | Path,
    *,
    image_size: int | None = None,
    seed: int = 0,
    hold: int = HOLD,
    unreadable: str = "refuse",
    progress: bool = False,
) -> tuple[ImageSet, ImageSet]:
    """Return train and test images of ``folder:path``.

    Either ``path/train/CLASS/*`` and, optionally, ``path/test/CLASS/*`` (or ``val``), or ``path/CLASS/*``; without a
    test folder a fifth of the images, drawn by ``seed``, is held out. They are
    grey where all of them are, colour otherwise, and transparency is ignored. All must have one size, unless
    ``image_size`` is given: then the shorter side is brought to it and the centre square cut out. Many files are decoded once, see
    ``prepared``; ``hold`` and ``unreadable`` as in ``image_sets``. Raises
    ``StimulusError`` on a missing or empty folder, a single class, unreadable images and mixed sizes.
    """
    tree = folder_tree(path, image_size=image_size)
    found = image_sets(tree, hold=hold, unreadable=unreadable, progress=progress)
    train = found["train"]
    if tree.test is None:
        return split_by_seed(train, seed)
    test = found["test"]
    if train.shape != test.shape:
        size, other = _size(train.shape), _size(test.shape)
        raise StimulusError(
            f"{tree.name}.test: expected {size} pixels as in train, got {other}; set stimulus.image_size"
        )
    return train, test


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[2]} x {shape[1]}"


def read_picture(path: Path, mode: str, size: int | None) -> Tensor:
    """Return one image file, uint8 (1 or 3, H, W): of PIL's ``mode`` and, unless None, of ``size`` pixels a side."""
    try:
        return torch.from_numpy(picture(path, mode, size).copy())
    except Unreadable as error:
        raise StimulusError(str(error)) from error

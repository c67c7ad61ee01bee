"""STL-10 from its official binary files.

Citation: Coates, Lee & Ng (2011), An analysis of single-layer networks in unsupervised feature learning, AISTATS.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError
from ..images import ImageSet
from .files import locate, read_checked
from .row import Layout

CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
SIDE = 96
PIXELS = 3 * SIDE * SIDE


def load_stl10(data_dir: str | Path | None = None, device: str = "cpu") -> tuple[ImageSet, ImageSet]:
    """Return train (100,000 unlabelled, label -1, then 5,000 labelled) and test (8,000) images, uint8 (N, 3, 96, 96).

    Every file is checked against its official MD5 first. Raises ``StimulusError`` on missing or damaged files. The training images
    fill 2.9 GB, twice that while they are read.
    """
    found = locate("stl10", data_dir)
    unlabelled = _images(*found, "unlabeled_X.bin")
    images, labels = _labelled(*found, "train")
    labels = torch.cat([torch.full((len(unlabelled),), -1), labels])
    images = torch.cat([unlabelled, images])
    del unlabelled
    train = ImageSet.build("stl10.train", images, labels, CLASSES, device)
    return train, ImageSet.build("stl10.test", *_labelled(*found, "test"), CLASSES, device)


def _labelled(layout: Layout, folder: Path, split: str) -> tuple[Tensor, Tensor]:
    images = _images(layout, folder, f"{split}_X.bin")
    numbers = np.frombuffer(read_checked("stl10", layout, folder, f"{split}_y.bin"), np.uint8)
    return images, torch.from_numpy(numbers.astype(np.int64) - 1)  # numbered from 1 in the files


def _images(layout: Layout, folder: Path, file: str) -> Tensor:
    content = read_checked("stl10", layout, folder, file)
    if len(content) % PIXELS:
        raise StimulusError(
            f"{folder / file}: expected images of {PIXELS} bytes, got {len(content)} bytes; fetch it again"
        )
    columns = np.frombuffer(content, np.uint8).reshape(-1, 3, SIDE, SIDE)
    return torch.from_numpy(columns.transpose(0, 1, 3, 2).copy())  # planes are stored column by column

"""MNIST from its official idx files, plain or compressed.

Citation: LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document recognition, Proc. IEEE.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import StimulusError
from ..images import ImageSet
from .files import locate, read_checked
from .row import Layout

CLASSES = tuple(str(digit) for digit in range(10))


def load_mnist(data_dir: str | Path | None = None, device: str = "cpu") -> tuple[ImageSet, ImageSet]:
    """Return train (60,000) and test (10,000) images, uint8 (N, 1, 28, 28).

    Every file is checked against its official MD5 first. Raises ``StimulusError`` on missing or damaged files.
    """
    found = locate("mnist", data_dir)
    return _split(*found, "train", "train", device), _split(*found, "test", "t10k", device)


def _split(layout: Layout, folder: Path, split: str, stem: str, device: str) -> ImageSet:
    images = _read(layout, folder, f"{stem}-images-idx3-ubyte", dimensions=3)
    labels = _read(layout, folder, f"{stem}-labels-idx1-ubyte", dimensions=1)
    pixels = torch.from_numpy(images.copy())[:, None]
    return ImageSet.build(f"mnist.{split}", pixels, torch.from_numpy(labels.astype(np.int64)), CLASSES, device)


def _read(layout: Layout, folder: Path, name: str, dimensions: int) -> Any:
    return parse_idx(str(folder / name), read_checked("mnist", layout, folder, name), dimensions)


def parse_idx(where: str, content: bytes, dimensions: int) -> Any:
    """Return the uint8 array in an idx file of ``dimensions`` dimensions.

    The header is 0, 0, the type code 8 (uint8), the number of dimensions, and each extent as a big-endian int32.
    Raises ``StimulusError`` where header and content disagree.
    """
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes((0, 0, 8, dimensions)):
        expected = f"an idx header of uint8 in {dimensions} dimensions"
        raise StimulusError(f"{where}: expected {expected}, got {content[:4].hex()}; fetch it again")
    extents = struct.unpack(f">{dimensions}i", content[4:header])
    if min(extents) < 0 or int(np.prod(extents, dtype=np.int64)) != len(content) - header:
        raise StimulusError(f"{where}: expected {extents} bytes of pixels, got {len(content) - header}; fetch it again")
    return np.frombuffer(content, np.uint8, offset=header).reshape(extents)

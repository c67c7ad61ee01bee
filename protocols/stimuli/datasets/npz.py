"""User data as one numpy archive: ``npz:PATH`` with keys images, labels and optionally test_images, test_labels."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import StimulusError
from ..images import ImageSet
from .splits import split_by_seed

KEYS = ("images", "labels", "test_images", "test_labels")
LAYOUT = "images uint8 (N, H, W, C), labels integers (N,), and test_images, test_labels likewise or left out"


def load_npz(path: str | Path, *, seed: int = 0, device: str = "cpu") -> tuple[ImageSet, ImageSet]:
    """Return train and test images of ``npz:path``.

    ``images``: uint8 (N, H, W, C) or (N, C, H, W), C 1 or 3, or (N, H, W); ``labels``: integers (N,) from 0, or -1
    for unlabelled. Without ``test_images`` a fifth of the images, drawn by ``seed``, is held out. Classes are named by
    their number. Raises ``StimulusError`` on unreadable files, missing keys, other types and shapes; pickled objects
    are never loaded.
    """
    path = Path(path).expanduser()
    arrays = _read(path)
    name = f"npz:{path}"
    if ("test_images" in arrays) != ("test_labels" in arrays):
        raise StimulusError(f"{name}: expected test_images and test_labels together, got one of them; add the other")
    classes = tuple(str(k) for k in range(count_classes(name, arrays)))
    train = image_set(name, arrays, "", classes, device)
    if "test_images" not in arrays:
        return split_by_seed(train, seed)
    test = image_set(name, arrays, "test_", classes, device)
    if train.shape != test.shape:
        raise StimulusError(f"{name}.test_images: expected {train.shape} as in images, got {test.shape}; resize them")
    return train, test


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise StimulusError(f"npz:{path}: expected a numpy archive of {LAYOUT}, got no file; check the path")
    problem = f"npz:{path}: expected a numpy archive (.npz) of plain arrays, got {{}}; save it with np.savez: {LAYOUT}"
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise StimulusError(problem.format("a single array"))
            arrays = {key: archive[key] for key in KEYS if key in archive.files}
            found = sorted(archive.files)
    except StimulusError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise StimulusError(problem.format(str(error).splitlines()[0])) from error
    for key in KEYS[:2]:
        if key not in arrays:
            raise StimulusError(f"npz:{path}: expected keys images and labels, got {found}; add {key}: {LAYOUT}")
    return arrays


def count_classes(name: str, arrays: dict[str, Any]) -> int:
    """Return one more than the highest label of train and test; raises ``StimulusError`` for what are no labels."""
    highest = 0
    for key in ("labels", "test_labels"):
        labels = arrays.get(key)
        if labels is None:
            continue
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size:
            found = f"{labels.dtype} {labels.shape}"
            raise StimulusError(f"{name}.{key}: expected integers (N,), got {found}; convert them")
        highest = max(highest, int(labels.max()))
    if highest >= 65_536:
        raise StimulusError(f"{name}.labels: expected class numbers below 65536, got {highest}; number them from 0")
    return highest + 1


def image_set(name: str, arrays: dict[str, Any], prefix: str, classes: tuple[str, ...], device: str) -> ImageSet:
    """Return the images and labels of a split, prefix ``test_`` or none, of arrays as ``load_npz`` reads them."""
    images, labels = arrays[f"{prefix}images"], arrays[f"{prefix}labels"]
    field = f"{name}.{prefix}images"
    if images.dtype != np.uint8:
        raise StimulusError(f"{field}: expected uint8, got {images.dtype}; scale to 0..255 and convert")
    pixels = torch.from_numpy(images)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.ndim == 4 and pixels.shape[1] not in (1, 3) and pixels.shape[3] in (1, 3):
        pixels = pixels.permute(0, 3, 1, 2)
    elif pixels.ndim == 4 and pixels.shape[1] in (1, 3) and pixels.shape[3] in (1, 3):
        found = tuple(pixels.shape)
        raise StimulusError(f"{field}: expected one axis of length 1 or 3, got {found}; the channel axis is ambiguous")
    numbers = torch.from_numpy(labels.astype(np.int64))
    return ImageSet.build(f"{name}.{'test' if prefix else 'train'}", pixels, numbers, classes, device)

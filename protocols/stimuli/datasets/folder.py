"""User data as image folders: ``folder:PATH`` with one subfolder per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import StimulusError
from ..images import ImageSet
from .splits import split_by_seed

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
GREY_MODES = frozenset({"1", "L", "LA"})
COLOUR_MODES = frozenset({"RGB", "RGBA", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB"})
LAYOUT = "PATH/CLASS/*.png, or PATH/train/CLASS/*.png with PATH/test/CLASS/*.png"


def load_folder(
    path: str | Path, *, image_size: int | None = None, seed: int = 0, device: str = "cpu"
) -> tuple[ImageSet, ImageSet]:
    """Return train and test images of ``folder:path``.

    Either ``path/train/CLASS/*`` and, optionally, ``path/test/CLASS/*`` (or ``val``), or ``path/CLASS/*``; without a
    test folder a fifth of the images, drawn by ``seed``, is held out. All images are held in memory as uint8; they are
    grey where all of them are, colour otherwise, and transparency is ignored. All must have one size, unless
    ``image_size`` is given: then the shorter side is brought to it and the centre square cut out. Raises
    ``StimulusError`` on a missing or empty folder, a single class, an unreadable image and mixed sizes.
    """
    root = Path(path).expanduser()
    name = f"folder:{root}"
    if not root.is_dir():
        raise StimulusError(f"{name}: expected a folder of images as {LAYOUT}, got none; check the path")
    train_root = root / "train" if (root / "train").is_dir() else root
    test_root = next((root / n for n in ("test", "val") if train_root != root and (root / n).is_dir()), None)
    files = list_images(train_root)
    if len(files) < 2:
        found = f"{len(files)} ({', '.join(files)})" if files else "none"
        raise StimulusError(
            f"folder:{train_root}: expected two or more class folders of images, got {found}; lay them out as {LAYOUT}"
        )
    held_out = list_images(test_root) if test_root else {}
    strange = sorted(set(held_out) - set(files))
    if strange or (test_root and not held_out):
        found = f"{strange[0]!r}" if strange else "no images"
        raise StimulusError(f"folder:{test_root}: expected class folders of train, got {found}; make them agree")
    classes = tuple(files)
    every = [image for split in (files, held_out) for images in split.values() for image in images]
    mode = "L" if all(_mode(image) in GREY_MODES for image in every) else "RGB"
    train = _read_set(f"{name}.train", files, classes, mode, image_size, device)
    if not test_root:
        return split_by_seed(train, seed)
    test = _read_set(f"{name}.test", held_out, classes, mode, image_size, device)
    if train.shape != test.shape:
        size, other = _size(train.shape), _size(test.shape)
        raise StimulusError(
            f"folder:{test_root}: expected {size} pixels as in train, got {other}; set stimulus.image_size"
        )
    return train, test


def list_images(root: Path) -> dict[str, list[Path]]:
    """Return the image files of each class folder under ``root``, both sorted by name.

    Hidden folders and files of other types are skipped; a class folder without images is an error.
    """
    classes: dict[str, list[Path]] = {}
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        files = [f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file()]
        if not files:
            raise StimulusError(f"{folder}: expected image files, got none; add some or remove the folder")
        classes[folder.name] = sorted(files)
    return classes


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[2]} x {shape[1]}"


def _mode(path: Path) -> str:
    try:
        with Image.open(path) as image:
            mode = image.mode
    except Exception as error:  # decoders of damaged files raise errors of many types
        raise _unreadable(path, error) from error
    if mode not in GREY_MODES | COLOUR_MODES:
        raise StimulusError(f"{path}: expected 8 bits per channel, got mode {mode}; convert it to 8 bits")
    return mode


def _unreadable(path: Path, error: Exception) -> StimulusError:
    return StimulusError(f"{path}: expected a readable image, got {type(error).__name__}; replace or remove it")


def _read_set(
    name: str, files: dict[str, list[Path]], classes: tuple[str, ...], mode: str, size: int | None, device: str
) -> ImageSet:
    images: list[Tensor] = []
    labels: list[int] = []
    first: Path | None = None
    for label, paths in ((classes.index(c), paths) for c, paths in files.items()):
        for path in paths:
            image = read_picture(path, mode, size)
            first = first or path
            if images and image.shape != images[0].shape:
                sizes = f"{_shape(images[0])} of {first}, got {_shape(image)} of {path}"
                raise StimulusError(f"{name}: expected one image size, {sizes}; set stimulus.image_size to resize them")
            images.append(image)
            labels.append(label)
    return ImageSet.build(name, torch.stack(images), torch.tensor(labels), classes, device)


def _shape(image: Tensor) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"


def read_picture(path: Path, mode: str, size: int | None) -> Tensor:
    """Return one image file, uint8 (1 or 3, H, W): of PIL's ``mode`` and, unless None, of ``size`` pixels a side."""
    try:
        with Image.open(path) as stored:
            image = stored.convert(mode)
    except Exception as error:  # decoders of damaged files raise errors of many types
        raise _unreadable(path, error) from error
    if size is not None and image.size != (size, size):
        scale = size / min(image.size)
        width, height = (max(size, round(side * scale)) for side in image.size)
        left, top = (width - size) // 2, (height - size) // 2
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        image = resized.crop((left, top, left + size, top + size))
    pixels = torch.from_numpy(np.asarray(image).copy())
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)

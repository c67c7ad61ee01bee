"""One image file as bytes. Read without torch: the processes that decode start with this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import StimulusError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
GREY_MODES = frozenset({"1", "L", "LA"})
COLOUR_MODES = frozenset({"RGB", "RGBA", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB"})


class Unreadable(Exception):
    """A file that is no image of 8 bits a channel; its text names it and says what it is instead, and what to do."""


def look(path: Path) -> tuple[str, tuple[int, int]]:
    """Mode and size (width, height) of a file, from its first bytes.

    Raises:
        Unreadable: a damaged file, or more than 8 bits a channel.
        StimulusError: the system does not give the file, which says nothing about the image.
    """
    try:
        with Image.open(path) as image:
            mode, size = image.mode, image.size
    except Exception as error:  # decoders of damaged files raise errors of many types
        raise _unreadable(path, error) from error
    _check(path, mode)
    return mode, size


def picture(path: Path, mode: str, size: int | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """One image file, uint8 (1 or 3, H, W): of PIL's ``mode`` and, unless None, of ``size`` pixels a side.

    The shorter side is brought to ``size``, bilinear with antialiasing, and the centre square cut out.

    Raises:
        Unreadable: a damaged file.
        StimulusError: the system does not give the file, which says nothing about the image.
    """
    try:
        with Image.open(path) as stored:
            _check(path, stored.mode)
            image = stored.convert(mode)
    except Unreadable:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error
    if size is not None and image.size != (size, size):
        scale = size / min(image.size)
        width, height = (max(size, round(side * scale)) for side in image.size)
        left, top = (width - size) // 2, (height - size) // 2
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        image = resized.crop((left, top, left + size, top + size))
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _check(path: Path, mode: str) -> None:
    if mode not in GREY_MODES | COLOUR_MODES:
        raise Unreadable(f"{path}: expected 8 bits per channel, got mode {mode}; convert it to 8 bits")


def _unreadable(path: Path, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno is not None:  # of the system; those of decoders have no number
        return StimulusError(
            f"{path}: expected a file that can be read, got {error.strerror}; mend that and run the same command again"
        )
    return Unreadable(f"{path}: expected a readable image, got {type(error).__name__}; replace or remove it")

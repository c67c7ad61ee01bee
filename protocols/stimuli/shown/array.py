"""Images of one's own: an array in memory, or `array:PATH` of a .npy file, which is read as it is shown.

Pictures of bytes are seen as the run sees pictures; numbers are the normalised input itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import StimulusError, misuse
from .sequence import Eye, Parameter, Shown, each, missing, rows, unlabelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Settings of one's own images.

    Args:
        path: of a .npy file, (images, channels, height, width) or of grey ones (images, height, width).
    """

    path: str

    def show(self, eye: Eye) -> Shown:
        """The stimuli.

        Raises:
            StimulusError: no such file, or other images than the network sees.
        """
        file = Path(self.path).expanduser()
        if not file.is_file():
            raise missing("array.path", file, "a .npy file")
        try:
            values = np.load(file, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise StimulusError(f"array:{file}: expected a .npy array, got {error}; save it with numpy.save") from error
        if not isinstance(values, np.ndarray):
            raise StimulusError(f"array:{file}: expected one array, got an archive; use npz:PATH")
        return shown(values, eye, {"kind": "array", "path": str(file)})


def shown(values: NDArray[Any], eye: Eye, about: dict[str, Any]) -> Shown:
    """Stimuli from an array.

    Args:
        values: uint8 or floating, (images, channels, height, width) or (images, height, width); channels last where that alone fits.
        eye: for whom.
        about: what is kept of where they come from.

    Raises:
        StimulusError: another type or shape.
    """
    if values.dtype != np.uint8 and values.dtype.kind != "f":
        raise misuse(f"array: expected uint8 pictures or floating input, got {values.dtype}; convert them")
    if values.ndim == 3:
        values = values[:, None]
    if values.ndim == 4 and values.shape[3] in (1, eye.shape[0]) and values.shape[1] not in (1, eye.shape[0]):
        values = np.moveaxis(values, 3, 1)
    fits = (
        values.ndim == 4 and len(values) and values.shape[1] in (1, eye.shape[0]) and values.shape[2:] == eye.shape[1:]
    )
    if not fits:
        raise misuse(f"array: expected (images, {', '.join(map(str, eye.shape))}), got {values.shape}; reshape them")
    if values.dtype.kind == "f" and not all(
        np.isfinite(_single(values[i : i + 1024])).all() for i in range(0, len(values), 1024)
    ):
        raise misuse("array: expected finite numbers within float32, got others; correct them")

    pictures = values.dtype == np.uint8

    def draw(index: Tensor) -> Tensor:
        part = values[rows(index)]
        images = torch.from_numpy(np.array(part) if pictures else _single(part)).expand(-1, eye.shape[0], -1, -1)
        return eye.still(images.contiguous()) if pictures else images

    count = len(values)
    parameters = {"image_id": Parameter(each(count), "number of the image")}
    return Shown(draw, unlabelled(count), each(count), parameters, {**about, "dtype": str(values.dtype)})


def _single(part: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers as the network is shown them: infinite where they are beyond float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(part, dtype=np.float32)

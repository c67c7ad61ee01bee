"""CIFAR-10 and CIFAR-100 from their official files: the binary layout (CIFAR-10) and the Python layout (both).

Citation: Krizhevsky (2009), Learning multiple layers of features from tiny images.
"""

from __future__ import annotations

import codecs
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError
from ..images import ImageSet
from .files import locate, read_checked
from .row import Layout

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PIXELS = 3 * 32 * 32


def load_cifar10(data_dir: str | Path | None = None, device: str = "cpu") -> tuple[ImageSet, ImageSet]:
    """Return train (50,000) and test (10,000) images, uint8 (N, 3, 32, 32).

    Every file is checked against its official MD5 first. Raises ``StimulusError`` on missing or damaged files.
    """
    layout, folder = locate("cifar10", data_dir)
    batches = [_read_batch(layout, folder, file) for file in layout.md5]
    images = torch.cat([pixels for pixels, _ in batches[:-1]])
    labels = torch.cat([numbers for _, numbers in batches[:-1]])
    train = ImageSet.build("cifar10.train", images, labels, CLASSES, device)
    return train, ImageSet.build("cifar10.test", *batches[-1], CLASSES, device)


def load_cifar100(data_dir: str | Path | None = None, device: str = "cpu") -> tuple[ImageSet, ImageSet]:
    """Return train (50,000) and test (10,000) images of 100 classes, uint8 (N, 3, 32, 32), with their fine labels.

    Every file is checked against its official MD5 first. Raises ``StimulusError`` on missing or damaged files.
    """
    layout, folder = locate("cifar100", data_dir)

    def content(file: str) -> tuple[str, bytes]:
        return str(folder / file), read_checked("cifar100", layout, folder, file)

    where, meta = content("meta")
    names = restricted_unpickle(where, meta).get(b"fine_label_names")
    if not isinstance(names, list) or not all(isinstance(name, bytes) for name in names):
        raise StimulusError(f"{where}.fine_label_names: expected names, got {_describe(names)}; fetch it again")
    classes = tuple(name.decode() for name in names)
    train, test = (_tensors(*_pickled(*content(file), labels="fine_labels")) for file in ("train", "test"))
    build = ImageSet.build
    return build("cifar100.train", *train, classes, device), build("cifar100.test", *test, classes, device)


def _tensors(pixels: Any, labels: Any) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(pixels.reshape(-1, 3, 32, 32).copy()), torch.from_numpy(labels.astype(np.int64))


def _read_batch(layout: Layout, folder: Path, file: str) -> tuple[Tensor, Tensor]:
    content = read_checked("cifar10", layout, folder, file)
    where = str(folder / file)
    return _tensors(*(_binary if file.endswith(".bin") else _pickled)(where, content))


def _binary(where: str, content: bytes) -> tuple[Any, Any]:
    """Split rows of one label byte and 3072 pixel bytes (planes R, G, B)."""
    if len(content) % (PIXELS + 1):
        raise StimulusError(f"{where}: expected rows of {PIXELS + 1} bytes, got {len(content)} bytes; fetch it again")
    rows = np.frombuffer(content, np.uint8).reshape(-1, PIXELS + 1)
    return rows[:, 1:], rows[:, 0]


def _pickled(where: str, content: bytes, labels: str = "labels") -> tuple[Any, Any]:
    batch = restricted_unpickle(where, content)
    fields = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
    pixels, numbers = fields.get("data"), fields.get(labels)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
        raise StimulusError(f"{where}.data: expected uint8 (N, {PIXELS}), got {_describe(pixels)}; fetch it again")
    if not isinstance(numbers, list) or len(numbers) != len(pixels) or not all(type(n) is int for n in numbers):
        raise StimulusError(
            f"{where}.{labels}: expected {len(pixels)} integers, got {_describe(numbers)}; fetch it again"
        )
    return pixels, np.array(numbers)


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"{len(value)} entries" if isinstance(value, list) else type(value).__name__


def _latin1(text: str, encoding: str) -> bytes:
    """Stand in for ``_codecs.encode``, which Python 3 puts into protocol-2 pickles of bytes: latin1 alone."""
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"encoding {encoding!r}")
    return codecs.encode(text, "latin1")


_RECONSTRUCT = np.empty(0).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}


class _ArraysOnly(pickle.Unpickler):
    """Unpickler that resolves the names which pickled numpy arrays need, and imports nothing."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a reference to {module}.{name}") from None


def restricted_unpickle(where: str, content: bytes) -> dict[Any, Any]:
    """Unpickle a dictionary of plain values and numpy arrays, without executing anything else.

    Raises ``StimulusError`` on every other content.
    """
    expected = "a dictionary of arrays and plain values"
    try:
        value = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a hostile or damaged pickle can raise anything
        raise StimulusError(f"{where}: expected {expected}, got {error}; fetch it again") from error
    if not isinstance(value, dict):
        raise StimulusError(f"{where}: expected {expected}, got {type(value).__name__}; fetch it again")
    return value

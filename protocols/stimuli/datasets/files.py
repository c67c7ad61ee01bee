"""Official data files: where they lie, their sizes and MD5 sums, and the check of each file before it is read."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pooch  # type: ignore[import-untyped]

from ..errors import StimulusError

PIECE = 1 << 20


@dataclass(frozen=True)
class Layout:
    """One official arrangement of a data set on disk: folders tried under the data directory, MD5 of each file.

    ``size`` maps files to their size in bytes where it is known; ``compressed`` accepts ``NAME.gz`` in place of NAME,
    the sums being those of the uncompressed content.
    """

    folders: tuple[str, ...]
    md5: Mapping[str, str]
    size: Mapping[str, int]
    compressed: bool = False


@dataclass(frozen=True)
class Download:
    """One official download: its address, the MD5 of what is downloaded, and whether it is an archive."""

    url: str
    md5: str
    archive: bool


CIFAR10_BINARY = Layout(
    folders=("cifar-10-batches-bin",),
    md5={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    },
    size={f"{part}.bin": 30_730_000 for part in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")},
)
CIFAR10_PYTHON = Layout(
    folders=("cifar-10-batches-py",),
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    size={},
)
MNIST = Layout(
    folders=("MNIST/raw", "mnist"),
    md5={
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    size={
        "train-images-idx3-ubyte": 47_040_016,
        "train-labels-idx1-ubyte": 60_008,
        "t10k-images-idx3-ubyte": 7_840_016,
        "t10k-labels-idx1-ubyte": 10_008,
    },
    compressed=True,
)
CIFAR100 = Layout(
    folders=("cifar-100-python",),
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
    size={},
)
STL10 = Layout(
    folders=("stl10_binary",),
    md5={
        "unlabeled_X.bin": "5242ba1fed5e4be9e1e742405eb56ca4",
        "train_X.bin": "918c2871b30a85fa023e0c44e0bee87f",
        "train_y.bin": "5a34089d4802c674881badbb80307741",
        "test_X.bin": "7f263ba9f9e0b06b93213547f721ac82",
        "test_y.bin": "36f9794fa4beb8a2c72628de14fa638e",
    },
    size={
        "unlabeled_X.bin": 100_000 * 27_648,
        "train_X.bin": 5_000 * 27_648,
        "train_y.bin": 5_000,
        "test_X.bin": 8_000 * 27_648,
        "test_y.bin": 8_000,
    },
)
LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "cifar10": (CIFAR10_BINARY, CIFAR10_PYTHON),
    "cifar100": (CIFAR100,),
    "mnist": (MNIST,),
    "stl10": (STL10,),
}
_MNIST_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
DOWNLOADS: dict[str, tuple[Download, ...]] = {
    "cifar10": (
        Download("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", True),
    ),
    "cifar100": (
        Download("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", True),
    ),
    "stl10": (
        Download(
            "https://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz", "91f7769df0f17e558f3565bffb0c7dfb", True
        ),
    ),
    "mnist": (
        Download(_MNIST_MIRROR + "train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", False),
        Download(_MNIST_MIRROR + "train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", False),
        Download(_MNIST_MIRROR + "t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", False),
        Download(_MNIST_MIRROR + "t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", False),
    ),
}


def data_directory(data_dir: str | Path | None = None) -> Path:
    """Return ``data_dir``, else ``$APICAL_DATA``, else the user's cache directory."""
    chosen = data_dir or os.environ.get("APICAL_DATA") or pooch.os_cache("apical")
    return Path(chosen).expanduser()


def locate(name: str, data_dir: str | Path | None) -> tuple[Layout, Path]:
    """Return the layout of data set ``name`` that is on disk, and its folder.

    A complete layout is preferred to an incomplete one. Raises ``StimulusError`` where there is none.
    """
    root = data_directory(data_dir)
    candidates = [(layout, root / folder) for layout in LAYOUTS[name] for folder in layout.folders]
    present = [(layout, folder) for layout, folder in candidates if folder.is_dir()]
    for layout, folder in present:
        if all(find_file(layout, folder, file) for file in layout.md5):
            return layout, folder
    if present:
        return present[0]
    if data_dir is not None:
        raise StimulusError(f"{name}: {_not_in(root, name, [folder for _, folder in candidates])}")
    wanted = " or ".join(str(folder) for _, folder in candidates)
    raise StimulusError(
        f"{name}: expected the official files in {wanted}, got no such folder; "
        f"run `apical data fetch {name}` or set APICAL_DATA to the folder that holds it"
    )


def _not_in(root: Path, name: str, folders: list[Path]) -> str:
    """What is wrong with a folder that was given."""
    inner = [folder.relative_to(root) for folder in folders]
    if not root.is_dir():
        return f"expected a folder of data sets, got {root}, which does not exist; correct --data-dir or APICAL_DATA"
    remedy = f"give the folder that holds {inner[0]}, or run `apical data fetch {name} --data-dir {root}`"
    for folder in inner:
        if root.parts[-len(folder.parts) :] == folder.parts:
            remedy = f"give the folder above it, {Path(*root.parts[: -len(folder.parts)])}"
    return f"expected the official files in {' or '.join(map(str, folders))}, got no such folder; {remedy}"


def find_file(layout: Layout, folder: Path, name: str) -> Path | None:
    """Return the path of one file of a layout, plain or compressed, or None where it is missing."""
    names = (name, f"{name}.gz") if layout.compressed else (name,)
    return next((folder / n for n in names if (folder / n).is_file()), None)


def read_checked(dataset: str, layout: Layout, folder: Path, name: str) -> bytes:
    """Return the (uncompressed) content of one official file after checking it.

    Raises ``StimulusError`` where the file is missing, truncated or altered; it names file, expectation and finding.
    """
    remedy = f"delete it and run `apical data fetch {dataset}`"
    path = find_file(layout, folder, name)
    if path is None:
        raise StimulusError(f"{folder / name}: expected an official file, got none; run `apical data fetch {dataset}`")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise StimulusError(f"{path}: expected a readable file, got {error}; {remedy}") from error
    size = layout.size.get(name, len(content))
    if len(content) != size:
        raise StimulusError(f"{path}: expected {size} bytes, got {len(content)}; {remedy}")
    found, expected = md5_of(content), layout.md5[name]
    if found != expected:
        raise StimulusError(f"{path}: expected MD5 {expected}, got {found} ({len(content)} bytes); {remedy}")
    return content


def md5_of(content: bytes) -> str:
    """Return the MD5 sum (hex): it finds damage, it is no protection against forgery."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()

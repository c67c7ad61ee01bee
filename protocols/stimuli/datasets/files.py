"""Official data files: where they lie, their sizes and MD5 sums, and the check of each file before it is read."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import pooch  # type: ignore[import-untyped]

from ..errors import StimulusError
from .row import Layout
from .table import DATASETS

PIECE = 1 << 20


def data_directory(data_dir: str | Path | None = None) -> Path:
    """Return ``data_dir``, else ``$APICAL_DATA``, else the user's cache directory."""
    chosen = data_dir or os.environ.get("APICAL_DATA") or pooch.os_cache("apical")
    return Path(chosen).expanduser()


def locate(name: str, data_dir: str | Path | None) -> tuple[Layout, Path]:
    """Return the layout of data set ``name`` that is on disk, and its folder.

    A complete layout is preferred to an incomplete one. Raises ``StimulusError`` where there is none.
    """
    root = data_directory(data_dir)
    candidates = [(layout, root / folder) for layout in DATASETS[name].layouts for folder in layout.folders]
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

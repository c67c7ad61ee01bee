"""Data sets on disk: which are there, fetching them, and checking their files (no torch needed)."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pooch  # type: ignore[import-untyped]

from ...progress import bar
from ..errors import StimulusError, misuse, unknown_name
from .files import data_directory, find_file, locate, read_checked
from .row import DataSet, Download, Layout
from .table import DATASETS


def list_datasets(data_dir: str | Path | None = None) -> list[dict[str, Any]]:
    """Return one dictionary per data set: name, description, status, path, urls.

    The status is embedded, present, incomplete or absent. Only the presence of the files is looked at; ``verify``
    checks their content.
    """
    return [_entry(name, data_dir) for name, row in DATASETS.items() if not row.own]


def _entry(name: str, data_dir: str | Path | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "description": DATASETS[name].description, "path": None, "urls": []}
    if DATASETS[name].files:
        return {**entry, **_in_folders(name, data_dir)}
    if not DATASETS[name].layouts:
        return {**entry, "status": "embedded"}
    entry["urls"] = [download.url for download in DATASETS[name].downloads]
    try:
        layout, folder = locate(name, data_dir)
    except StimulusError:
        return {**entry, "status": "absent"}
    complete = all(find_file(layout, folder, file) for file in layout.md5)
    return {**entry, "status": "present" if complete else "incomplete", "path": str(folder)}


def _in_folders(name: str, data_dir: str | Path | None) -> dict[str, Any]:
    """Status and path of a data set of image files."""
    from .imagenet_files import where

    try:
        return {"status": "present", "path": str(where(name, data_dir))}
    except StimulusError:
        return {"status": "absent"}


def _known(name: str) -> DataSet:
    """Return the row of a data set that is not the user's own."""
    shared = {name: row for name, row in DATASETS.items() if not row.own}
    if name not in shared:
        raise unknown_name("data", name, shared)
    return shared[name]


def verify(name: str, data_dir: str | Path | None = None) -> dict[str, Any]:
    """Check every official file of data set ``name`` against its MD5.

    Returns name, ok, path and files: for each its name, ok and problem (None, or one sentence). Raises
    ``StimulusError`` where the name is unknown or there are no files at all.
    """
    if _known(name).files:
        return _counted(name, data_dir)
    if not _known(name).layouts:
        return {"name": name, "ok": True, "path": None, "files": []}
    layout, folder = locate(name, data_dir)
    files = [_check(name, layout, folder, file) for file in layout.md5]
    return {"name": name, "ok": all(file["ok"] for file in files), "path": str(folder), "files": files}


def _counted(name: str, data_dir: str | Path | None) -> dict[str, Any]:
    """Whether every part of a data set of image files has as many as were published; there are no published sums of so many files."""
    tree = DATASETS[name].tree(data_dir=data_dir)
    files = []
    for part, split in tree.splits():
        wanted, found = DATASETS[name].published[part], len(split.files)
        problem = f"{tree.root}: expected {wanted:,} {part} images, got {found:,}; unpack the official files again"
        files.append({"name": part, "ok": wanted == found, "problem": None if wanted == found else problem})
    return {"name": name, "ok": all(file["ok"] for file in files), "path": str(tree.root), "files": files}


def _check(name: str, layout: Layout, folder: Path, file: str) -> dict[str, Any]:
    try:
        read_checked(name, layout, folder, file)
    except StimulusError as error:
        return {"name": file, "ok": False, "problem": str(error)}
    return {"name": file, "ok": True, "problem": None}


def fetch(name: str, data_dir: str | Path | None = None, progress: bool = True) -> Path:
    """Download data set ``name`` from its official address, check it, and return the folder of its files.

    Files that are there and correct are left alone. Raises ``StimulusError`` where the name is unknown or embedded,
    the download fails, or its MD5 differs.
    """
    row = _known(name)
    if row.files:
        raise misuse(
            f"data.{name}: expected a data set that can be downloaded, got one from {row.source}; unpack it into {data_directory(data_dir) / row.folders[0]}"
        )
    if not row.layouts:
        raise misuse(f"data.{name}: expected a data set with files, got an embedded one; use it as it is")
    try:
        report = verify(name, data_dir)
        if report["ok"]:
            return Path(report["path"])
    except StimulusError:
        pass  # nothing there yet
    root, layout = data_directory(data_dir), row.layouts[0]
    target = root / layout.folders[0]
    for download in row.downloads:
        _obtain(name, download, root, target, progress)
    for file in layout.md5:
        read_checked(name, layout, target, file)
    return target


def _obtain(name: str, download: Download, root: Path, target: Path, progress: bool) -> None:
    """Download one file; an archive is unpacked beside the target, and its files then moved: no half file is left."""
    file = download.url.rsplit("/", 1)[-1]
    shown = bar(progress, "B", title=file, unit_scale=True, unit_divisor=1024)
    try:
        path = Path(
            pooch.retrieve(
                download.url,
                known_hash=f"md5:{download.md5}",
                fname=file,
                path=root if download.archive else target,
                downloader=pooch.HTTPDownloader(progressbar=shown, timeout=30),
            )
        )
        if download.archive:
            with tempfile.TemporaryDirectory(dir=root) as folder:
                with tarfile.open(path) as archive:
                    archive.extractall(folder, filter="data")
                _replace(Path(folder) / target.name, target)
            path.unlink()
    except (OSError, ValueError, tarfile.TarError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        remedy = f"connect to the network, or put the official files into {target}"
        raise StimulusError(f"data.{name}: expected {download.url}, got {reason}; {remedy}") from error


def _replace(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise ValueError(f"no folder {source.name} in the archive")
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        file.replace(target / file.name)

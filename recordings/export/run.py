"""From a run and a format to a file that is whole or not there."""

import shutil
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..atomic import replacing
from ..errors import RecordingError, unknown_name
from .content import content
from .table import FORMATS

FOLDER = "exports"
ABOUT = 4096  # bytes that say what an array is
SPARE = 256 << 20  # bytes that a disk keeps free


def export(
    run: Path,
    form: str,
    *,
    recording: str = "training",
    replay: str | None = None,
    populations: Sequence[str] | None = None,
    out: Path | None = None,
    predicted: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Write a recording of a run, or one of its replays, in another format.

    Args:
        run: folder of the run.
        form: one of `FORMATS`.
        recording: name of the recording.
        replay: name of a replay in it, which is then all that is written.
        populations: names; None for all.
        out: file, or folder for csv, which must not exist; None for RUN/exports/RECORDING[-REPLAY].
        predicted: called with the predicted size in bytes, before anything is written.

    Returns:
        JSON-ready dict: run, format, recording, replay, tables, predicted_bytes, bytes, path.

    Raises:
        RecordingError: an unknown name, a package that is missing, a file that exists, a disk that is too small, or a recording that is damaged.
    """
    if form not in FORMATS:
        raise unknown_name("export.format", form, FORMATS)
    row = FORMATS[form]
    for package in row.needs:
        try:
            import_module(package)
        except ImportError as error:
            raise RecordingError(
                f"export.format: expected {package} for {form}, got {error}; pip install 'apical[export]'"
            ) from error
    found = content(Path(run), recording, replay, populations)
    path = Path(out) if out is not None else Path(run) / FOLDER / f"{found.name}{row.ending or f'-{form}'}"
    if path.exists():
        raise RecordingError(f"export.out: expected a new place, got {path}, which exists; remove it or name another")
    arrays = sum(len(table.variables) for table in found.tables.values())
    size = int(found.bytes * row.swells) + ABOUT * arrays + row.own
    predicted(size)
    write = import_module(f".{row.module}", __package__).write
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if size > free - SPARE:
            raise RecordingError(
                f"export.out: expected room for {size / 1e9:.2f} GB at {path.parent}, got {free / 1e9:.2f} GB; "
                "choose another disk, or fewer populations"
            )
        with replacing(path) as partial:
            try:
                write(found, partial)
            except BaseException:
                if partial.is_dir():
                    shutil.rmtree(partial, ignore_errors=True)
                raise
    except OSError as error:
        raise RecordingError(f"export.out: expected to write {path}, got {error}; check the disk") from error
    return {
        "run": str(run), "format": form, "recording": recording, "replay": replay, "tables": list(found.tables),
        "predicted_bytes": size, "bytes": _size(path), "path": str(path),
    }  # fmt: skip


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())

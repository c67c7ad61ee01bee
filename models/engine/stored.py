"""Files of a checkpoint and their checksums, kept in its state.json."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from ...recordings.seal import is_sealed, sealed, unsealed
from ..errors import CheckpointError

STATE = "state.json"


def found(folder: Path) -> list[Path]:
    """Checkpoints by name, oldest first; whether they are whole is told when they are read."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir() and path.name[5:].isdigit())


def write_state(checkpoint: Path, state: dict[str, Any]) -> None:
    """Write state.json with a checksum of itself and of every other file of the checkpoint."""
    files = {path.name: _sha256(path) for path in sorted(checkpoint.iterdir())}
    (checkpoint / STATE).write_text(sealed({**state, "files": files}), encoding="utf-8")


def read_document(checkpoint: Path) -> dict[str, Any]:
    """Contents of state.json.

    Raises:
        CheckpointError: it is missing, or was changed after it was written.
    """
    path = checkpoint / STATE
    try:
        text = path.read_text(encoding="utf-8")
        document = unsealed(text)
        if is_sealed(text) != ("files" in document):
            raise ValueError("checksums of the files without one of their own")
        return document
    except (OSError, ValueError) as error:
        raise broken(path, "the state of a run", error) from error


def check_files(checkpoint: Path, names: tuple[str, ...] | None = None) -> None:
    """Compare files with their checksums; a checkpoint of an earlier version has none.

    Args:
        checkpoint: its folder.
        names: the files to compare; all of them by default. That all are there is checked in any case.

    Raises:
        CheckpointError: a file is missing or was changed.
    """
    files = read_document(checkpoint).get("files", {})
    missing = [name for name in files if not (checkpoint / name).is_file()]
    if missing:
        raise broken(checkpoint, f"{', '.join(files)} and {STATE}", f"no {' and no '.join(missing)}")
    for name in files if names is None else [name for name in names if name in files]:
        if _sha256(checkpoint / name) != files[name]:
            raise broken(checkpoint / name, "the file as it was written", "another checksum")


def broken(path: Path, expected: str, error: object) -> CheckpointError:
    """The error of a checkpoint that cannot be used, with the way on: an older one is never taken unasked."""
    checkpoint = path if path.is_dir() else path.parent
    run = checkpoint.parent.parent
    earlier = any(other.name < checkpoint.name for other in found(checkpoint.parent))
    remedy = (
        f"apical verify {run} tells what is whole; with --repair it sets this checkpoint aside for the newest whole one"
    )
    if not earlier:
        remedy = "there is none before it: restore the file from a copy, or train a new run"
    return CheckpointError(f"{path}: expected {expected}, got {error}; {remedy}")


def put_in_place(unfinished: Path, final: Path) -> None:
    """Give a written checkpoint its name; one of the same name, after a resume from an older one, is replaced."""
    for path in unfinished.iterdir():
        with path.open("r+b") as file:  # Windows flushes no file that is open for reading
            os.fsync(file.fileno())
    spare = final.with_name(f".{final.name}.replaced")
    if final.exists():
        shutil.rmtree(spare, ignore_errors=True)
        final.rename(spare)  # a folder is not removed under its own name: a kill would leave half of it there
    unfinished.rename(final)
    shutil.rmtree(spare, ignore_errors=True)


def remove(checkpoint: Path) -> None:
    """Remove a checkpoint that is no longer wanted; at no moment is half of one there under its name."""
    spare = checkpoint.with_name(f".{checkpoint.name}.removed")
    shutil.rmtree(spare, ignore_errors=True)
    checkpoint.rename(spare)
    shutil.rmtree(spare)


def tidy(folder: Path) -> None:
    """Finish what a killed writer has begun: a checkpoint that was being replaced gets its name back, other leftovers are removed."""
    for spare in folder.glob(".step-*.replaced"):
        final = spare.with_name(spare.name[1:].removesuffix(".replaced"))
        if not final.exists():
            spare.rename(final)
    for left_over in leftovers(folder):
        shutil.rmtree(left_over)


def leftovers(folder: Path) -> list[Path]:
    """What killed writers left: checkpoints half written or half removed."""
    return sorted(path for end in ("partial", "replaced", "removed") for path in folder.glob(f".step-*.{end}"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

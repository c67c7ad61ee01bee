"""Where the recordings of a run lie: that of its training, and those that were made of it later, by name.

`RUN/recording.zarr` is what was recorded while it learned; `RUN/recordings/NAME.zarr` is what a frozen network of it answered to
chosen stimuli, or what a closed loop of spiking neurons did.
"""

import re
from os import PathLike
from pathlib import Path

from .errors import RecordingError, unknown_name

FOLDER = "recordings"
TRAINING = "training"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")


def recordings_of(run: str | PathLike[str]) -> dict[str, Path]:
    """Every recording of a run by its name: `training` first, if there is one, then its own ones in order of their names.

    Args:
        run: folder of the run.
    """
    folder = Path(run)
    first = [path for path in _either(folder / "recording.zarr") if path.exists()]
    own = {_stem(path): path for path in sorted((folder / FOLDER).glob("*.zarr*")) if _is_recording(path)}
    found = {TRAINING: first[-1]} if first else {}
    return found | dict(sorted(own.items()))


def recording_of(run: str | PathLike[str], name: str) -> Path:
    """One recording of a run.

    Args:
        run: folder of the run.
        name: `training`, or that of an own one.

    Raises:
        RecordingError: the run has none of this name.
    """
    found = recordings_of(run)
    if name not in found:
        raise unknown_name("recording.name", name, found)
    return found[name]


def new_place(run: str | PathLike[str], name: str) -> Path:
    """Where an own recording of this name lies, whether or not it is there yet.

    Raises:
        RecordingError: no name that a recording can have.
    """
    if not _NAME.fullmatch(name) or name == TRAINING or name.endswith((".zarr", ".zip")):
        taken = f", and not {TRAINING!r}, which is that of the run" if name == TRAINING else ""
        raise RecordingError(
            f"recording.name: expected letters, digits, '-', '_', '+' and '.' without an ending{taken}, got {name!r}; "
            "for example gratings"
        )
    return Path(run) / FOLDER / f"{name}.zarr"


def _either(path: Path) -> tuple[Path, Path]:
    """The zip archive of a store before the store itself, which wins."""
    return path.with_name(f"{path.name}.zip"), path


def _stem(path: Path) -> str:
    return path.name.removesuffix(".zip").removesuffix(".zarr")


def _is_recording(path: Path) -> bool:
    """A store, or its zip archive; neither what a kill left of one nor another file."""
    if path.name.startswith(".") or not path.name.endswith((".zarr", ".zarr.zip")):
        return False
    return path.is_file() if path.suffix == ".zip" else (path / "zarr.json").is_file()

"""What shows a run to other programs, as functions of plain arguments."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .functions import Folder, Where
from .result import Result
from .run import folder_of

if TYPE_CHECKING:
    from ...recordings.view import View


def view(*runs: Where, port: int = 0) -> "View":
    """Look around in runs in a browser; `apical view`.

    Returns at once: `url` is the address, `close()` ends the page, `wait()` waits until it is closed.

    Args:
        runs: one or several, each as in `probe`; two stand side by side.
        port: on 127.0.0.1; 0 for any that is free.

    Raises:
        RecordingError: no recording, the port is taken, or `pip install 'apical[view]'` is missing.
    """
    from ..view import view as call

    if not runs:
        raise ConfigError("view.runs: expected at least one run, got none; for example apical.view('runs/demo-seed0')")
    return call([folder_of(run) for run in runs], port)


def export(
    run: Where,
    format: str,
    *,
    recording: str = "training",
    replay: str | None = None,
    populations: Sequence[str] | None = None,
    out: Folder | None = None,
    progress: bool = True,
) -> Result:
    """Write a recording of a run in a format that other programs read; `apical export`.

    Args:
        run: as in `probe`.
        format: nwb, netcdf, csv or npz.
        recording: name of one of its recordings.
        replay: name of a replay in it, which is then all that is written.
        populations: names; None for all.
        out: new file, or folder for csv; None for one in RUN/exports.
        progress: tell the size first.

    Raises:
        RecordingError: a name that is not there, a place that is taken or too small, or `pip install 'apical[export]'` is missing.
    """
    from ..export import export as call

    path = None if out is None else Path(out)
    found = call(
        folder_of(run), format, recording=recording, replay=replay, populations=populations, out=path, progress=progress
    )
    return Result("export", found)

"""`apical export`: a recording in a format that other programs read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..recordings.export import export as write
from .progress import tell


def export(
    run: Path, form: str, *, recording: str = "training", replay: str | None = None, populations: Sequence[str] | None = None,
    out: Path | None = None, progress: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Write a recording of a run, or one of its replays; see `apical.recordings.export.export`.

    Raises:
        RecordingError: a name that is not there, a package that is missing, a place that is taken or too small.
    """

    def predicted(size: int) -> None:
        tell(progress, f"about {size / 1e6:,.1f} MB at most")

    return write(run, form, recording=recording, replay=replay, populations=populations, out=out, predicted=predicted)

"""What recordings a run has beside that of its training, as a table of its report."""

from pathlib import Path

import xarray as xr

from .errors import RecordingError
from .figures import tables_of
from .places import TRAINING, recordings_of
from .reader import open as open_recording
from .sections import TextTable

HEAD = ("recording", "status", "trials", "populations", "variables", "made by")


def own_recordings(run_dir: Path) -> TextTable | None:
    """A row per recording; None where there is none. One that cannot be read says why.

    Args:
        run_dir: folder of the run.
    """
    rows = [(name, *_row(path)) for name, path in recordings_of(run_dir).items() if name != TRAINING]
    return TextTable(head=HEAD, rows=tuple(rows), title="Own recordings", numbers=False) if rows else None


def _row(path: Path) -> tuple[str, ...]:
    try:
        with open_recording(path) as recording:
            return _told(recording)
    except RecordingError as error:
        return ("damaged", "", "", "", str(error))


def _told(recording: xr.DataTree) -> tuple[str, ...]:
    activity = tables_of(recording, "activity")
    trials = max((table.sizes["trial"] for table in activity.values()), default=0)
    variables = dict.fromkeys(str(name) for table in activity.values() for name in table.data_vars)
    populations = ", ".join(f"{name} ({table.sizes.get('unit', 0):,})" for name, table in activity.items())
    status = str(recording.attrs.get("status", "unknown"))
    return (status, f"{trials:,}", populations, ", ".join(variables), str(recording.attrs.get("command", "")))

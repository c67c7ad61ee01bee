"""`apical view`: the page in which one looks around in runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what it needs is an extra
    from ..recordings.view import View


def view(runs: Sequence[Path], port: int = 0) -> "View":
    """Serve the page of these runs until it is closed.

    Raises:
        RecordingError: no recording, the port is taken, or Bokeh is not installed.
    """
    from ..recordings.view import View

    return View(runs, port)

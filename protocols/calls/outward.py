"""What shows a run outside of Apical, as functions of plain arguments."""

from typing import TYPE_CHECKING

from ..errors import ConfigError
from .functions import Where
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

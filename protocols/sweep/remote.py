"""What is run inside a worker of dask: a cell in a thread of it, and the request to stop, which no signal could bring there."""

import asyncio
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .cell import work

_STOPPED: set[str] = set()  # folders of sweeps whose client has ended
_BUSY: dict[int, str] = {}  # folder by thread
_ONE = threading.Lock()  # a process does one cell at a time, also a worker with several threads
LOOK = 0.1


def remote_work(task: Mapping[str, Any]) -> dict[str, Any]:
    """Do a cell here.

    Args:
        task: see `cell.work`.
    """
    folder, thread = str(task["folder"]), threading.get_ident()
    _BUSY[thread] = folder
    try:
        with _ONE:
            return work(task, asked=lambda: folder in _STOPPED)
    finally:
        del _BUSY[thread]


async def end(folders: Sequence[str], seconds: float) -> None:
    """Ask the cells of some sweeps to stop, and wait until they have.

    Args:
        folders: of the sweeps.
        seconds: that are waited for them at most.
    """
    _STOPPED.update(folders)
    last = time.monotonic() + seconds
    while set(_BUSY.values()) & set(folders) and time.monotonic() < last:
        await asyncio.sleep(LOOK)


def begin(folders: Sequence[str]) -> None:
    """Take cells of sweeps again whose client had ended."""
    _STOPPED.difference_update(folders)


def dask_setup(_: Any) -> None:
    """What a worker of this machine does as it starts: leave Ctrl-C, which a terminal sends to all processes, to the client."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

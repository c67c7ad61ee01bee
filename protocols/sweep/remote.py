"""What is run inside a worker of dask: a cell in a thread of it, and the request to stop, which no signal could bring there."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .cell import work

_STOPPED: set[str] = set()  # folders of sweeps whose client has ended
_BUSY: dict[int, str] = {}  # folder by thread
_ONE = threading.Lock()  # a process does one cell at a time, also a worker with several threads
LOOK = 0.1
VISIBLE, GPUS = "CUDA_VISIBLE_DEVICES", Path("/proc/driver/nvidia/gpus")


def device_of(worker: str, visible: str | None, count: int) -> str | None:
    """The GPU of a worker, where there are several: workers take them in turn.

    Args:
        worker: its name, a number.
        visible: what CUDA may see; None for all.
        count: GPUs of this machine.

    >>> [device_of(str(worker), None, 2) for worker in range(3)], device_of("1", "3,5", 8), device_of("1", "", 8)
    (['0', '1', '0'], '5', None)
    """
    devices = [str(i) for i in range(count)] if visible is None else [name for name in visible.split(",") if name]
    return devices[int(worker) % len(devices)] if len(devices) > 1 and worker.isdecimal() else None


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


def dask_setup(worker: Any) -> None:
    """What a worker of this machine does as it starts: leave Ctrl-C, which a terminal sends to all processes, to the client, and take its GPU.

    Args:
        worker: of dask; its name is a number here.
    """
    if device := device_of(str(worker.name), os.environ.get(VISIBLE), len(list(GPUS.glob("*")))):
        os.environ[VISIBLE] = device  # nothing has asked CUDA before
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

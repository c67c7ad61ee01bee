"""Several processes that decode, and the work handed to them.

They are started by name and not forked: the process that feeds them may have threads of its own, and may be a script without a main guard.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import local
from typing import Any

from ..errors import StimulusError

MODULE = "apical.protocols.stimuli.prepared.worker"


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that decode; a context manager, at whose end they have ended.

    Args:
        count: of processes.
    """

    def __init__(self, count: int) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        self._own = local()
        # a pipe that nobody reads would stop a decoder that complains much
        self._said = tempfile.TemporaryFile()  # noqa: SIM115, closed at the end
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="decoding")

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.kill()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.communicate()
        self._said.close()

    def results(self, work: Iterable[tuple[Any, dict[str, Any]]]) -> Iterator[tuple[Any, dict[str, Any]]]:
        """What comes back of every piece of work, in the order in which they end, each with the mark that it was given.

        Raises:
            StimulusError: a process ended before its work did, or did not get a file.
        """
        pending: dict[Future[dict[str, Any]], Any] = {
            self._threads.submit(self._one, piece): mark for mark, piece in work
        }
        for ended in as_completed(pending):
            yield pending[ended], ended.result()

    def _one(self, piece: dict[str, Any]) -> dict[str, Any]:
        process = self._process()
        assert process.stdin is not None and process.stdout is not None
        line = ""
        try:
            process.stdin.write(json.dumps(piece) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            pass
        if not line:
            self._said.seek(0)
            told = self._said.read().decode(errors="replace").strip().splitlines()
            raise StimulusError(
                f"{piece['files'][0]}: expected it and {len(piece['files']) - 1} files more to be decoded, got a process that ended with "
                f"{process.wait()}{f' ({told[-1]})' if told else ''}; run the same command again: it goes on from there"
            )
        found: dict[str, Any] = json.loads(line)
        if "stopped" in found:
            raise StimulusError(found["stopped"])
        return found

    def _process(self) -> subprocess.Popen[str]:
        """The process of this thread."""
        if not hasattr(self._own, "process"):
            self._own.process = subprocess.Popen(
                [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
                text=True, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"},
            )  # fmt: skip
            self._processes.append(self._own.process)
        process: subprocess.Popen[str] = self._own.process
        return process

"""Cells as processes that end with the comparison, however that ends."""

import json
import os
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any

from ..errors import ProtocolError

CELL = "apical.protocols.compare.cell"


class Processes:
    """Cells that are running. All of them read one pipe that nobody writes to: it ends with this process, also with one that was killed."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.stopped = False

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        os.close(self._read)

    def run(self, task: dict[str, Any]) -> dict[str, Any]:
        """One cell; raises ProtocolError with the cell's own last line."""
        if self.stopped:
            raise KeyboardInterrupt
        process = subprocess.Popen(
            [sys.executable, "-m", CELL, json.dumps(task)],
            stdin=self._read, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        out, err = process.communicate()
        if self.stopped:
            raise KeyboardInterrupt
        if process.returncode:
            lines = [line for line in err.strip().splitlines() if line] or [_ending(process.returncode)]
            raise ProtocolError(
                f"{task['out']}: expected the run to finish, got an error ({lines[-1]}); repeat the command once it is mended"
            )
        return dict(json.loads(out.strip().splitlines()[-1]))

    def stop(self) -> None:
        """End the pipe and with it the cells: one that trains writes a checkpoint first."""
        if not self.stopped:
            self.stopped = True
            os.close(self._write)


def _ending(code: int) -> str:
    """How a process ended that said nothing."""
    if code != -signal.SIGKILL:
        return f"exit code {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"
    return "killed, perhaps because memory ran out: lower --jobs or training.batch"


def end_with_parent() -> None:
    """In a cell: ask oneself to stop, as with SIGTERM, when the comparison's pipe ends."""

    def watch() -> None:
        # not through sys.stdin, whose lock must be free when the interpreter ends
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()

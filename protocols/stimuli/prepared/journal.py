"""What of a build is done: a line for every piece, so that a killed one goes on where it stood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Journal:
    """Results by the mark of their piece; a last line that was cut short counts as not written.

    Args:
        path: of the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.done: dict[str, dict[str, Any]] = {}
        whole = 0
        if path.is_file():
            for line in path.read_bytes().splitlines(keepends=True):
                try:
                    mark, result = json.loads(line)
                except ValueError:
                    break
                if not line.endswith(b"\n"):
                    break
                self.done[mark], whole = result, whole + len(line)
        self._file = path.open("ab")
        self._file.truncate(whole)

    def write(self, mark: str, result: dict[str, Any]) -> None:
        """A piece is done."""
        self.done[mark] = result
        self._file.write(json.dumps([mark, result]).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """No more pieces."""
        self._file.close()

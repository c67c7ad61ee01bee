"""Copies of the four rooms, to add a file to as a user would; what runs in them runs in a process of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from floors import ROOT

ROOMS = ("plasticity", "models", "protocols", "recordings")
FACE = ROOT / "protocols" / "face" / "__init__.py"


@dataclass(frozen=True)
class Copy:
    """A copy of the package.

    Attributes:
        path: folder that holds the folder `apical`.
    """

    path: Path

    @classmethod
    def make(cls, path: Path) -> "Copy":
        """Copy the rooms as they are on disk into an empty folder."""
        for room in ROOMS:
            shutil.copytree(ROOT / room, path / "apical" / room, ignore=shutil.ignore_patterns("__pycache__"))
        if FACE.is_file():
            shutil.copy(FACE, path / "apical" / "__init__.py")
        return cls(path)

    def add(self, file: str, text: str) -> None:
        """Write a new file."""
        target = self.path / "apical" / file
        assert not target.exists(), file
        target.write_text(text)

    def insert(self, file: str, after: str, text: str) -> None:
        """Put text behind a line that stands in the file once."""
        target = self.path / "apical" / file
        before = target.read_text()
        assert before.count(f"{after}\n") == 1, (file, after)
        target.write_text(before.replace(f"{after}\n", f"{after}\n{text}"))

    @property
    def touched(self) -> set[str]:
        """Files that are not as in the rooms."""
        return {
            path.relative_to(self.path / "apical").as_posix()
            for room in ROOMS
            for path in (self.path / "apical" / room).rglob("*.py")
            if not (original := ROOT / path.relative_to(self.path / "apical")).is_file()
            or original.read_bytes() != path.read_bytes()
        }

    def run(self, code: str, variables: Mapping[str, str] = {}) -> str:
        """What a script prints that imports this copy.

        Raises:
            AssertionError: it failed, with what it wrote to stderr.
        """
        # one thread: a test beside others
        settings = {"PYTHONPATH": str(self.path), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **variables}
        check = f"import apical.protocols\nassert apical.protocols.__file__.startswith({str(self.path)!r})\n"
        done = subprocess.run(
            [sys.executable, "-c", check + code],
            cwd=self.path, env={**os.environ, **settings}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

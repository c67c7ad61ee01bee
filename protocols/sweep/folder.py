"""The folder of a sweep: where what lies, and who may write there.

sweep.json              the manifest
cells/NAME.json         result of a cell, written by the worker
cells/NAME.failed.json  how it failed, where it did
cells/NAME.read.json    its read-outs on the way, where there are any
runs/NAME/              the run itself, as `apical train` makes one
sweep.csv, sweep.html, figures/
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..locks import Taken, held
from ..runs.files import read_json, write_json

DONE, DIVERGED, FAILED, BEGUN, WAITING = "done", "diverged", "failed", "begun", "waiting"
READ = "read"  # on the way
FAILURE = ".failed"
READINGS = ".read"


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """Paths of one sweep.

    Attributes:
        path: the folder itself.
    """

    path: Path

    @property
    def manifest(self) -> Path:
        """What is to be done, with a hash per cell."""
        return self.path / "sweep.json"

    def result(self, name: str) -> Path:
        """What came out of a cell."""
        return self.path / "cells" / f"{name}.json"

    def failure(self, name: str) -> Path:
        """How a cell failed."""
        return self.path / "cells" / f"{name}{FAILURE}.json"

    def readings(self, name: str) -> Path:
        """What a cell had learnt on the way."""
        return self.path / "cells" / f"{name}{READINGS}.json"

    def run(self, name: str) -> Path:
        """The run of a cell."""
        return self.path / "runs" / name

    def make(self) -> None:
        """Make the folders."""
        for name in ("cells", "runs"):
            (self.path / name).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other clients from this sweep; the lock ends with the process.

        Raises:
            ConfigError: another client has it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(
                    held(
                        self.path / ".lock",
                        f"{self.path}: this file system has no locks; let no other process sweep here",
                    )
                )
            except Taken as error:
                raise ConfigError(
                    f"{self.path}: expected a sweep that nobody runs, got one that another process is running; wait for it or choose another --out"
                ) from error
            yield

    def cell_alone(self, name: str) -> AbstractContextManager[None]:
        """Keep other workers from a cell; raises `Taken` where one has it: an orphan of a client that was killed."""
        return held(self.path / "runs" / f".{name}.lock")

    def status(self, name: str) -> str:
        """Where a cell stands, by what lies there."""
        if self.result(name).is_file():
            return str(self.read_result(name)["status"])
        if self.failure(name).is_file():
            return FAILED
        return BEGUN if (self.run(name) / "config.yaml").is_file() else WAITING

    def read_result(self, name: str) -> dict[str, Any]:
        """The result of a cell.

        Raises:
            ConfigError: it is damaged.
        """
        found = self._read(self.result(name), name)
        if "status" not in found:  # of a comparison of an earlier version
            found["status"] = DONE
        return found

    def read_readings(self, name: str, mark: str | None = None) -> list[dict[str, Any]]:
        """Read-outs of a cell on the way, by epoch.

        Args:
            name: of the cell.
            mark: its hash; of another one there are none. None for any.

        Raises:
            ConfigError: the file is damaged.
        """
        path = self.readings(name)
        found = self._read(path, name, "hash", "readings") if path.is_file() else {}
        return list(found["readings"]) if found and mark in (None, found["hash"]) else []

    def keep_reading(self, name: str, mark: str, reading: Mapping[str, Any]) -> None:
        """Add a read-out on the way to those of a cell, in place of one that was asked for at the same epoch."""
        others = [each for each in self.read_readings(name, mark) if each["asked"] != reading["asked"]]
        readings = sorted([*others, dict(reading)], key=lambda each: int(each["asked"]))
        write_json(self.readings(name), {"cell": name, "hash": mark, "readings": readings})
        self.failure(name).unlink(missing_ok=True)

    def read_failure(self, name: str) -> dict[str, Any]:
        """How a cell failed; empty where it did not.

        Raises:
            ConfigError: the file is damaged.
        """
        path = self.failure(name)
        return self._read(path, name, "error") if path.is_file() else {}

    def keep_result(self, name: str, document: Mapping[str, Any]) -> None:
        """Write the result of a cell, whole or not at all; how it failed before is forgotten."""
        write_json(self.result(name), document)
        self.failure(name).unlink(missing_ok=True)

    def keep_failure(self, name: str, document: Mapping[str, Any]) -> None:
        """Write how a cell failed."""
        write_json(self.failure(name), document)

    def _read(self, path: Path, name: str, *entries: str) -> dict[str, Any]:
        return read_json(path, *entries, remedy=f"remove {os.fspath(path)} to run {name} again")

"""The folder of a run: what lies where, and what may be written into it."""

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...recordings.atomic import write_text
from ..errors import ConfigError
from ..progress import notice
from ..settings.load import RunConfig, read_stored, to_yaml

if sys.platform != "win32":
    import fcntl

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run.

    Attributes:
        path: the folder itself.
    """

    path: Path

    @property
    def recording(self) -> Path:
        """The zarr store."""
        return self.path / "recording.zarr"

    @property
    def config(self) -> Path:
        """The resolved settings."""
        return self.path / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """Progress with wall-clock times, one JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def lock(self) -> Path:
        """What a training process holds: a file that nobody replaces."""
        return self.path / ".lock"

    @property
    def probe(self) -> Path:
        """The latest read-out."""
        return self.path / "probe.json"

    def claim(self, config: RunConfig) -> None:
        """Make the folder for a new run and write its settings.

        Raises:
            ConfigError: something is there already; nothing is written.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise ConfigError(
                f"run.out: expected a new folder, got {self.path}, which exists; continue it with --resume or choose another --out"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.config, to_yaml(config))

    def keep(self, config: RunConfig) -> None:
        """Write the settings that a run goes on with, if they are others."""
        if config != self.settings():
            write_text(self.config, to_yaml(config))

    def settings(self) -> RunConfig:
        """The settings of an existing run.

        Raises:
            ConfigError: no run there, or its settings cannot be read.
        """
        if not self.config.is_file():
            raise ConfigError(
                f"{self.path}: expected the folder of a run with config.yaml, got none; start one with `apical train`"
            )
        return read_stored(self.config)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from training this run; the lock ends with the process.

        On Windows nothing is locked, nor on a file system without locks, which is said.

        Raises:
            ConfigError: another process has it.
        """
        if sys.platform == "win32":
            yield
            return
        with self.lock.open("ab") as held:  # for writing: NFS locks no file that is open for reading
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"{self.path}: expected a run that nobody trains, got one that another process is training; wait for it or choose another --out"
                ) from error
            except OSError as error:
                if error.errno not in WITHOUT_LOCKS:
                    raise
                notice(f"{self.path}: this file system has no locks; let no other process train this run")
            yield

    def keep_metrics_until(self, step: int) -> None:
        """Drop the lines of metrics.jsonl that a resumed run will write again."""
        if not self.metrics.exists():
            return
        lines = [line for line in self.metrics.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
        write_text(self.metrics, "".join(f"{line}\n" for line in lines))

    def last_metrics(self) -> dict[str, Any]:
        """The last line of metrics.jsonl; empty where there is none."""
        lines = self.metrics.read_text(encoding="utf-8").splitlines() if self.metrics.is_file() else []
        whole = [line for line in lines if _step_of(line) < float("inf")]
        return dict(json.loads(whole[-1])) if whole else {}


def _step_of(line: str) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # a line cut short by a kill

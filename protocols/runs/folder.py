"""The folder of a run: what lies where, and what may be written into it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from ...recordings.atomic import write_text
from ..errors import ConfigError
from ..locks import Taken, held
from ..settings.load import RunConfig, read_stored, stored_text
from ..settings.places import at


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
        if self.taken():
            raise ConfigError(
                f"run.out: expected a new folder, got {self.path}, which exists; continue it with --resume or choose another --out"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        for left_over in self.path.iterdir():  # by a start that was killed
            left_over.unlink()
        write_text(self.config, stored_text(config))

    def taken(self) -> bool:
        """Whether anything is there, other than settings that a killed start left half written."""
        if not self.path.is_dir():
            return self.path.exists()
        return any(not fnmatch(path.name, ".config.yaml.*.partial") for path in self.path.iterdir())

    def keep(self, config: RunConfig) -> None:
        """Write the settings that a run goes on with, if they are others; the place of its images stays that of its start."""
        stored = self.settings()
        config = at(config, stored.stimulus.name)
        if config != stored:
            write_text(self.config, stored_text(config))

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
        with ExitStack() as stack:
            try:
                stack.enter_context(
                    held(self.lock, f"{self.path}: this file system has no locks; let no other process train this run")
                )
            except Taken as error:
                raise ConfigError(
                    f"{self.path}: expected a run that nobody trains, got one that another process is training; wait for it or choose another --out"
                ) from error
            yield

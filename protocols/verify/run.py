"""`apical verify`: what of a run is whole, what is lost, and what can be given back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models import CheckpointError
from ...models.engine import checkpoint
from ...models.engine.stored import leftovers as unfinished
from ...recordings.examine import examine, leftovers
from ...recordings.places import TRAINING, recordings_of
from ...recordings.seal import unsealed
from ..errors import ConfigError, ProtocolError
from ..runs.folder import RunFolder
from ..runs.foreign import lost
from ..runs.metrics import CUT_SHORT, check, read
from ..settings.load import RunConfig
from ..settings.parts import identities

WHOLE, DAMAGED, LEFT_OVER = "whole", "damaged", "left over"
RESULTS = ("probe.json", "replay.json", "ladder.json", "align.json", "lesion.json", "spike.json")
FOLDERS = (
    "replays",
    "probes",
    "sections",
)  # of one document per replay, read-out on other data, and section of the report


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one file, or of one table of the recording."""

    file: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A run as it lies there.

    Attributes:
        findings: file by file.
        config: its settings; None where they cannot be believed.
        states: checkpoints that are whole, by folder, oldest first.
        broken: checkpoints that are not.
        attributes: those of the recording; None where there is none to be believed.
        whole_rows: rows of each table before the first damaged one.
    """

    findings: list[Finding]
    config: RunConfig | None
    states: dict[Path, checkpoint.State]
    broken: list[Path]
    attributes: dict[str, Any] | None
    whole_rows: dict[str, int]

    @property
    def damaged(self) -> list[Finding]:
        """What is lost."""
        return [finding for finding in self.findings if finding.state == DAMAGED]


def verify(run: Path, *, repair: bool = False) -> dict[str, Any]:
    """Read every file of a run and compare it with its checksum, where it has one.

    Args:
        run: folder of the run.
        repair: give back what other parts of the run hold, set aside what is damaged, and remove what killed writers left. Nothing of the
            user's is deleted.

    Returns:
        JSON-ready dict: run, damaged (number of files), files (file, state, reason), repaired (what was done). Figures, report.html and
        tables beside them are not checked: `apical inspect` makes them again.

    Raises:
        ConfigError: no run there, or another process trains it while it is to be repaired.
    """
    folder = RunFolder(run)
    if not folder.config.is_file() and not folder.recording.exists() and not folder.checkpoints.exists():
        raise ConfigError(f"{run}: expected the folder of a run, got another; give the folder with config.yaml")
    found, done = look(folder), []
    if repair:
        from .repair import mend

        with folder.alone():
            done = mend(folder, found)
            found = look(folder)
    return {
        "run": str(run),
        "damaged": len(found.damaged),
        "repaired": done,
        "files": [{"file": f.file, "state": f.state, "reason": f.reason} for f in found.findings],
    }


def look(folder: RunFolder) -> Found:
    """Read every file of a run."""
    states, broken, findings = _checkpoints(folder)
    newest = list(states.values())[-1] if states else None
    outside = _outside(folder)
    config, told = (None, Finding("config.yaml", WHOLE)) if outside else _config(folder, newest)
    attributes, rows, recorded = _recording(folder, config)
    findings = [
        told,
        *outside,
        *recorded,
        *findings,
        _metrics(folder, newest),
        *_own(folder),
        *_results(folder),
        *_left_over(folder),
    ]
    return Found(findings, config, states, broken, attributes, rows)


def _outside(folder: RunFolder) -> list[Finding]:
    """Code of the user's own that is gone or changed; whoever trains the run or opens it needs it as it was."""
    try:
        return [Finding(setting, DAMAGED, sentence) for setting, sentence in lost(folder)]
    except (ConfigError, CheckpointError, OSError):
        return []  # told by the files themselves


def _config(folder: RunFolder, newest: checkpoint.State | None) -> tuple[RunConfig | None, Finding]:
    try:
        config = folder.settings()
    except (ConfigError, OSError) as error:
        return None, Finding("config.yaml", DAMAGED, str(error))
    if newest and newest.identity_sha256 not in {"", *identities(config)}:
        return None, Finding("config.yaml", DAMAGED, f"expected the settings of step {newest.step}, got others")
    return config, Finding("config.yaml", WHOLE)


def _recording(
    folder: RunFolder, config: RunConfig | None
) -> tuple[dict[str, Any] | None, dict[str, int], list[Finding]]:
    name = folder.recording.name
    if not folder.recording.exists():
        if config is None or not config.recording.enabled:
            return None, {}, []
        return None, {}, [Finding(name, DAMAGED, "expected the recording of the run, got none")]
    return _store(folder.recording, name)


def _own(folder: RunFolder) -> list[Finding]:
    """Recordings that were made of the run later."""
    stores = {name: path for name, path in recordings_of(folder.path).items() if name != TRAINING and path.is_dir()}
    return [finding for path in stores.values() for finding in _store(path, f"{path.parent.name}/{path.name}")[2]]


def _store(store: Path, name: str) -> tuple[dict[str, Any] | None, dict[str, int], list[Finding]]:
    attributes, parts = examine(store)
    rows = dict(attributes["committed"]) if attributes else {}
    findings = [] if attributes is None else [Finding(f"{name}/zarr.json", WHOLE)]
    for part in parts:
        where = f"{name}/{part.path}".rstrip("/")
        for row, reason in part.lost:
            rows[part.path] = min(rows.get(part.path, 0), max(row, 0))
            lost = f"rows from {row} on: {reason}" if row >= 0 else reason
            findings.append(Finding(where, DAMAGED, lost))
        if not part.lost:
            findings.append(Finding(where, WHOLE, f"{part.rows} rows" if part.rows is not None else ""))
    return attributes, rows, findings


def _checkpoints(folder: RunFolder) -> tuple[dict[Path, checkpoint.State], list[Path], list[Finding]]:
    states: dict[Path, checkpoint.State] = {}
    broken, findings = [], []
    for path in checkpoint.found(folder.checkpoints):
        name = f"{folder.checkpoints.name}/{path.name}"
        try:
            checkpoint.check_files(path)
            checkpoint.check_readable(path)
            states[path] = checkpoint.read_state(path)
            findings.append(Finding(name, WHOLE))
        except (CheckpointError, OSError) as error:
            broken.append(path)
            findings.append(Finding(name, DAMAGED, str(error)))
    return states, broken, findings


def _metrics(folder: RunFolder, newest: checkpoint.State | None) -> Finding:
    name, path = folder.metrics.name, folder.metrics
    if not path.is_file():
        missing = newest is not None and newest.lines != 0
        return Finding(
            name, DAMAGED if missing else WHOLE, "expected a line for every checkpoint, got no file" if missing else ""
        )
    try:
        found = read(path)
        if newest is not None and newest.lines >= 0:
            check(path, found, newest.step, newest.lines)
        elif found.damaged and found.damaged[1] != CUT_SHORT:
            return Finding(name, DAMAGED, f"line {found.damaged[0]}: {found.damaged[1]}")
    except (ProtocolError, OSError) as error:
        return Finding(name, DAMAGED, str(error))
    return Finding(name, WHOLE, f"{len(found.lines)} lines")


def _results(folder: RunFolder) -> list[Finding]:
    findings = []
    for name in documents(folder):
        try:
            unsealed((folder.path / name).read_text(encoding="utf-8"))
            findings.append(Finding(name, WHOLE))
        except (OSError, ValueError) as error:
            findings.append(Finding(name, DAMAGED, f"expected a result, got {error}; make it again"))
    return findings


def documents(folder: RunFolder) -> list[str]:
    """Results of a run and sections of its report, by their paths in the folder."""
    several = (path for name in FOLDERS for path in sorted((folder.path / name).glob("*.json")))
    paths = [*(folder.path / name for name in RESULTS), *several]
    return [path.relative_to(folder.path).as_posix() for path in paths if path.exists()]


def half_written(folder: RunFolder) -> list[Path]:
    """Documents that a killed writer left."""
    return [path for name in (".", *FOLDERS) for path in (folder.path / name).glob(".*.partial")]


def _left_over(folder: RunFolder) -> list[Finding]:
    files = [*half_written(folder), *unfinished(folder.checkpoints), *leftovers(folder.recording)]
    reason = "of a writer that was killed; not read by anything"
    return [Finding(str(path.relative_to(folder.path)), LEFT_OVER, reason) for path in files]

"""`apical verify --repair`: gives back what other parts of a run hold, and sets aside what is damaged."""

import math
import shutil
from pathlib import Path
from typing import Any

from ...models.engine import checkpoint
from ...recordings import RecordingError, open
from ...recordings.atomic import free_name, write_text
from ...recordings.examine import leftovers, set_back
from ..errors import ConfigError
from ..runs.folder import RunFolder
from ..runs.metrics import CUT_SHORT, INTERRUPTED, RESTORED, Metrics, read
from ..settings.load import RunConfig, stored_text, validate
from ..settings.parts import identities
from .run import Found, documents, half_written

Line = dict[str, Any]


def mend(folder: RunFolder, found: Found) -> list[str]:
    """Repair what can be repaired; what was done, one sentence each.

    Args:
        folder: of the run; the caller holds its lock.
        found: what `look` has found.
    """
    done = _tidy(folder)
    damaged = {finding.file for finding in found.damaged}
    if "config.yaml" in damaged:
        done += _config(folder, found)
    newest, told = _checkpoints(folder, found)
    done += told
    if newest is not None and (folder.metrics.name in damaged or newest is not _last(found)):
        done += _metrics(folder, found.states[newest])
    for name in documents(folder):
        if name in damaged:
            done.append(f"{name} is now {_aside(folder.path / name).name}; make it again")
    return done


def _last(found: Found) -> Path | None:
    return list(found.states)[-1] if found.states else None


def _tidy(folder: RunFolder) -> list[str]:
    done = []
    checkpoint.tidy(folder.checkpoints)
    for path in [*half_written(folder), *leftovers(folder.recording)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        done.append(f"{path.relative_to(folder.path)} removed: left by a writer that was killed")
    return done


def _aside(path: Path) -> Path:
    return path.rename(free_name(path))


def _config(folder: RunFolder, found: Found) -> list[str]:
    """The settings as the recording has them, where a checkpoint was trained with these."""
    if found.attributes is None or not isinstance(found.attributes.get("config"), dict):
        return []
    try:
        config: RunConfig = validate(found.attributes["config"])
    except ConfigError:
        return []
    wanted = {state.identity_sha256 for state in found.states.values()} - {""}
    if wanted - identities(config):
        return []
    kept = f"; what was there is now {_aside(folder.config).name}" if folder.config.exists() else ""
    write_text(folder.config, stored_text(config))
    return [f"config.yaml written from the recording{kept}"]


def _checkpoints(folder: RunFolder, found: Found) -> tuple[Path | None, list[str]]:
    """Set aside damaged checkpoints, and those after the first damaged row of the recording; the newest that stays."""
    lost = {path: rows for path, rows in found.whole_rows.items() if _shortened(found, path, rows)}
    fitting = [
        path for path, state in found.states.items() if all(state.cursor.get(t, 0) <= rows for t, rows in lost.items())
    ]
    if not fitting:
        return _last(found), []
    newest, done = fitting[-1], []
    later = [path for path in found.states if path.name > newest.name] if lost else []
    for path in sorted([*found.broken, *later]):
        why = "damaged" if path in found.broken else "after the first damaged row of the recording"
        done.append(f"checkpoints/{path.name} is now {_aside(path).name}: {why}; --resume goes on from {newest.name}")
    if lost and later:
        set_back(folder.recording, found.states[newest].cursor)
        done.append(
            f"recording.zarr ends at step {found.states[newest].step} again; --resume records the rest once more"
        )
    return newest, done


def _shortened(found: Found, path: str, rows: int) -> bool:
    return found.attributes is not None and rows < found.attributes["committed"].get(path, 0)


def _metrics(folder: RunFolder, state: checkpoint.State) -> list[str]:
    """Whole lines, and losses of the recording in place of the others."""
    found = read(folder.metrics) if folder.metrics.exists() else None
    kept: dict[int, Line] = (
        {} if found is None else {line["step"]: line for line in found.lines if line["step"] <= state.step}
    )
    if found is not None and (found.damaged is None or found.damaged[1] == CUT_SHORT) and len(kept) == state.lines:
        return []  # they only reach beyond the checkpoint: --resume drops them
    given = {step: line for step, line in _recorded(folder, state).items() if step not in kept}
    lines = [
        line for _, line in sorted((given | kept).items()) if not line.get(INTERRUPTED) or line["step"] == state.step
    ]
    old = f"; what was there is now {_aside(folder.metrics).name}" if folder.metrics.exists() else ""
    Metrics(folder.metrics).rewrite([line | {RESTORED: True} if line is lines[-1] else line for line in lines])
    lost = max(0, state.lines - len(lines))
    return [
        f"metrics.jsonl: {len(kept)} lines kept, {len(given)} written from recording and checkpoint, {lost} lost{old}"
    ]


def _recorded(folder: RunFolder, state: checkpoint.State) -> dict[int, Line]:
    """Lines of steps that were recorded and reported; the last is known to the checkpoint in any case."""
    empty = {"images_per_second": None, "seconds": None, "peak_memory_bytes": None, RESTORED: True}
    lines: dict[int, Line] = {state.step: {"step": state.step, "epoch": None, "loss": None, "losses": {}} | empty}
    try:
        with open(folder.recording) as recording:
            table = recording["metrics"].to_dataset()
            steps, epochs, losses = (table[name].values for name in ("step", "epoch", "loss"))
            names = [str(name) for name in table["population"].values]
        every = folder.settings().training.checkpoint_every
    except (RecordingError, ConfigError, KeyError, OSError):
        return lines | {state.step: lines[state.step] | {"seconds": state.seconds}}
    per_epoch = next((round(s / e) for s, e in zip(steps, epochs, strict=True) if e > 0), None)
    for step, values in zip(steps, losses, strict=True):
        after = int(step) + 1
        period = every or per_epoch
        if after > state.step or not (after == state.step or (period and after % period == 0)):
            continue
        told = {name: float(v) if math.isfinite(v) else None for name, v in zip(names, values, strict=True)}
        mean = float(sum(values) / len(values))
        lines[after] = {
            "step": after,
            "epoch": after / per_epoch if per_epoch else None,
            "loss": mean,
            "losses": told,
        } | empty
    lines[state.step]["seconds"] = state.seconds
    return lines

"""What is kept of cells: the row of a finished one, the task of one that was begun. Neither goes into a comparison of other settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..runs.files import read_json, write_json
from ..settings.load import RunConfig, validate
from ..settings.yaml import parse

NUMBERS = ("accuracy", "accuracy_random", "accuracy_pixels")


def cell_name(label: str, seed: int) -> str:
    """One run of the comparison."""
    return f"{label}-seed{seed}"


def cell_file(out: Path, label: str, seed: int) -> Path:
    """Where the row of a finished run lies in the folder of a comparison."""
    return out / "cells" / f"{cell_name(label, seed)}.json"


def run_folder(out: Path, label: str, seed: int) -> Path:
    """Where the run itself lies; its task lies beside it."""
    return out / "runs" / cell_name(label, seed)


def keep_row(out: Path, key: tuple[str, int], task: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """Write the row of a finished cell, with its task."""
    write_json(cell_file(out, *key), {"rule": key[0], "seed": key[1], **row, **_identity(task)})


def read_row(path: Path) -> dict[str, Any]:
    """The row of a finished cell, with its task.

    Raises:
        ConfigError: the file is damaged.
    """
    found = _read(path, "config")
    wrong = [name for name in NUMBERS if not isinstance(found.get(name), int | float)]
    wrong += [name for name, kind in (("rule", str), ("seed", int)) if not isinstance(found.get(name), kind)]
    if wrong:
        raise ConfigError(f"{path}: expected the row of a finished cell, got none of its {wrong[0]}; {_remedy(path)}")
    return found


def finished(out: Path, key: tuple[str, int], task: Mapping[str, Any]) -> bool:
    """Whether the cell is finished.

    Raises:
        ConfigError: the folder holds a finished cell of that name of another task, or a damaged one.
    """
    path = cell_file(out, *key)
    if not path.is_file():
        return False
    _compare(path, read_row(path), task)
    return True


def begin(out: Path, key: tuple[str, int], task: Mapping[str, Any]) -> None:
    """Write the task of a cell beside its run.

    Raises:
        ConfigError: the run was begun with another task, or nobody knows with which.
    """
    folder = run_folder(out, *key)
    path = folder.parent / f"{folder.name}.json"
    if (folder / "config.yaml").is_file():
        if not path.is_file():
            raise ConfigError(
                f"{path}: expected the task with which {folder} was begun, got no such file; remove that folder or choose another --out"
            )
        _compare(path, _read(path, *_identity(task)), task)
        return
    path.parent.mkdir(exist_ok=True)
    write_json(path, _identity(task))


def _identity(task: Mapping[str, Any]) -> dict[str, Any]:
    return {"config": task["config"], "budget": task["max_seconds"], "jobs": task["jobs"]}


def _compare(path: Path, document: Mapping[str, Any], task: Mapping[str, Any]) -> None:
    ours = _identity(task)
    # what an earlier version did not write down is believed
    other = [name for name in ("budget", "jobs") if document.get(name, ours[name]) != ours[name]]
    if _settings(document["config"], path) != _settings(ours["config"], path):
        other.insert(0, "settings")
    if other:
        raise ConfigError(
            f"{path}: expected a cell of these settings and this budget, got one of other {' and '.join(other)}; choose another --out"
        )


def _settings(text: Any, path: Path) -> RunConfig:
    """As settings, not as text: those of an earlier version lack what was added since."""
    try:
        return validate(parse(str(text), str(path)))
    except (ConfigError, AttributeError) as error:
        raise ConfigError(
            f"{path}: expected settings of a run under config, got others ({error}); {_remedy(path)}"
        ) from error


def _read(path: Path, *names: str) -> dict[str, Any]:
    return read_json(path, *names, remedy=_remedy(path))


def _remedy(path: Path) -> str:
    return f"remove {path.stem} from cells/ and runs/ to run it again, or choose another --out"

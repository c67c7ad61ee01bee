"""Comparisons of versions before 0.5: rows without a manifest, each with its settings, its seconds and the runs beside it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConfigError
from ..settings.load import RunConfig, validate
from ..settings.yaml import parse
from ..sweep import manifest as stored
from ..sweep.folder import DONE, SweepFolder
from ..sweep.plan import SEED, Cell, Plan, hash_of

NUMBERS = ("accuracy", "accuracy_random", "accuracy_pixels")


def take_over(folder: SweepFolder, plan: Plan) -> None:
    """Give the rows of an earlier version a manifest, so that they are kept.

    Args:
        folder: of the comparison.
        plan: with every entry that comes with it.

    Raises:
        ConfigError: a row is damaged, or of other settings or another budget.
    """
    if folder.manifest.is_file() or not (folder.path / "cells").is_dir():
        return
    present = {path.stem for path in (folder.path / "cells").glob("*.json")}
    values = {str(value.label): value for value in plan.axes[0].values}
    kept: list[Cell] = []
    for label, value in values.items():
        found = [re.fullmatch(rf"{re.escape(label)}-seed(\d+)", name) for name in present]
        if seeds := sorted(int(match[1]) for match in found if match):
            kept += replace(plan, axes=(replace(plan.axes[0], values=(value,)),), seeds=tuple(seeds)).cells()
    if not kept:
        return
    with folder.alone():
        folder.make()
        for cell in kept:
            _renew(folder, cell, plan)
        labels = list(dict.fromkeys(str(cell.at[plan.axes[0].name]) for cell in kept))
        axis = replace(plan.axes[0], values=tuple(values[label] for label in labels))
        whole = replace(plan, axes=(axis,), seeds=tuple(dict.fromkeys(cell.at[SEED] for cell in kept)))
        stored.write(folder, stored.extended(None, whole, kept))


def _renew(folder: SweepFolder, cell: Cell, plan: Plan) -> None:
    """Write a row anew with its hash."""
    path = folder.result(cell.name)
    told = folder.read_result(cell.name)
    wrong = [name for name in NUMBERS if not isinstance(told.get(name), int | float)]
    if wrong:
        raise ConfigError(f"{path}: expected the row of a finished cell, got none of its {wrong[0]}; {_remedy(cell)}")
    # what an earlier version did not write down is believed
    other = []
    if hash_of(_settings(told.get("config"), cell, str(path)), plan) != cell.hash:
        other.append("settings")
    if told.get("budget", plan.budget.seconds) != plan.budget.seconds:
        other.append("budget")
    if told.get("jobs", plan.beside) != plan.beside:
        other.append("jobs")
    if other:
        raise ConfigError(
            f"{path}: expected a cell of these settings and this budget, got one of other {' and '.join(other)}; choose another --out"
        )
    rest: Mapping[str, Any] = {name: value for name, value in told.items() if name not in ("budget", "jobs")}
    folder.keep_result(cell.name, {**rest, "cell": cell.name, "hash": cell.hash, "at": dict(cell.at), "status": DONE})


def _settings(text: Any, cell: Cell, path: str) -> RunConfig:
    """As settings, not as text: those of an earlier version lack what was added since."""
    try:
        return validate(parse(str(text), path))
    except (ConfigError, AttributeError) as error:
        raise ConfigError(
            f"{path}: expected settings of a run under config, got others ({error}); {_remedy(cell)}"
        ) from error


def _remedy(cell: Cell) -> str:
    return f"remove {cell.name} from cells/ and runs/ to run it again, or choose another --out"

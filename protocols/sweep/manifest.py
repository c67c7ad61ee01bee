"""sweep.json: the plan of a sweep with a hash per cell. It grows by values and seeds; what stands in it never changes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...models.outside import unplaced
from ..errors import ConfigError
from ..runs.files import plain, read_json, write_json
from .axes import Axis, Value, key_of, leaves
from .folder import SweepFolder
from .plan import SEED, Budget, Cell, Change, Plan

FORMAT = 1
ELSEWHERE = "choose another --out"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands in sweep.json.

    Attributes:
        plan: all values that were ever asked for.
        cells: every cell by name: its labels and its hash.
    """

    plan: Plan
    cells: Mapping[str, Mapping[str, Any]]


def read(folder: SweepFolder) -> Manifest:
    """The manifest of a folder.

    Raises:
        ConfigError: there is none, it is damaged, or a later version wrote it.
    """
    path = folder.manifest
    if not path.is_file():
        raise ConfigError(
            f"{folder.path}: expected the folder of a sweep with {path.name}, got none; start one with `apical sweep`"
        )
    remedy = "restore it from a copy, or repeat the command with its file in another --out"
    found = read_json(path, "format", "plan", "cells", remedy=remedy)
    if found["format"] != FORMAT:
        raise ConfigError(
            f"{path}: expected format {FORMAT}, got {found['format']!r}; another version of Apical wrote it: use that"
        )
    return Manifest(_plan(found["plan"]), {cell["name"]: cell for cell in found["cells"]})


def write(folder: SweepFolder, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all."""
    document = {"format": FORMAT, "plan": _document(manifest.plan), "cells": list(manifest.cells.values())}
    write_json(folder.manifest, document)


def extended(before: Manifest | None, plan: Plan, cells: Sequence[Cell]) -> Manifest:
    """What stands in the manifest, with values, seeds and cells of a plan added to it.

    Args:
        before: what stands there; None in a new folder.
        plan: what is asked for now.
        cells: its cells.

    Raises:
        ConfigError: the plan is of another sweep: other base, axes, budget, or other settings of a value.
    """
    told = {cell.name: {"name": cell.name, "at": dict(cell.at), "hash": cell.hash} for cell in cells}
    if before is None:
        return Manifest(plan, told)
    whole = _joined(before.plan, plan)
    for name, cell in told.items():
        stored = before.cells.get(name, cell)
        if stored["hash"] != cell["hash"]:
            raise ConfigError(
                f"sweep.cells: expected {name} with the settings and sources that stand in the manifest, got others; {ELSEWHERE}"
            )
    return Manifest(whole, {**before.cells, **told})


def _joined(before: Plan, now: Plan) -> Plan:
    for kind, old, new in (
        ("base", leaves(before.base), leaves(now.base)),
        ("budget", leaves(asdict(before.budget)), leaves(asdict(now.budget))),
        ("do", {"": list(before.do)}, {"": list(now.do)}),
        ("--set", {"": list(before.overrides)}, {"": list(now.overrides)}),
        ("--workers of a budget of seconds", {"": before.beside}, {"": now.beside}),
    ):
        _same(kind, unplaced(plain(old)), unplaced(plain(new)))
    names, asked = [axis.name for axis in before.axes], [axis.name for axis in now.axes]
    if sorted(names) != sorted(asked):
        raise ConfigError(
            f"sweep.axes: expected {', '.join(names)} as in the manifest, got {', '.join(asked)}; {ELSEWHERE}"
        )
    ours = {axis.name: axis for axis in now.axes}
    axes = tuple(_longer(axis, ours[axis.name]) for axis in before.axes)
    seeds = tuple(dict.fromkeys((*before.seeds, *now.seeds)))
    changes = (*before.changes, *(change for change in now.changes if change not in before.changes))
    return replace(
        before, axes=axes, seeds=seeds, changes=changes, read_at=tuple(sorted({*before.read_at, *now.read_at}))
    )


def _same(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for path in (*old, *(path for path in new if path not in old)):
        if old.get(path) != new.get(path):
            told = f"{kind}.{path}" if path else kind
            raise ConfigError(
                f"sweep.{told}: expected {_said(old, path)} as in the manifest, got {_said(new, path)}; a sweep grows by values and seeds "
                f"alone: {ELSEWHERE}"
            )


def _said(settings: Mapping[str, Any], path: str) -> str:
    value = settings.get(path)
    return "none" if value is None else repr(value)


def _longer(before: Axis, now: Axis) -> Axis:
    if before.kind != now.kind:
        raise ConfigError(
            f"axes.{before.name}: expected a {before.kind} as in the manifest, got a {now.kind}; {ELSEWHERE}"
        )
    values = {key_of(value.label): value for value in before.values}
    for value in now.values:
        stored = values.setdefault(key_of(value.label), value)
        if unplaced(plain(stored.settings)) != unplaced(plain(value.settings)):
            raise ConfigError(
                f"axes.{before.name}: expected the settings of {value.label} that stand in the manifest, got others; give them another name, "
                f"or {ELSEWHERE}"
            )
        values[key_of(value.label)] = value  # what is told of it may change
    return replace(before, values=tuple(values.values()))


def _document(plan: Plan) -> dict[str, Any]:
    return dict(plain(asdict(plan)))


def _plan(told: Mapping[str, Any]) -> Plan:
    axes = tuple(Axis(a["name"], a["kind"], tuple(Value(**value) for value in a["values"])) for a in told["axes"])
    return Plan(
        name=told["name"], base=told["base"], axes=axes, seeds=tuple(told["seeds"]), budget=Budget(**told["budget"]), do=tuple(told["do"]),
        read_at=tuple(told.get("read_at", ())),  # versions before 0.6 had none
        changes=tuple(Change(**change) for change in told["changes"]), overrides=tuple(told["overrides"]), beside=told["beside"],
    )  # fmt: skip


def cells_of(manifest: Manifest) -> list[Cell]:
    """Every cell of the manifest with its settings, in its order, seed by seed.

    Raises:
        ConfigError: a cell is no longer what it was: another version of Apical, or a source that was changed.
    """
    order = {name: place for place, name in enumerate(manifest.cells)}
    points = sorted(
        manifest.cells.values(), key=lambda cell: (manifest.plan.seeds.index(cell["at"][SEED]), order[cell["name"]])
    )
    found = manifest.plan.cells(iter([dict(cell["at"]) for cell in points]))
    for cell, stored in zip(found, points, strict=True):
        if cell.hash != stored["hash"]:
            raise ConfigError(
                f"sweep.cells: expected {stored['name']} with the settings and sources that stand in the manifest, got others; "
                f"undo what was changed since, or {ELSEWHERE}"
            )
    return [replace(cell, name=stored["name"]) for cell, stored in zip(found, points, strict=True)]

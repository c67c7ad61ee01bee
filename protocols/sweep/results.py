"""What came out of the cells, over the axes: an xarray Dataset, NaN where a cell is not done."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .axes import GRID, Axis, key_of, leaves
from .folder import DIVERGED, DONE, SweepFolder
from .manifest import Manifest, read
from .plan import SEED

if TYPE_CHECKING:
    import xarray as xr

# name: units, words
NUMBERS: Mapping[str, tuple[str, str]] = {
    "accuracy": ("%", "accuracy of the read-out of all populations together"),
    "accuracy_random": ("%", "the same of the network before its first step"),
    "accuracy_pixels": ("%", "accuracy of the read-out of the pixels"),
    "loss": ("1", "loss at the end of training, mean over populations"),
    "images_per_second": ("1/s", "images shown in a second of training"),
    "seconds": ("s", "time of training"),
    "steps": ("1", "plasticity steps"),
    "epochs": ("1", "passes over the training images"),
    "samples": ("1", "images shown"),
    "peak_memory_bytes": ("B", "largest memory of the process while it trained"),
    "macs_per_image": ("1", "multiply-accumulates of training, per image with both its glances"),
    "bytes_per_image": ("B", "bytes that operations of training read and write, per image with both its glances"),
}
LAYERS: Mapping[str, tuple[str, str, str]] = {
    "layers": ("population_accuracy", "%", "accuracy of the read-out of one population"),
    "layers_random": ("population_accuracy_random", "%", "the same of the network before its first step"),
    "losses": ("population_loss", "1", "loss of a population at the end of training"),
    "alignment": (
        "population_alignment",
        "1",
        "cosine between local change and backprop gradient at the end of training",
    ),
}
# of the read-outs on the way, over epochs: key, units, words
CURVES: Mapping[str, tuple[str, str, str]] = {
    "accuracy_curve": ("accuracy", "%", "accuracy of the read-out of all populations together, by epochs"),
    "population_accuracy_curve": ("layers", "%", "accuracy of the read-out of one population, by epochs"),
    "population_alignment_curve": ("alignment", "1", "cosine between local change and backprop gradient, by epochs"),
}
POPULATION, EPOCH = "population", "epoch"
RESERVED = {
    *NUMBERS,
    *(name for name, _, _ in LAYERS.values()),
    *CURVES,
    POPULATION,
    EPOCH,
    SEED,
    "status",
    "loss_curve",
    "cell",
}


def short_names(axes: Sequence[Axis]) -> dict[str, str]:
    """What the dimension of an axis is called: the last word of its setting, or all of it where that names two things.

    >>> short_names([Axis("optimiser.learning_rate", "grid", ()), Axis("training.epochs", "grid", ())])
    {'optimiser.learning_rate': 'learning_rate', 'training.epochs': 'training.epochs'}
    """
    lasts = [axis.name.rpartition(".")[2] for axis in axes]
    return {
        axis.name: last if lasts.count(last) == 1 and last not in RESERVED else axis.name
        for axis, last in zip(axes, lasts, strict=True)
    }


def is_number(label: Any) -> bool:
    """Whether a label is a number, or the text of one, as names of entries may be.

    >>> is_number(0.1), is_number("3e-4"), is_number("lpl"), is_number("nan")
    (True, True, False, False)
    """
    try:
        return math.isfinite(float(label))
    except (TypeError, ValueError):
        return False


def ordered(axis: Axis) -> list[Any]:
    """Labels of an axis: numbers by size, names as they came."""
    labels = [value.label for value in axis.values]
    return sorted(labels, key=float) if all(map(is_number, labels)) else labels


def finished(folder: SweepFolder, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Results by cell, of those that are done.

    Raises:
        ConfigError: one is damaged.
    """
    return {name: folder.read_result(name) for name in manifest.cells if folder.result(name).is_file()}


def read_outs(folder: SweepFolder, name: str) -> list[dict[str, Any]]:
    """What was read out of a cell on the way, and at its end where something was read out before; by epoch.

    Raises:
        ConfigError: a file is damaged.
    """
    if not folder.result(name).is_file():
        readings = folder.read_readings(name)
    else:
        told = folder.read_result(name)
        readings = list(told.get("readings") or [])
        readings += [told] if readings and told.get("accuracy") is not None else []
    # a run that had gone further when an epoch was asked for was read out where it stood
    return list({each["epochs"]: each for each in readings}.values())


def open_sweep(path: Path) -> "xr.Dataset":
    """Results of a sweep over its axes.

    Args:
        path: folder of the sweep.

    Raises:
        ConfigError: no sweep there, or a damaged one.
    """
    import numpy as np
    import xarray as xr

    folder = SweepFolder(path)
    manifest = read(folder)
    plan, done = manifest.plan, finished(folder, manifest)
    names = short_names(plan.axes)
    labels = {names[axis.name]: ordered(axis) for axis in plan.axes} | {SEED: sorted(plan.seeds)}
    dims, shape = tuple(labels), tuple(map(len, labels.values()))
    places = {dim: {key_of(label): i for i, label in enumerate(found)} for dim, found in labels.items()}
    own = {**{axis.name: names[axis.name] for axis in plan.axes}, SEED: SEED}

    def place(at: Mapping[str, Any]) -> tuple[int, ...]:
        found = {own[name]: label for name, label in at.items()}
        return tuple(places[dim][key_of(found[dim])] for dim in dims)

    where = {name: place(cell["at"]) for name, cell in manifest.cells.items()}
    readings = {name: each for name in manifest.cells if (each := read_outs(folder, name))}
    every = [*done.values(), *(told for each in readings.values() for told in each)]
    populations = list(dict.fromkeys(p for told in every for key in LAYERS for p in told.get(key) or {}))
    epochs = sorted(
        {e for told in done.values() for e in (told.get("curve") or {}).get("epoch", [])}
        | {told["epochs"] for each in readings.values() for told in each}
    )
    variables: dict[str, Any] = {}
    for name, (units, words) in NUMBERS.items():
        values = np.full(shape, np.nan)
        for cell, told in done.items():
            values[where[cell]] = _number(told.get(name))
        variables[name] = (dims, values, {"units": units, "long_name": words})
    for key, (name, units, words) in LAYERS.items():
        if not any(told.get(key) for told in done.values()):
            continue
        values = np.full((*shape, len(populations)), np.nan)
        for cell, told in done.items():
            for population, value in (told.get(key) or {}).items():
                values[(*where[cell], populations.index(population))] = _number(value)
        variables[name] = ((*dims, POPULATION), values, {"units": units, "long_name": words})
    curve = np.full((*shape, len(epochs)), np.nan)
    at_epoch = {epoch: i for i, epoch in enumerate(epochs)}
    for cell, told in done.items():
        found = told.get("curve") or {"epoch": [], "loss": []}
        for epoch, loss in zip(found["epoch"], found["loss"], strict=True):
            curve[(*where[cell], at_epoch[epoch])] = _number(loss)
    variables["loss_curve"] = ((*dims, EPOCH), curve, {"units": "1", "long_name": "loss, mean over populations"})
    variables |= _curves(readings, where, shape, dims, epochs, populations)
    status = np.full(shape, "", dtype=object)
    cells = np.full(shape, "", dtype=object)
    for cell, index in where.items():
        status[index], cells[index] = folder.status(cell), cell
    variables["status"] = (dims, status.astype(str), {"long_name": "where the cell stands; empty where there is none"})
    variables["cell"] = (dims, cells.astype(str), {"long_name": "name of the cell; its run lies in runs/"})
    coordinates: dict[str, Any] = {dim: (dim, _array(found), {"long_name": dim}) for dim, found in labels.items()}
    coordinates |= {
        POPULATION: populations,
        EPOCH: (EPOCH, np.array(epochs, float), {"long_name": "epochs of training"}),
    }
    for axis in plan.axes:
        coordinates |= _further(axis, names[axis.name], {*coordinates, *variables})
        if axis.kind == GRID:
            coordinates[names[axis.name]][2]["setting"] = axis.name
    return xr.Dataset(variables, coordinates, {"name": plan.name, "budget": plan.budget.told(), "folder": str(path)})


def _curves(
    readings: Mapping[str, Sequence[Mapping[str, Any]]],
    where: Mapping[str, tuple[int, ...]],
    shape: tuple[int, ...],
    dims: tuple[str, ...],
    epochs: Sequence[float],
    populations: Sequence[str],
) -> dict[str, Any]:
    """What was read out on the way and at the end, over epochs; nothing of a sweep without read-outs on the way."""
    import numpy as np

    found: dict[str, Any] = {}
    for name, (key, units, words) in CURVES.items():
        if not any(told.get(key) for cell in readings.values() for told in cell):
            continue
        apart = key != "accuracy"
        values = np.full((*shape, len(epochs), *([len(populations)] if apart else [])), np.nan)
        for cell, told in ((cell, told) for cell, of_cell in readings.items() for told in of_cell):
            at = (*where[cell], epochs.index(told["epochs"]))
            of = (told.get(key) or {}) if apart else {None: told.get(key)}
            for population, value in of.items():
                values[(*at, populations.index(population)) if apart else at] = _number(value)
        found[name] = ((*dims, EPOCH, *([POPULATION] if apart else [])), values, {"units": units, "long_name": words})
    return found


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _array(labels: Sequence[Any]) -> Any:
    import numpy as np

    plain = all(isinstance(label, int | float) for label in labels)
    return np.array(labels) if plain else np.array([str(label) for label in labels])


def _further(axis: Axis, dim: str, taken: set[str]) -> dict[str, Any]:
    """Settings of a list or of draws, along their dimension."""
    if axis.kind == GRID:
        return {}
    by_label = {key_of(value.label): leaves(value.settings) for value in axis.values}
    found: dict[str, Any] = {}
    for path in axis.paths:
        values = [by_label[key_of(label)].get(path) for label in ordered(axis)]
        if all(isinstance(value, int | float | str) and not isinstance(value, bool) for value in values):
            last = path.rpartition(".")[2]
            name = last if last not in taken and last not in RESERVED and last not in found else path
            found[name] = (dim, _array(values), {"long_name": name, "setting": path})
    return found


def status_of(path: Path) -> dict[str, Any]:
    """Where a sweep stands.

    Args:
        path: its folder.

    Returns:
        sweep, name, cells (how many by status), rows (cell, status, accuracy, loss, epochs, seconds, error), left_seconds (of training that
        is left, by the pace of the cells that are done; None where none is).

    Raises:
        ConfigError: no sweep there, or a damaged one.
    """
    folder = SweepFolder(path)
    manifest = read(folder)
    rows = [row_of(folder, name, cell["at"]) for name, cell in manifest.cells.items()]
    spent = [row["seconds"] for row in rows if row["status"] in (DONE, DIVERGED) and row["seconds"]]
    left = sum(row["status"] not in (DONE, DIVERGED) for row in rows)
    return {
        "sweep": str(path), "name": manifest.plan.name, "budget": manifest.plan.budget.told(), "cells": counted(rows), "rows": rows,
        "left_seconds": left * sum(spent) / len(spent) if spent else None,
    }  # fmt: skip


def counted(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many cells there are of each status."""
    found: dict[str, int] = {}
    for row in rows:
        found[row["status"]] = found.get(row["status"], 0) + 1
    return found


def row_of(folder: SweepFolder, name: str, at: Mapping[str, Any]) -> dict[str, Any]:
    """One cell: its labels, where it stands, its numbers, of one that is not done those of its last read-out, and its error.

    Raises:
        ConfigError: its result is damaged.
    """
    status = folder.status(name)
    told = folder.read_result(name) if status in (DONE, DIVERGED) else dict(*folder.read_readings(name)[-1:])
    error = told.get("error", "") or folder.read_failure(name).get("error", "")
    return {"cell": name, "at": dict(at), "status": status, **{key: told.get(key) for key in NUMBERS}, "error": error}


def is_sweep(path: Path) -> bool:
    """Whether a folder is that of a sweep.

    Raises:
        ConfigError: it is that of a comparison of an earlier version.
    """
    if (path / "sweep.json").is_file():
        return True
    if (path / "compare.json").is_file() and (path / "cells").is_dir() and not (path / "recording.zarr").exists():
        raise ConfigError(
            f"{path}: expected the folder of a sweep with sweep.json, got a comparison of an earlier version; repeat its `apical compare` "
            "command with --out, which takes over what is finished"
        )
    return False

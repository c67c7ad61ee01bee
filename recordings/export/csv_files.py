"""Text files, one for each table and dimension.

`activity_conv1.csv` has a row for each trial; a signal of units has a column for each unit, `rate[22] (1)`: name, `unit_id`, units. What lies along
another dimension alone stands in a file of its own, `activity_conv1.unit.csv`: the place of every unit. What has three dimensions or too many columns is
one row for each value, with its position, in `replay_trials.V_soma.csv`. Numbers have as many digits as give them back; no number is an empty cell.
`attributes.json` holds what is said of everything: units, long names, settings.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .content import BLOCK_BYTES, Content, rows_of, values

MOST_COLUMNS = 4096
SWELL = 16  # bytes of text and of its objects for one of a number, about


def write(content: Content, path: Path) -> None:
    """Write the folder."""
    path.mkdir()
    told: dict[str, Any] = {"/": dict(content.attributes)}
    for table, dataset in content.tables.items():
        told[table] = dict(dataset.attrs)
        told |= {f"{table}/{name}": dict(variable.attrs) for name, variable in dataset.variables.items()}
        _table(dataset, path, table.replace("/", "_"))
    (path / "attributes.json").write_text(json.dumps(told, indent=1, default=str), encoding="utf-8")


def _table(dataset: xr.Dataset, folder: Path, stem: str) -> None:
    main = str(dataset.attrs.get("record_dim", next(iter(dataset.dims), "")))
    for dim in map(str, dataset.dims):
        names = [str(name) for name, each in dataset.variables.items() if each.dims[:1] == (dim,)]
        wide = [name for name in names if _columns(dataset[name]) <= MOST_COLUMNS and dataset[name].ndim <= 2]
        # what says which row it is stands first
        wide.sort(key=lambda name: (_columns(dataset[name]) > 1, name not in dataset.coords))
        if wide:
            _wide(dataset, wide, folder / (f"{stem}.csv" if dim == main else f"{stem}.{dim}.csv"))
        for name in names:
            if name not in wide:
                _long(dataset[name], folder / f"{stem}.{name}.csv")


def _columns(variable: xr.DataArray) -> int:
    return int(np.prod(variable.shape[1:], dtype=np.int64))


def _wide(dataset: xr.Dataset, names: Sequence[str], path: Path) -> None:
    head = [column for name in names for column in _heads(dataset, name)]
    largest = max((dataset[name] for name in names), key=_columns)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for start, stop in _steps(largest.variable):
            parts = [values(dataset[name].variable, start, stop).reshape(stop - start, -1) for name in names]
            columns = [_cells(part[:, i]) for part in parts for i in range(part.shape[1])]
            writer.writerows(zip(*columns, strict=True))


def _long(variable: xr.DataArray, path: Path) -> None:
    units = variable.attrs.get("units", "1")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*variable.dims, f"{variable.name} ({units})"])
        for start, stop in _steps(variable.variable):
            block = values(variable.variable, start, stop)
            places = np.indices(block.shape).reshape(block.ndim, -1)
            places[0] += start
            writer.writerows(zip(*(axis.tolist() for axis in places), _cells(block.ravel()), strict=True))


def _steps(variable: xr.Variable) -> Iterator[tuple[int, int]]:
    """Blocks that are small as text too."""
    row = max(1, int(variable.nbytes) // max(variable.shape[0], 1))
    for start, stop in rows_of(variable):
        step = max(1, BLOCK_BYTES // (row * SWELL))
        yield from ((a, min(a + step, stop)) for a in range(start, stop, step))


def _heads(dataset: xr.Dataset, name: str) -> list[str]:
    variable = dataset[name]
    units = variable.attrs.get("units", "1")
    if variable.ndim == 1:
        return [f"{name} ({units})"]
    dim = str(variable.dims[1])
    label = dataset["unit_id"] if dim == "unit" and "unit_id" in dataset else dataset.get(dim)
    marks: Iterable[Any] = range(variable.shape[1])
    if label is not None and label.dims == (dim,):
        marks = np.asarray(label).tolist()
    return [f"{name}[{mark}] ({units})" for mark in marks]


def _cells(column: np.ndarray[Any, Any]) -> list[Any]:
    if column.dtype.kind != "f":
        return list(column.tolist())
    # the shortest text that gives the number of this precision back
    return ["" if np.isnan(each) else str(each) for each in column]

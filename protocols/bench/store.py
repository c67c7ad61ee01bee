"""How fast a recording is written, against zarr itself writing the same bytes in turns."""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ...recordings import Table, Writer, activity_table
from ...recordings.layout import block_rows
from ..progress import tell

BLOCK = 8 << 20  # the writer's own default
ROWS = 256  # rows handed over at a time, as a recorder does


def storing(
    *, rounds: int = 3, mebibytes: int = 128, units: tuple[int, ...] = (64, 4096), progress: bool = True
) -> list[dict[str, Any]]:
    """MB/s of the writer and of plain zarr, for a table of few and of many units.

    Three contestants write the same trials of one population, in turns, to the same disk: the writer, through its queue, with checksums and commits;
    `zarr`, whole blocks straight into arrays of the same chunks, shards and compressor; and `zarr_default`, whole blocks into
    arrays as `zarr.create_array` makes them by default.

    Args:
        rounds: turns of each; figures are medians.
        mebibytes: bytes of a turn, before compression.
        units: sizes of the population.
        progress: tell what happens on stderr.

    Returns:
        One row per size: megabytes per second of each, and the writer's share of both others.
    """
    return [_contest(count, rounds, mebibytes, progress) for count in units]


def _contest(units: int, rounds: int, mebibytes: int, progress: bool) -> dict[str, Any]:
    table = _table(units, mebibytes)
    rows = _rows(table)
    contestants: dict[str, Callable[[Path, Table, Mapping[str, NDArray[Any]]], None]] = {
        "writer": _through_writer, "zarr": _same_layout, "zarr_default": _by_default,
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, write in contestants.items():
            with tempfile.TemporaryDirectory() as folder:
                begun = time.perf_counter()
                write(Path(folder) / "bench.zarr", table, rows)
                if turn:  # the first turn warms up
                    seconds[name].append(time.perf_counter() - begun)
        if turn:
            told = ", ".join(f"{name} {each[-1]:.2f} s" for name, each in seconds.items())
            tell(progress, f"{units} units, turn {turn}/{rounds}: {told}")
    size = table.length * table.row_bytes
    speed = {name: size / statistics.median(each) / 1e6 for name, each in seconds.items()}
    return {
        "units": units, "megabytes": size / 1e6, **{f"{name}_megabytes_per_second": value for name, value in speed.items()},
        "share_of_zarr": speed["writer"] / speed["zarr"], "share_of_zarr_default": speed["writer"] / speed["zarr_default"],
    }  # fmt: skip


def _table(units: int, mebibytes: int) -> Table:
    once = activity_table("conv1", 1, np.arange(units), (units, 1, 1))
    length = max(ROWS, (mebibytes << 20) // once.row_bytes // ROWS * ROWS)
    return activity_table("conv1", length, np.arange(units), (units, 1, 1))


def _rows(table: Table) -> dict[str, NDArray[Any]]:
    """Values as potentials and rates have them: noise that hardly compresses, half of the rates zero."""
    draws = np.random.default_rng(0)
    rows: dict[str, NDArray[Any]] = {}
    for variable in table.variables:
        shape = (table.length, *variable.shape)
        if variable.dtype.startswith("int"):
            rows[variable.name] = (np.arange(table.length) % 100).astype(variable.dtype)
        else:
            values = draws.standard_normal(shape, dtype=np.float32)
            rows[variable.name] = (np.maximum(values, 0) if variable.name == "rate" else values).astype(variable.dtype)
    return rows


def _through_writer(path: Path, table: Table, rows: Mapping[str, NDArray[Any]]) -> None:
    with Writer.create(path, [table], attributes={}) as writer:
        for start in range(0, table.length, ROWS):
            writer.append(table.path, {name: values[start : start + ROWS] for name, values in rows.items()})


def _same_layout(path: Path, table: Table, rows: Mapping[str, NDArray[Any]]) -> None:
    Writer.create(path, [table], attributes={}).close()
    group = zarr.open_group(path, mode="r+")
    _write({name: group[f"{table.path}/{name}"] for name in rows}, table, rows)


def _by_default(path: Path, table: Table, rows: Mapping[str, NDArray[Any]]) -> None:
    group = zarr.create_group(path)
    arrays = {name: group.create_array(name, shape=values.shape, dtype=values.dtype) for name, values in rows.items()}
    _write(arrays, table, rows)


def _write(arrays: Mapping[str, Any], table: Table, rows: Mapping[str, NDArray[Any]]) -> None:
    size = block_rows(table, BLOCK)
    for start in range(0, table.length, size):
        for name, values in rows.items():
            arrays[name][start : start + size] = values[start : start + size]

"""Tables on disk: how a table becomes zarr arrays, and how it is read back from them.

Arrays are allocated in full, so that every variable of a table always has the same length and ``xr.open_zarr`` works at
any moment. The unit of writing is a block of rows: one shard (or one chunk, when a shard would hold a single chunk) of
every variable of the table, at the same offsets for all of them.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import zarr
from zarr.abc.store import Store

from .arrays import empty, filled, group, write
from .digests import METADATA, SINCE, check_attributes
from .documents import arrays
from .errors import RecordingError
from .schema import SCHEMA, SCHEMA_VERSION, Table, Variable

StoreLike = str | Path | Store
MAX_ROWS = 4096
CHUNK_BYTES = 512 << 10  # zarr pays about half a millisecond per inner chunk, whatever its size
CHUNK_COLUMNS = 512
LEAST_COLUMNS = 64


def block_rows(table: Table, block_bytes: int) -> int:
    """Rows of one block: the largest power of two whose rows fit into ``block_bytes``, at most 4096."""
    fitting = max(1, min(MAX_ROWS, block_bytes // table.row_bytes))
    enough = 1 << (table.length - 1).bit_length()
    return min(1 << (fitting.bit_length() - 1), enough)


def create_table(root: zarr.Group, table: Table, block_bytes: int) -> None:
    """Create the group of a table with its static coordinates and its allocated, still empty arrays."""
    names = [variable.name for variable in table.variables]
    coordinates = [variable.name for variable in table.variables if variable.coordinate] + list(table.coords)
    reserved = {"record_dim": table.dim, "variables": names, "coordinates": " ".join(coordinates)}
    files = group({**json_values(table.attributes, table.path), **reserved})
    made = {
        name: filled(
            values, values.shape if dims == (table.dim,) else "auto", tuple(dims), json_values(attributes, name)
        )
        for name, (dims, values, attributes) in table.coords.items()
    }
    rows = block_rows(table, block_bytes)
    made |= {variable.name: _empty(table, variable, rows) for variable in table.variables}
    files |= {f"{name}/{path}": file for name, each in made.items() for path, file in each.items()}
    write(root, table.path, files)


def _empty(table: Table, variable: Variable, rows: int) -> dict[str, bytes]:
    """The files of a variable's array."""
    block = (rows, *variable.shape)
    chunks = _chunks(variable, rows)
    shards = tuple(math.ceil(size / chunk) * chunk for size, chunk in zip(block, chunks, strict=True))
    said = {"units": variable.units, "long_name": variable.long_name}
    return empty(
        (table.length, *variable.shape),
        variable.dtype,
        chunks,
        None if shards == chunks else shards,
        variable.fill,
        (table.dim, *variable.dims),
        {**json_values(variable.attributes, f"{table.path}/{variable.name}"), **said},
    )


def _chunks(variable: Variable, rows: int) -> tuple[int, ...]:
    """Inner chunks: up to 512 columns wide, and the narrower the more rows there are, so that one unit over all trials is read without all the others."""
    size = np.dtype(variable.dtype).itemsize
    across = max(LEAST_COLUMNS, min(CHUNK_COLUMNS, CHUNK_BYTES // (rows * size)))
    columns = tuple(min(width, across) for width in variable.shape[-1:])
    trailing = variable.shape[:-1] + columns
    fitting = max(1, CHUNK_BYTES // (math.prod(trailing) * size))
    return (min(rows, 1 << (fitting.bit_length() - 1)), *trailing)


def read_table(root: zarr.Group, path: str) -> tuple[Table, int]:
    """The table stored at ``path``, without its static coordinates, and the rows of its blocks."""
    group = root[path]
    if not isinstance(group, zarr.Group):
        raise RecordingError(f"recording.{path}: expected a group, got an array; the store is damaged")
    coordinates = str(group.attrs["coordinates"]).split()
    names = cast(list[str], group.attrs["variables"])
    found = arrays(group, names, path)
    variables = tuple(_read_variable(name, array, name in coordinates) for name, array in found.items())
    first = found[names[0]]
    table = Table(path=path, dim=str(group.attrs["record_dim"]), length=first.shape[0], variables=variables)
    return table, (first.shards or first.chunks)[0]


def _read_variable(name: str, array: zarr.Array[Any], coordinate: bool) -> Variable:
    attributes = dict(array.attrs)
    return Variable(
        name=name,
        dims=tuple(array.metadata.dimension_names[1:]),  # type: ignore[union-attr, index, arg-type]
        shape=array.shape[1:],
        dtype=str(array.dtype),
        units=str(attributes.pop("units")),
        long_name=str(attributes.pop("long_name")),
        attributes=attributes,
        coordinate=coordinate,
    )


def json_values(attributes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The attributes as a dict.

    Raises:
        RecordingError: a value has no JSON form.
    """
    try:
        json.dumps(dict(attributes))
    except (TypeError, ValueError) as error:
        raise RecordingError(f"{where}.attributes: expected JSON values, got an error ({error}); convert it") from error
    return dict(attributes)


def root_attributes(root: zarr.Group, where: str) -> dict[str, Any]:
    """Attributes of a recording's root group, checked.

    Raises:
        RecordingError: the group is no recording, one of a newer schema, or its attributes are damaged.
    """
    attributes = dict(root.attrs)
    if attributes.get("schema") != SCHEMA or not isinstance(attributes.get("committed"), Mapping):
        raise RecordingError(
            f"{where}: expected a recording with the root attribute schema={SCHEMA!r}, got another zarr store or one "
            "whose creation was interrupted; give the recording.zarr of a run"
        )
    version = attributes.get("schema_version")
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise RecordingError(f"recording.schema_version: expected <= {SCHEMA_VERSION}, got {version}; update apical")
    if version >= SINCE and not isinstance(attributes.get(METADATA), Mapping):
        raise RecordingError(
            f"{where}: expected the root attribute {METADATA}, got none; restore zarr.json from a copy"
        )
    check_attributes(attributes, where)
    return cast(dict[str, Any], attributes)

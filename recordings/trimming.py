"""Another length for the tables of a recording: cut to the rows that it has, so that any reader of zarr sees data alone, or with room for more.

    1. the root attribute `trimmed` says of every table from which length to which; checksums of metadata are compared with the first put back
    2. arrays are resized, one after another

A kill in between leaves some arrays at the length before: what is committed stays readable, and every array has one of the lengths told.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from .digests import TRIMMED, update_attributes
from .errors import RecordingError


def trim(root: zarr.Group) -> None:
    """Resize every table to its committed rows.

    Args:
        root: a recording that nothing is appended to any more.
    """
    committed = cast(Mapping[str, int], root.attrs["committed"])
    lengths: dict[str, list[int]] = dict(cast(Mapping[str, Any], root.attrs.get(TRIMMED, {})))
    for path, rows in committed.items():
        length = max(array.shape[0] for _, array in _growing(root, path))
        if length > rows:
            lengths[path] = _further(lengths.get(path, [length]), rows)
    if lengths != root.attrs.get(TRIMMED, {}):
        update_attributes(root, {TRIMMED: lengths})
    for path in lengths:
        for _, array in _growing(root, path):
            if array.shape[0] > committed[path]:
                _resize(array, committed[path])


def grow(root: zarr.Group, lengths: Mapping[str, int], attributes: Mapping[str, Any]) -> None:
    """Give tables room for more rows; those that have it stay as they are.

    Args:
        root: a recording.
        lengths: rows that each table shall have room for, by path.
        attributes: further root attributes that change with it.

    Raises:
        RecordingError: tables that the recording does not have.
    """
    told: dict[str, list[int]] = dict(cast(Mapping[str, Any], root.attrs.get(TRIMMED, {})))
    for path, rows in lengths.items():
        if path not in cast(Mapping[str, int], root.attrs["committed"]):
            raise RecordingError(
                f"recording.{path}: expected a table of this recording, got none; record what it began with"
            )
        shortest = min(array.shape[0] for _, array in _growing(root, path))
        if shortest < rows:
            told[path] = _further(told.get(path, [shortest]), rows)
    update_attributes(root, {**attributes, **({TRIMMED: told} if told else {})})
    for path, rows in lengths.items():
        for _, array in _growing(root, path):
            if array.shape[0] < rows:
                _resize(array, rows)


def _further(lengths: list[int], rows: int) -> list[int]:
    """The first length, those in between and the newest."""
    return lengths if lengths[-1] == rows and len(lengths) > 1 else [*lengths, rows]


def _resize(array: "zarr.Array[Any]", rows: int) -> None:
    """Write the metadata alone: what lies outside was never written, and zarr's own `resize` asks for every chunk of it."""
    key = f"{array.path}/zarr.json" if array.path else "zarr.json"
    prototype = default_buffer_prototype()
    stored = sync(array.store.get(key, prototype=prototype))
    if stored is None:
        raise RecordingError(
            f"recording.{array.path}: expected its metadata, got no {key}; restore the file from a copy"
        )
    document = json.loads(stored.to_bytes())
    document["shape"][0] = rows
    sync(array.store.set(key, prototype.buffer.from_bytes(json.dumps(document, indent=2).encode())))


def _growing(root: zarr.Group, path: str) -> list[tuple[str, "zarr.Array[Any]"]]:
    group = cast(zarr.Group, root[path])
    return [(name, cast("zarr.Array[Any]", group[name])) for name in cast(list[str], group.attrs["variables"])]

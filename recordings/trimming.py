"""Cutting the tables of a finished recording to the rows that it has, so that any reader of zarr sees data alone.

    1. the root attribute `trimmed` says of every table from which length to which; checksums of metadata are compared with the first put back
    2. arrays are resized, one after another

A kill in between leaves some arrays long: what is committed stays readable, and every array has one of the two lengths.
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
            lengths[path] = [lengths.get(path, [length])[0], rows]
    if lengths != root.attrs.get(TRIMMED, {}):
        update_attributes(root, {TRIMMED: lengths})
    for path in lengths:
        for _, array in _growing(root, path):
            if array.shape[0] > committed[path]:
                _shorten(array, committed[path])


def _shorten(array: "zarr.Array[Any]", rows: int) -> None:
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

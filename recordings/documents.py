"""Metadata of a store as they lie there, many read at once: zarr hands every single file from thread to thread, and a recording has hundreds."""

import json
from collections.abc import Iterable
from typing import Any

import zarr
from zarr.abc.store import Store
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import StorePath

from .errors import RecordingError


def document(root: zarr.Group, path: str) -> dict[str, Any]:
    """Contents of a zarr.json.

    Raises:
        RecordingError: there is none, or it is no JSON.
    """
    return documents(root, [path])[path]


def documents(root: zarr.Group, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Contents of the zarr.json of each path.

    Raises:
        RecordingError: there is none, or it is no JSON.
    """
    keys = {path: "/".join(part for part in (root.path, path, "zarr.json") if part) for path in paths}
    stored = sync(_read(root.store, keys.values()))
    return {path: _parsed(path, key, stored[key]) for path, key in keys.items()}


def arrays(group: zarr.Group, names: Iterable[str], where: str) -> dict[str, "zarr.Array[Any]"]:
    """Arrays of a group by name.

    Args:
        group: the group.
        names: of its arrays.
        where: what errors call the group.

    Raises:
        RecordingError: one is not there, or is none.
    """
    found = {}
    for name, content in documents(group, names).items():
        if content.get("node_type") != "array":
            raise RecordingError(f"recording.{where}/{name}: expected an array, got a group; the store is damaged")
        path = "/".join(filter(None, (group.path, name)))
        found[name] = zarr.Array.from_dict(StorePath(group.store, path), content)
    return found


async def _read(store: Store, keys: Iterable[str]) -> dict[str, Buffer | None]:
    prototype = default_buffer_prototype()
    return {key: await store.get(key, prototype=prototype) for key in keys}


def _parsed(path: str, key: str, stored: Buffer | None) -> dict[str, Any]:
    if stored is None:
        raise RecordingError(f"recording.{path}: expected its metadata, got no {key}; restore the file from a copy")
    try:
        found = json.loads(stored.to_bytes())
    except ValueError as error:
        raise RecordingError(
            f"recording.{path}: expected JSON in {key}, got {error}; restore it from a copy"
        ) from error
    found.pop("consolidated_metadata", None)  # other programs may add it
    return dict(found)

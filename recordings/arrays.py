"""Arrays and groups of a new recording: their metadata as zarr writes them, kept from one to the next, and written without a detour.

zarr takes milliseconds to create an array, in which files are handed from thread to thread ten times; a recording has hundreds, most of them alike. So
zarr makes one of a kind, in memory, and its files serve for all of that kind: byte for byte what zarr would have written.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from .checked import compressors

METADATA = "zarr.json"
WHOLE: Any = {"write_empty_chunks": True}


def empty(
    shape: tuple[int, ...],
    dtype: str,
    chunks: tuple[int, ...],
    shards: tuple[int, ...] | None,
    fill: Any,
    names: tuple[str, ...],
    attributes: Mapping[str, Any],
) -> dict[str, bytes]:
    """The one file of an array that is allocated and holds nothing yet, by its path below the array.

    Args:
        shape: of the array.
        dtype: of its values.
        chunks: shape of a chunk.
        shards: shape of a shard; None for chunks that are files.
        fill: value of what was not written.
        names: of its dimensions.
        attributes: JSON values.
    """
    return _with_attributes(_empty(shape, dtype, chunks, shards, fill, names), attributes)


def filled(
    values: NDArray[Any], chunks: tuple[int, ...] | str, names: tuple[str, ...], attributes: Mapping[str, Any]
) -> dict[str, bytes]:
    """The files of an array that holds values, by their paths below the array.

    Args:
        values: numbers or texts.
        chunks: shape of a chunk, or "auto".
        names: of its dimensions.
        attributes: JSON values.
    """
    plain = values.dtype.kind in "biuf"  # what a text is, its bytes may not tell
    files = (
        _filled(values.tobytes(), str(values.dtype), values.shape, chunks, names)
        if plain
        else _created(data=values, chunks=chunks, dimension_names=names, config=WHOLE)
    )
    return _with_attributes(files, attributes)


def group(attributes: Mapping[str, Any]) -> dict[str, bytes]:
    """The file of a group of arrays, by its path below the group.

    Args:
        attributes: JSON values.
    """
    return _with_attributes(_group(), attributes)


def write(root: zarr.Group, path: str, files: Mapping[str, bytes]) -> None:
    """Write the files of a group, one after another; groups above it that are not there yet are made.

    Args:
        root: of a store that can be written.
        path: of the group, below the root.
        files: by their paths below the group.
    """
    place = PurePosixPath(root.path, path)
    above = [str(parent / METADATA) for parent in reversed(place.parents) if parent.is_relative_to(root.path or ".")]
    sync(_written(root.store, above[1:], {str(place / name): file for name, file in files.items()}))


async def _written(store: Store, above: Iterable[str], files: Mapping[str, bytes]) -> None:
    prototype = default_buffer_prototype()
    for key in above:
        await store.set_if_not_exists(key, prototype.buffer.from_bytes(_group()[METADATA]))
    for key, file in files.items():
        await store.set(key, prototype.buffer.from_bytes(file))


def _with_attributes(files: Mapping[str, bytes], attributes: Mapping[str, Any]) -> dict[str, bytes]:
    document = {**json.loads(files[METADATA]), "attributes": dict(attributes)}
    return {**files, METADATA: json.dumps(document, indent=zarr.config.get("json_indent")).encode()}


@lru_cache(maxsize=1024)
def _empty(
    shape: tuple[int, ...],
    dtype: str,
    chunks: tuple[int, ...],
    shards: tuple[int, ...] | None,
    fill: Any,
    names: tuple[str, ...],
) -> Mapping[str, bytes]:
    return _created(shape=shape, dtype=dtype, chunks=chunks, shards=shards, fill_value=fill, dimension_names=names)


@lru_cache(maxsize=256)
def _filled(
    values: bytes, dtype: str, shape: tuple[int, ...], chunks: Any, names: tuple[str, ...]
) -> Mapping[str, bytes]:
    array = np.frombuffer(values, dtype).reshape(shape)
    return _created(data=array, chunks=chunks, dimension_names=names, config=WHOLE)


@lru_cache(maxsize=1)
def _group() -> Mapping[str, bytes]:
    files: dict[str, Any] = {}
    zarr.open_group(MemoryStore(files), mode="w", zarr_format=3)
    return {path: file.to_bytes() for path, file in files.items()}


def _created(**asked: Any) -> dict[str, bytes]:
    files: dict[str, Any] = {}
    zarr.create_array(MemoryStore(files), compressors=compressors(), zarr_format=3, **asked)
    return {path: file.to_bytes() for path, file in files.items()}

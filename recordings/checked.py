"""Stored arrays read lazily, and never in silence where they are damaged."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import product
from math import ceil
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.sync import sync

from .documents import arrays
from .errors import RecordingError

# what zarr, its codecs and xarray raise on damaged metadata and chunks
DAMAGE = (
    OSError, ValueError, KeyError, TypeError, RuntimeError, IndexError, AttributeError, AssertionError, ArithmeticError, MemoryError,
)  # fmt: skip
REMEDY = "restore the file from a copy, or ask apical verify what is lost"


def compressors() -> tuple[ZstdCodec, Crc32cCodec]:
    """Codecs of every chunk; the checksum comes last, so that it is one of the bytes as they are stored."""
    return (ZstdCodec(), Crc32cCodec())


class CheckedArray:
    """A zarr array whose damaged chunks raise, by name, when they are read.

    Args:
        array: the array.
        name: its path in the recording.
        complete: whether every chunk that is asked for was written; one that is missing is damage then, and fill values otherwise.
        rows: rows that it has, from the first on; all that are allocated by default.
    """

    def __init__(self, array: zarr.Array[Any], name: str, *, complete: bool, rows: int | None = None) -> None:
        self.dtype, self.ndim = array.dtype, array.ndim
        self.shape: tuple[int, ...] = array.shape if rows is None else (rows, *array.shape[1:])
        self.blocks: tuple[int, ...] = array.shards or array.chunks
        self._array, self._name, self._complete = array, name, complete

    def __getitem__(self, key: Any) -> NDArray[Any]:
        parts = key if isinstance(key, tuple) else (key,)
        if len(parts) != self.ndim or not all(isinstance(part, slice | int | np.integer) for part in parts):
            return self._listed(parts)
        parts = tuple(
            slice(*part.indices(n)) if isinstance(part, slice) else part
            for part, n in zip(parts, self.shape, strict=True)
        )
        places = [self._range(part, axis) for axis, part in enumerate(parts)]
        if self._complete:
            for place in product(*places):
                self._there(place)
        try:
            return np.asarray(self._array[parts])
        except RecordingError:
            raise
        except DAMAGE as error:
            raise self._damaged(places, error) from error

    def _listed(self, parts: tuple[Any, ...]) -> NDArray[Any]:
        """A selection with a list of positions: of what lies between the first and the last, and no more."""
        lists = [axis for axis, part in enumerate(parts) if isinstance(part, list | np.ndarray)]
        plain = all(isinstance(part, slice | int | np.integer) for axis, part in enumerate(parts) if axis not in lists)
        where: NDArray[Any] = np.asarray(parts[lists[0]] if len(lists) == 1 else [])
        fits = len(parts) == self.ndim and plain and where.ndim == 1 and where.size and where.dtype.kind in "iu"
        if not fits or where.min() < 0 or where.max() >= self.shape[lists[0]]:
            return np.asarray(self[tuple(slice(None) for _ in self.shape)][parts])
        (axis,), first = lists, int(where.min())
        bounds = slice(first, int(where.max()) + 1)
        # integers before it drop their axes
        at = axis - sum(isinstance(part, int | np.integer) for part in parts[:axis])
        return np.take(self[(*parts[:axis], bounds, *parts[axis + 1 :])], where - first, at)

    def damage(self) -> Iterator[tuple[int, str]]:
        """First row and reason of every damaged chunk."""
        counts = [ceil(n / block) for n, block in zip(self.shape, self.blocks, strict=True)]
        for place in product(*(range(count) for count in counts)):
            try:
                self[self._chunk(place)]
            except RecordingError as error:
                yield (place[0] * self.blocks[0] if place else 0), str(error)

    def _range(self, part: Any, axis: int) -> range:
        """Indices of the chunks along one axis that a selection touches."""
        size, block = self.shape[axis], self.blocks[axis]
        if isinstance(part, slice):
            touched = range(*part.indices(size))
            if not touched:
                return range(0)
            low, high = sorted((touched[0], touched[-1]))
            return range(low // block, high // block + 1)
        index = int(part) % size if size else 0
        return range(index // block, index // block + 1)

    def _chunk(self, place: tuple[int, ...]) -> tuple[slice, ...]:
        return tuple(slice(i * block, (i + 1) * block) for i, block in zip(place, self.blocks, strict=True))

    def _key(self, place: tuple[int, ...]) -> str:
        encoded = self._array.metadata.encode_chunk_key(place)
        return f"{self._array.path}/{encoded}" if self._array.path else encoded

    def _there(self, place: tuple[int, ...]) -> None:
        key = self._key(place)
        if not sync(self._array.store.exists(key)):
            raise RecordingError(
                f"recording.{self._name}: expected the chunk {key} in {self._store}, got no such file; {REMEDY}"
            )

    def _damaged(self, places: list[range], error: Exception) -> RecordingError:
        """The error, with the first chunk that cannot be read."""
        where = "chunks"
        for place in product(*places):
            try:
                self._array[self._chunk(place)]
            except DAMAGE as found:
                where, error = f"the chunk {self._key(place)}", found
                break
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = "another checksum" if "checksum" in reason else reason
        return RecordingError(
            f"recording.{self._name}: expected {where} in {self._store} as written, got {reason}; {REMEDY}"
        )

    @property
    def _store(self) -> str:
        store = self._array.store
        return str(getattr(store, "root", store))


def lazy_group(
    group: zarr.Group,
    name: str,
    names: list[str],
    *,
    complete: bool,
    at_once: Callable[[str, tuple[str, ...]], bool],
    limit: Mapping[str, int],
) -> xr.Dataset:
    """Arrays of a group as variables of a dataset, without any decoding.

    Args:
        group: the group.
        name: what errors call it.
        names: its arrays, in order.
        complete: see `CheckedArray`.
        at_once: whether a variable, by name and dimensions, is read now; others are lazy, one dask chunk per block of rows.
        limit: rows along a first dimension; all without an entry.
    """
    variables: dict[Hashable, xr.Variable] = {}
    for each, array in arrays(group, names, name).items():
        dims = tuple(str(dim) for dim in array.metadata.dimension_names or ())  # type: ignore[union-attr]
        rows = limit.get(dims[0]) if dims else None
        checked = CheckedArray(array, f"{name}/{each}", complete=complete, rows=rows)
        values = checked[tuple(slice(None) for _ in dims)] if at_once(each, dims) else _lazy(checked)
        variables[each] = xr.Variable(dims, values, dict(array.attrs))
    return xr.Dataset(variables, attrs=dict(group.attrs))


def _lazy(array: CheckedArray) -> Any:
    if not all(array.shape):
        return np.empty(array.shape, array.dtype)
    chunks = (array.blocks[0], *array.shape[1:]) if array.ndim else ()
    # dask reads a part of a chunk alone only of arrays that take lists of positions
    return da.from_array(array, chunks=chunks, name=False, meta=np.empty((0,) * array.ndim, array.dtype))  # type: ignore[no-untyped-call]

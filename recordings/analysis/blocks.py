"""Lazy signals read block by block: what fits into memory at once, along the borders at which they are stored.

Every analysis passes over its signals in this loop, with sums of float64 that are as large as its result. So memory is that of two blocks
and a result whatever the length of a recording, which a graph of tasks does not promise: centring and then reducing one keeps all of it.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import dask
import numpy as np
import xarray as xr
from dask.base import compute
from numpy.typing import NDArray

from ..errors import RecordingError

BLOCK_BYTES = 32 << 20  # of all signals of a block together; stored blocks are smaller, and are read several at a time

PLACES = 32  # from which a mixed block comes, where there are as many stored chunks

Rows = NDArray[np.bool_]
Block = tuple[slice, tuple[NDArray[Any], ...]]


def blocks(*signals: xr.DataArray, rows: Rows | None = None, most_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Rows of some signals, block by block; the next one is read while the caller is at work on this.

    Args:
        signals: of equal length along their first dimension, lazy or not.
        rows: which rows are wanted, (rows,); all by default. Blocks with none of them are not read.
        most_bytes: of one block; a stored chunk is not divided below this.

    Yields:
        which rows of the whole (a slice over *wanted* rows), and the wanted rows of every signal.

    Raises:
        RecordingError: signals of different length, or a damaged one.
    """
    wanted = _wanted(signals, rows)
    groups = [[part] for part in _parts(signals, most_bytes) if wanted[part].any()]
    done = 0
    for found in _ahead(signals, groups, wanted):
        count = len(found[0])
        yield slice(done, done + count), found
        done += count


def mixed_blocks(
    *signals: xr.DataArray, random: np.random.Generator, rows: Rows | None = None, most_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[NDArray[Any], ...]]:
    """The same rows in random order: each block is of stored chunks from random places, and its rows are mixed.

    For what takes mini-batches as samples of the whole: trials of one stimulus often stand beside each other.
    """
    wanted = _wanted(signals, rows)
    # small parts, so that a block comes from as many places as can be
    parts = [part for part in _parts(signals, most_bytes // PLACES) if wanted[part].any()]
    order = random.permutation(len(parts))
    row_bytes = _row_bytes(signals)
    groups: list[list[slice]] = [[]]
    size = 0
    for i in order:
        if groups[-1] and size + (parts[i].stop - parts[i].start) * row_bytes > most_bytes:
            groups.append([])
            size = 0
        groups[-1].append(parts[i])
        size += (parts[i].stop - parts[i].start) * row_bytes
    for found in _ahead(signals, [group for group in groups if group], wanted):
        mixed = random.permutation(len(found[0]))
        yield tuple(values[mixed] for values in found)


def _wanted(signals: Sequence[xr.DataArray], rows: Rows | None) -> Rows:
    length = signals[0].shape[0]
    for signal in signals:
        if signal.shape[0] != length:
            raise RecordingError(
                f"analysis.{signal.name}: expected {length} rows as of {signals[0].name}, got {signal.shape[0]}; "
                "analyse signals of one table together"
            )
    return np.ones(length, bool) if rows is None else np.asarray(rows, bool)


def _ahead(
    signals: Sequence[xr.DataArray], groups: Sequence[Sequence[slice]], wanted: Rows
) -> Iterator[tuple[NDArray[Any], ...]]:
    """The wanted rows of each group of ranges; one group is read while the one before is in use."""
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(_read, signals, groups[0]) if groups else None
        for i, group in enumerate(groups):
            assert following is not None
            found = following.result()
            following = reader.submit(_read, signals, groups[i + 1]) if i + 1 < len(groups) else None
            chosen = np.concatenate([wanted[part] for part in group])
            if not chosen.all():
                found = tuple(values[chosen] for values in found)
            yield found
            del found


def _row_bytes(signals: Sequence[xr.DataArray]) -> int:
    return max(1, sum(signal.nbytes for signal in signals) // max(1, signals[0].shape[0]))


def _parts(signals: Sequence[xr.DataArray], most_bytes: int) -> list[slice]:
    """Ranges of rows: as many stored chunks as fit of the signal that has most bytes, or as many rows of one in memory."""
    length = signals[0].shape[0]
    fitting = max(1, most_bytes // _row_bytes(signals))
    stored = [signal for signal in signals if signal.chunks is not None]
    if not stored:
        edges = [*range(0, length, fitting), length]
    else:
        heaviest = max(stored, key=lambda signal: signal.nbytes)
        borders = np.cumsum(heaviest.chunksizes[heaviest.dims[0]]).tolist()
        edges = [0]
        for border, following in zip(borders, [*borders[1:], None], strict=True):
            if following is None or following - edges[-1] > fitting:
                edges.append(border)
    return [slice(low, high) for low, high in pairwise(edges) if high > low]


def _read(signals: Sequence[xr.DataArray], parts: Sequence[slice]) -> tuple[NDArray[Any], ...]:
    # in this thread: zarr reads and decodes the chunks of a block side by side by itself
    with dask.config.set(scheduler="synchronous"):
        found = compute([[signal.data[part] for part in parts] for signal in signals])[0]  # type: ignore[no-untyped-call]
    return tuple(np.asarray(each[0] if len(each) == 1 else np.concatenate(each)) for each in found)

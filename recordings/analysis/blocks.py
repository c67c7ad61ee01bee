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
    length = signals[0].shape[0]
    for signal in signals:
        if signal.shape[0] != length:
            raise RecordingError(
                f"analysis.{signal.name}: expected {length} rows as of {signals[0].name}, got {signal.shape[0]}; "
                "analyse signals of one table together"
            )
    wanted = np.ones(length, bool) if rows is None else np.asarray(rows, bool)
    parts = [part for part in _parts(signals, most_bytes) if wanted[part].any()]
    done = 0
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(_read, signals, parts[0]) if parts else None
        for i, part in enumerate(parts):
            assert following is not None
            found = following.result()
            following = reader.submit(_read, signals, parts[i + 1]) if i + 1 < len(parts) else None
            chosen = wanted[part]
            if not chosen.all():
                found = tuple(values[chosen] for values in found)
            count = len(found[0])
            yield slice(done, done + count), found
            done += count


def _parts(signals: Sequence[xr.DataArray], most_bytes: int) -> list[slice]:
    """Ranges of rows: several stored chunks of the signal whose chunks are longest, or as many rows as fit of one in memory."""
    length = signals[0].shape[0]
    row_bytes = max(1, sum(signal.nbytes for signal in signals) // max(1, length))
    fitting = max(1, most_bytes // row_bytes)
    stored = [signal.chunksizes[signal.dims[0]] for signal in signals if signal.chunks is not None]
    if not stored:
        edges = [*range(0, length, fitting), length]
    else:
        borders = np.cumsum(min(stored, key=len)).tolist()
        edges = [0]
        for border, following in zip(borders, [*borders[1:], None], strict=True):
            if following is None or following - edges[-1] > fitting:
                edges.append(border)
    return [slice(low, high) for low, high in pairwise(edges) if high > low]


def _read(signals: Sequence[xr.DataArray], part: slice) -> tuple[NDArray[Any], ...]:
    # in this thread: zarr reads and decodes the chunks of a block side by side by itself
    with dask.config.set(scheduler="synchronous"):
        found = compute(*[signal.data[part] for signal in signals])  # type: ignore[no-untyped-call]
        return tuple(np.asarray(values) for values in found)

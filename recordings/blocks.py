"""Blocks of rows on their way to the store, and the one thread that writes them.

A block holds the same rows of every variable of a table. The thread writes all of its variables and only then counts
its rows in the root attribute ``committed``, so a reader that trims to this count never meets a row with a variable
missing, whatever happens to the process.
"""

import queue
import threading
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import zarr
from numpy.typing import NDArray

from .digests import update_attributes
from .errors import RecordingError, unknown_name
from .schema import Table


class Block:
    """Rows ``start`` to ``start + size`` of a table, in memory.

    Args:
        table: the table.
        start: first row, a multiple of the block's rows.
        size: rows of the block; the last block of a table may be shorter.
    """

    def __init__(self, table: Table, start: int, size: int) -> None:
        self.table = table
        self.start = start
        self.size = size
        self.filled = 0
        self.flushed = 0
        self.arrays: dict[str, NDArray[Any]] = {
            variable.name: np.empty((size, *variable.shape), variable.dtype) for variable in table.variables
        }
        self.nbytes = sum(array.nbytes for array in self.arrays.values())

    @property
    def full(self) -> bool:
        """Whether no row is free."""
        return self.filled == self.size

    def take(self, rows: Mapping[str, NDArray[Any]], first: int) -> int:
        """Copy as many of ``rows[first:]`` as fit; returns their number."""
        count = min(self.size - self.filled, len(next(iter(rows.values()))) - first)
        for name, array in self.arrays.items():
            array[self.filled : self.filled + count] = rows[name][first : first + count]
        self.filled += count  # last: an interrupt in between leaves no half-copied row
        return count

    def clear_tail(self) -> None:
        """Put the fill values into the free rows, so that a partial block can be written as a whole."""
        for variable in self.table.variables:
            self.arrays[variable.name][self.filled :] = variable.fill


class BlockThread:
    """The only thread that writes to the store, behind a bounded queue.

    After an exception nothing more is written; later blocks are dropped so that the sender never blocks, and
    :attr:`error` holds the exception with the rows it concerns.

    Args:
        root: root group of the recording.
        committed: rows of each table already committed.
        queue_blocks: blocks that may wait.
    """

    def __init__(self, root: zarr.Group, committed: Mapping[str, int], queue_blocks: int) -> None:
        self.committed = dict(committed)
        self.error: tuple[str, Exception] | None = None
        self.buffered = 0
        self.peak = 0
        self._root = root
        self._landed = dict(committed)
        self._arrays: dict[str, zarr.Array[Any]] = {}
        self._lock = threading.Lock()
        self._queue: queue.Queue[Block | threading.Event | None] = queue.Queue(queue_blocks)
        self._thread = threading.Thread(target=self._run, name="recording-writer", daemon=True)
        self._thread.start()

    def count_bytes(self, nbytes: int) -> None:
        """Add to the bytes held in blocks, waiting ones included."""
        with self._lock:
            self.buffered += nbytes
            self.peak = max(self.peak, self.buffered)

    def send(self, block: Block) -> None:
        """Hand over a block; blocks while the queue is full."""
        self._queue.put(block)

    def drain(self) -> None:
        """Wait until everything sent is written and committed by one attribute, or has failed."""
        done = threading.Event()
        self._queue.put(done)
        done.wait()

    def stop(self) -> None:
        """End the thread after what was sent."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while self._next():
            pass

    def _next(self) -> bool:
        """One item of the queue; a function of its own so that no name keeps a written block alive."""
        item = self._queue.get()
        if item is None:
            return False
        where = f"{item.table.path}[{item.start}:{item.start + item.size}]" if isinstance(item, Block) else "committed"
        try:
            if self.error is None:
                self._handle(item)
        except Exception as error:
            self.error = (where, error)
        finally:
            if isinstance(item, threading.Event):
                item.set()
            elif item.full:
                self.count_bytes(-item.nbytes)
        return True

    def _handle(self, item: Block | threading.Event) -> None:
        if isinstance(item, Block):
            self._write(item)
            self._landed[item.table.path] = item.start + item.filled
            if not item.full:  # a partial block is committed with the others of the same commit, in one attribute
                return
        if self._landed != self.committed:
            update_attributes(self._root, {"committed": dict(self._landed)})
            self.committed = dict(self._landed)

    def _write(self, block: Block) -> None:
        stop = block.start + block.size
        for name, values in block.arrays.items():
            path = f"{block.table.path}/{name}"
            if path not in self._arrays:
                array = cast("zarr.Array[Any]", self._root[path])
                # also where all values are fill values: a chunk of committed rows that is not there is a damaged one
                self._arrays[path] = array.with_config({"write_empty_chunks": True})
            self._arrays[path][block.start : stop] = values


def checked_rows(table: Table, rows: Mapping[str, Any], present: int) -> tuple[dict[str, NDArray[Any]], int]:
    """The rows as arrays with their number, checked against the table, which has ``present`` rows already.

    Raises:
        RecordingError: a name is missing or unknown, a shape or data type does not fit, or the table is full.
    """
    names = {variable.name for variable in table.variables}
    for name in rows:
        if name not in names:
            raise unknown_name(f"{table.path}.variable", name, names)
    arrays: dict[str, NDArray[Any]] = {}
    count = -1
    for variable in table.variables:
        where = f"{table.path}.{variable.name}"
        if variable.name not in rows:
            raise RecordingError(f"{where}: expected rows of every variable, got none of this one; append it too")
        array = np.asarray(rows[variable.name])
        count = len(array) if count < 0 and array.ndim else count
        if array.shape != (count, *variable.shape):
            expected = ("rows", *variable.shape) if count < 0 else (count, *variable.shape)
            raise RecordingError(f"{where}: expected shape {expected}, got {array.shape}; one row per {table.dim}")
        if not np.can_cast(array.dtype, variable.dtype, "safe"):
            raise RecordingError(
                f"{where}: expected {variable.dtype}, got {array.dtype}; cast it before appending, so that no value is "
                "changed unseen"
            )
        arrays[variable.name] = array
    if present + count > table.length:
        raise RecordingError(
            f"{table.path}.{table.dim}: expected at most {table.length} rows, got {present + count}; "
            "create the recording with more rows"
        )
    return arrays, count

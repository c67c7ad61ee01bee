"""Writing a recording while a simulation runs: bounded memory, one writer thread, consistent at every moment."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast

import zarr
from numpy.typing import NDArray

from .blocks import Block, BlockThread, checked_rows
from .checked import CheckedArray
from .digests import SINCE, update_attributes
from .errors import RecordingError, unknown_name
from .layout import StoreLike
from .schema import Table
from .stores import Tables, create_store, refusing, resume_store, store_name

STATUSES = ("complete", "failed", "interrupted", "diverged")


class Writer:
    """Appends rows to the tables of one recording.

    Rows are copied into one block per table. A full block goes through a bounded queue to the writer thread, which
    writes whole shards and then counts the rows in the root attribute ``committed``. Killing the process loses what was
    appended after the last commit and nothing else. Make one with :meth:`create` or :meth:`resume`, and use it as a
    context manager: the status becomes ``complete``, ``interrupted`` (Ctrl+C, ``SystemExit``) or ``failed``.

    One process and one thread append to a recording; several processes gather their rows in one of them.

    Attributes:
        tables: the tables by path.
        waited: seconds the caller has spent waiting for the writer thread.
        ceiling_bytes: the most bytes that blocks can hold together, whatever the number of rows.
    """

    def __init__(
        self, name: str, root: zarr.Group, tables: Tables, cursor: Mapping[str, int], queue_blocks: int
    ) -> None:
        self.tables: dict[str, Table] = {path: table for path, (table, _) in tables.items()}
        self.waited = 0.0
        self._name = name
        self._root = root
        self._block_rows = {path: rows for path, (_, rows) in tables.items()}
        self._appended = {path: int(cursor[path]) for path in tables}
        self._blocks: dict[str, Block] = {}
        self._closed = False
        sizes = [min(rows, table.length) * table.row_bytes for table, rows in tables.values()]
        self.ceiling_bytes = sum(sizes) + (queue_blocks + 1) * max(sizes)
        self._thread = BlockThread(root, self._appended, queue_blocks)

    @classmethod
    def create(
        cls,
        store: StoreLike,
        tables: Iterable[Table],
        *,
        attributes: Mapping[str, Any],
        queue_blocks: int = 4,
        block_bytes: int = 8 << 20,
    ) -> Self:
        """Create a recording and open it for appending.

        Args:
            store: path of the new store, or any zarr store.
            tables: the tables, allocated in full.
            attributes: root attributes (JSON values), e.g. ``config``, ``seeds``, ``versions``.
            queue_blocks: blocks that may wait for the writer thread.
            block_bytes: most bytes of the block of one table.

        Raises:
            RecordingError: the store exists, cannot be written, or a table or attribute is malformed.
        """
        _check_queue(queue_blocks)
        root, made = create_store(store, tables, attributes, block_bytes)
        return cls(store_name(store), root, made, dict.fromkeys(made, 0), queue_blocks)

    @classmethod
    def resume(
        cls,
        store: StoreLike,
        cursor: Mapping[str, int],
        *,
        part: Mapping[str, Any] | None = None,
        lengths: Mapping[str, int] | None = None,
        attributes: Mapping[str, Any] | None = None,
        queue_blocks: int = 4,
    ) -> Self:
        """Continue a recording at the rows a checkpoint names; later rows are discarded.

        Args:
            store: path of the recording, or its zarr store.
            cursor: table path to number of rows, as returned by :meth:`commit`.
            part: what the part of the run that begins here is made by (JSON values), e.g. ``step``, ``command``, ``device``;
                added to the root attribute ``resumed``.
            lengths: rows that tables shall have room for from now on, by path; None for those that they have.
            attributes: root attributes that are others from now on, such as ``config``.
            queue_blocks: blocks that may wait for the writer thread.

        Raises:
            RecordingError: no such recording, or the cursor does not name its tables or lies beyond their rows.
        """
        _check_queue(queue_blocks)
        root, tables = resume_store(store, cursor, part or {}, lengths or {}, attributes or {})
        writer = cls(store_name(store), root, tables, cursor, queue_blocks)
        with refusing(store, "readable rows before the cursor", "resume from an older checkpoint"):
            for path in tables:
                writer._reload(path)
        return writer

    def append(self, table: str, rows: Mapping[str, NDArray[Any]]) -> None:
        """Append rows to a table; they are copied, the arrays may be reused.

        Args:
            table: path of the table.
            rows: every variable of the table, (rows, ...), of its data type or one that casts to it safely.

        Raises:
            RecordingError: names, shapes or data types do not fit, the table is full, the writer is closed, or its
                thread has failed.
        """
        self._check()
        if table not in self.tables:
            raise unknown_name("recording.table", table, self.tables)
        arrays, count = checked_rows(self.tables[table], rows, self._appended[table])
        done = 0
        while done < count:
            block = self._block(table)
            taken = block.take(arrays, done)
            done += taken
            self._appended[table] += taken
            if block.full:
                self._send(block)
                del self._blocks[table]

    def commit(self) -> dict[str, int]:
        """Write everything appended so far and make it visible at once.

        Returns:
            The cursor: rows by table path.

        Raises:
            RecordingError: the writer is closed, or its thread has failed.
        """
        self._check()
        changed = [block for block in self._blocks.values() if block.filled != block.flushed]
        for block in changed:
            block.clear_tail()
            self._send(block)
        begun = time.perf_counter()
        self._thread.drain()
        self.waited += time.perf_counter() - begun
        self._check()
        for block in changed:
            block.flushed = block.filled
        return dict(self._thread.committed)

    def close(self, status: str = "complete") -> None:
        """Commit, write the status and end the writer thread; a second call does nothing.

        Args:
            status: ``"complete"``, ``"failed"``, ``"interrupted"`` or ``"diverged"``.

        Raises:
            RecordingError: the status is unknown, or the writer thread has failed (the status is then ``"failed"``
                where it can still be written).
        """
        if status not in STATUSES:
            raise unknown_name("recording.status", status, STATUSES)
        if self._closed:
            return
        try:
            self.commit()
            update_attributes(self._root, {"status": status})
        except RecordingError:
            with suppress(OSError):
                update_attributes(self._root, {"status": "failed"})
            raise
        except OSError as error:
            raise self._failure("the status", error) from error
        finally:
            self._closed = True
            self._thread.stop()

    @property
    def peak_bytes(self) -> int:
        """The most bytes that blocks have held together so far."""
        return self._thread.peak

    def _block(self, path: str) -> Block:
        """The block that takes the next row of a table."""
        if path not in self._blocks:
            start = self._appended[path]
            block = Block(self.tables[path], start, min(self._block_rows[path], self.tables[path].length - start))
            self._thread.count_bytes(block.nbytes)
            self._blocks[path] = block
        return self._blocks[path]

    def _reload(self, path: str) -> None:
        """Take the rows of a partly filled block back into memory, so that it can be written as a whole."""
        stop = self._appended[path]
        start = stop - stop % self._block_rows[path]
        if start == stop:
            return
        self._appended[path] = start
        block = self._block(path)
        complete = cast(int, self._root.attrs["schema_version"]) >= SINCE
        rows = {}
        for name in block.arrays:
            array = cast("zarr.Array[Any]", self._root[f"{path}/{name}"])
            checked = CheckedArray(array, f"{path}/{name}", complete=complete)
            rows[name] = checked[(slice(start, stop), *(slice(None) for _ in array.shape[1:]))]
        self._appended[path] += block.take(rows, 0)
        if block.full:  # the short last block of a table
            self._send(block)
            del self._blocks[path]

    def _send(self, block: Block) -> None:
        begun = time.perf_counter()
        self._thread.send(block)
        self.waited += time.perf_counter() - begun

    def _check(self) -> None:
        if self._thread.error is not None:
            where, error = self._thread.error
            raise self._failure(where, error) from error
        if self._closed:
            raise RecordingError(
                f"recording.writer: expected an open writer, got a closed one of {self._name}; resume it"
            )

    def _failure(self, where: str, error: Exception) -> RecordingError:
        return RecordingError(
            f"recording.{where}: expected to be written to {self._name}, got {error}; free or check the disk and "
            "resume from the last checkpoint (committed rows are safe)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close("interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "failed")
        except RecordingError as second:
            if str(second) != str(error):
                error.add_note(str(second))


def _check_queue(queue_blocks: int) -> None:
    if queue_blocks < 1:
        raise RecordingError(f"recording.queue_blocks: expected at least 1, got {queue_blocks}; use the default of 4")

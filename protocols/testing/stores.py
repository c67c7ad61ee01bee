"""The battery for stores: any zarr store in which a recording is to be written, read while it grows, and resumed."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import WrapperStore

from ...recordings import RecordingError, Table, Variable, Writer
from ...recordings import open as open_recording
from .findings import Broken, Finding, run

ROWS, UNITS = 40, 1100  # more units than a chunk is wide: a block is a shard of several chunks
BLOCK = 8 * (8 + 4 * UNITS + 8)  # bytes: blocks of 8 rows
TABLES = ("activity/conv1", "activity/conv2")
FOUNDATIONS = ("test_keeps_what_is_written",)


class StoreTests:
    """What Apical asks of a zarr store. Subclass it in a test file of your own:

    >>> from zarr.storage import MemoryStore
    >>> from apical.testing import StoreTests
    >>> class TestMine(StoreTests):
    ...     def make(self):
    ...         return MemoryStore()

    `check_store(make)` runs it without a test runner. A store that keeps nothing beyond its object overrides nothing else; one that does
    gives, by `again`, another object of the same content.
    """

    def make(self) -> Store:
        """A new, empty store."""
        raise NotImplementedError("StoreTests.make: expected a method that returns a new, empty zarr store; write it")

    def again(self, store: Store) -> Store:
        """Another object of the same content, as a second process would make it; the same one where there is no other."""
        return store

    def test_keeps_what_is_written(self) -> None:
        """A key gives the bytes that were set, also those set last, and nothing once it is deleted."""
        store = self.make()
        for content in (b"first", b"the second, longer one", b""):
            _set(store, "a/b", content)
            _same(_get(self.again(store), "a/b"), content, "the bytes that were set last")
        _same(_get(store, "a/c"), None, "nothing under a key that was never set")
        sync(store.delete("a/b"))
        _same(_get(self.again(store), "a/b"), None, "nothing under a key that was deleted")
        if sync(store.exists("a/b")):
            raise Broken("exists to be false of a deleted key", "true", "ask what get asks")

    def test_reads_parts(self) -> None:
        """Byte ranges, offsets and suffixes: one unit of a shard is read without the rest of it."""
        store, content = self.make(), bytes(range(256))
        _set(store, "shard", content)
        for asked, wanted in (
            (RangeByteRequest(3, 40), content[3:40]),
            (OffsetByteRequest(200), content[200:]),
            (SuffixByteRequest(9), content[-9:]),
        ):
            _same(_get(store, "shard", asked), wanted, f"the bytes of {asked}")

    def test_lists(self) -> None:
        """`list`, `list_prefix` and `list_dir` name every key, and no deleted one: groups and tables are found by them."""
        store = self.make()
        if not store.supports_listing:
            raise Broken("a store that lists its keys", "supports_listing = False", "tables are found by listing")
        keys = ["zarr.json", "a/zarr.json", "a/x/c/0", "a/x/c/1", "ab/zarr.json"]
        for key in [*keys, "a/gone"]:
            _set(store, key, b"1")
        sync(store.delete("a/gone"))
        there = self.again(store)
        _listed(_all(there.list()), keys, "list()")
        _listed(_all(there.list_prefix("a/")), [k for k in keys if k.startswith("a/")], "list_prefix('a/')")
        _listed(_all(there.list_dir("")), ["zarr.json", "a", "ab"], "list_dir('')")
        _listed(_all(there.list_dir("a")), ["zarr.json", "x"], "list_dir('a')")

    def test_a_recording_is_read_as_written(self) -> None:
        """Rows of two tables come back in value, dtype and order, also those of a block that was never full."""
        store = self.make()
        with _writer(store) as writer:
            for start in range(0, 30, 5):
                writer.append(TABLES[0], rows(start, start + 5))
            writer.append(TABLES[1], rows(0, 3))
        recording = open_recording(self.again(store))
        _table(recording, TABLES[0], 0, 30)
        _table(recording, TABLES[1], 0, 3)
        if recording.attrs["status"] != "complete":
            raise Broken(
                "the status complete", repr(recording.attrs["status"]), "keep what was set last under zarr.json"
            )

    def test_commits_are_seen_while_it_grows(self) -> None:
        """A reader sees all rows of a commit and none beyond, while the writer goes on."""
        store = self.make()
        with _writer(store) as writer:
            writer.append(TABLES[0], rows(0, 5))
            _table(open_recording(self.again(store)), TABLES[0], 0, 0)
            writer.commit()
            _table(open_recording(self.again(store)), TABLES[0], 0, 5)
            writer.append(TABLES[0], rows(5, 13))
            writer.commit()
            _table(open_recording(self.again(store)), TABLES[0], 0, 13)

    def test_resumes_at_a_cursor(self) -> None:
        """After rows that no checkpoint knows, a resumed recording holds what an uninterrupted one does."""
        store = self.make()
        first = _writer(store)
        first.append(TABLES[0], rows(0, 13))
        cursor = first.commit()
        first.append(TABLES[0], {name: values + 1 for name, values in rows(13, 35).items()})
        first.close("interrupted")
        with Writer.resume(self.again(store), cursor) as second:
            _table(open_recording(self.again(store)), TABLES[0], 0, 13)
            second.append(TABLES[0], rows(13, 20))
        _table(open_recording(self.again(store)), TABLES[0], 0, 20)

    def test_reads_lazily(self) -> None:
        """Opening reads no rows, and one unit is read without all others: recordings are larger than memory."""
        store = self.make()
        with _writer(store) as writer:
            writer.append(TABLES[0], rows(0, 30))
        watched = Watched(self.again(store))
        table = open_recording(watched)[TABLES[0]].to_dataset()
        early = [key for key in watched.bytes if "/rate/c/" in key]
        if early:
            raise Broken("no rows read when a recording is opened", early[0], "fetch no content in list or exists")
        one = _read(watched, lambda: table["rate"].isel(unit=0).values)
        whole = _read(watched, lambda: table["rate"].values)
        if not one < 0.6 * whole:
            raise Broken(
                "one unit of 1100 read by a part of every shard",
                f"{one} of {whole} bytes",
                "give the byte range that is asked for",
            )

    def test_damage_is_noticed(self) -> None:
        """A byte that changed is refused when its rows are read: the store hands on what it holds, repaired or cached nothing."""
        store = self.make()
        with _writer(store) as writer:
            writer.append(TABLES[0], rows(0, 30))
        key = sorted(key for key in _all(store.list()) if key.startswith(f"{TABLES[0]}/rate/c/"))[0]
        content = bytearray(cast(bytes, _get(store, key)))
        content[0] ^= 0xFF
        _set(store, key, bytes(content))
        try:
            open_recording(self.again(store))[TABLES[0]].to_dataset()["rate"].values.sum()
        except RecordingError:
            return
        raise Broken("damaged rows to be refused", "numbers", "give back the bytes that were set last, from no cache")

    def test_an_existing_recording_is_refused(self) -> None:
        """A second recording in the same place is refused, and the first stays."""
        store = self.make()
        with _writer(store) as writer:
            writer.append(TABLES[0], rows(0, 9))
        try:
            _writer(self.again(store)).close()
        except RecordingError:
            _table(open_recording(self.again(store)), TABLES[0], 0, 9)
            return
        raise Broken("an existing recording to be refused", "a new one over it", "list and find what was set before")


class Watched(WrapperStore[Store]):
    """A store that notes how many bytes it gives of each key."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.bytes: dict[str, int] = {}

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """See `Store`."""
        found = await self._store.get(key, prototype, byte_range)
        self.bytes[key] = self.bytes.get(key, 0) + (0 if found is None else len(found))
        return found

    def with_read_only(self, read_only: bool = False) -> "Watched":
        """The same list for a read-only view."""
        view = Watched(self._store.with_read_only(read_only))
        view.bytes = self.bytes
        return view


def _read(store: Watched, read: Callable[[], Any]) -> int:
    """Bytes of the rates that were given while something was read."""
    store.bytes.clear()
    read()
    return sum(size for key, size in store.bytes.items() if "/rate/c/" in key)


def rows(start: int, stop: int) -> dict[str, NDArray[Any]]:
    """Rows whose every value follows from their number."""
    step = np.arange(start, stop)
    rate = (step[:, None] * UNITS + np.arange(UNITS)).astype(np.float32)
    return {"step": step, "rate": rate, "score": step / 4}


def _writer(store: Store) -> Writer:
    variables = (
        Variable(name="step", dtype="int64", long_name="step", coordinate=True),
        Variable(name="rate", dims=("unit",), shape=(UNITS,), long_name="rate"),
        Variable(name="score", dtype="float64", long_name="score"),
    )
    tables = [Table(path=path, dim="trial", length=ROWS, variables=variables) for path in TABLES]
    return Writer.create(store, tables, attributes={"config": {"seed": 1}}, block_bytes=BLOCK)


def _table(recording: Any, path: str, start: int, stop: int) -> None:
    """Refuse a table that does not hold these rows."""
    table = recording[path].to_dataset()
    for name, values in rows(start, stop).items():
        found = table[name]
        if found.shape != values.shape:
            raise Broken(f"{stop - start} rows of {name} in {path}", f"{found.shape[0]}", "give back what was set last")
        if found.dtype != values.dtype or not np.array_equal(found.values, values):
            raise Broken(
                f"the rows of {name} in {path} as they were written", "others", "give back the bytes that were set"
            )


def _set(store: Store, key: str, content: bytes) -> None:
    sync(store.set(key, default_buffer_prototype().buffer.from_bytes(content)))


def _get(store: Store, key: str, byte_range: Any = None) -> bytes | None:
    found = sync(store.get(key, default_buffer_prototype(), byte_range))
    return None if found is None else found.to_bytes()


def _all(keys: Any) -> list[str]:
    async def gather() -> list[str]:
        return [key async for key in keys]

    return sync(gather())


def _same(found: bytes | None, wanted: bytes | None, what: str) -> None:
    if found != wanted:
        raise Broken(what, _told(found), f"give {_told(wanted)}")


def _told(content: bytes | None) -> str:
    return "nothing" if content is None else f"{len(content)} bytes, {content[:12]!r}"


def _listed(found: list[str], wanted: list[str], what: str) -> None:
    missing, more = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or more or len(set(found)) != len(found):
        got = f"none of {missing[0]}" if missing else f"{more[0]} too" if more else "one twice"
        raise Broken(f"{', '.join(wanted)} from {what}", got, "name every key once, by its whole path but in list_dir")


def check_store(make: Callable[[], Store], again: Callable[[Store], Store] = lambda store: store) -> list[Finding]:
    """Run the battery on a kind of store, without a test runner.

    >>> from zarr.storage import MemoryStore
    >>> from apical.testing import check_store
    >>> check_store(MemoryStore)
    []

    Args:
        make: gives a new, empty store at every call.
        again: gives another object of the same content.

    Returns:
        What is broken: name of the check, what was expected, what was got, remedy; empty where nothing is.
    """
    made = {"make": lambda self: make(), "again": lambda self, store: again(store)}
    return run(type("Asked", (StoreTests,), made), FOUNDATIONS)

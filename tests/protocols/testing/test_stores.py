"""Stores that are right pass the battery, and planted faults are found by name."""

import pytest
from apical.testing import StoreTests, check_store
from zarr.storage import LocalStore, MemoryStore, WrapperStore


class TestMemory(StoreTests):
    """As a user subclasses it."""

    def make(self):
        return MemoryStore()


def test_folders_pass_and_are_opened_anew(tmp_path):
    made = iter(range(100))
    assert check_store(lambda: LocalStore(tmp_path / str(next(made))), lambda store: LocalStore(store.root)) == []


class Wrapped(WrapperStore):
    def __init__(self, store=None):
        super().__init__(MemoryStore() if store is None else store)


class Whole(Wrapped):
    """Gives a whole key whatever part is asked for."""

    async def get(self, key, prototype, byte_range=None):
        return await self._store.get(key, prototype)


class Short(Wrapped):
    """Loses the last byte."""

    async def set(self, key, value):
        await self._store.set(key, value[:-1])


class Undying(Wrapped):
    """Deletes nothing."""

    async def delete(self, key):
        pass


class Shallow(Wrapped):
    """Lists directories as if they were files below the root alone."""

    async def list_dir(self, prefix):
        async for key in self._store.list_dir(prefix):
            if prefix == "" or "." in key:
                yield key


class Caching(Wrapped):
    """Remembers the first content of every chunk."""

    def __init__(self, store=None):
        super().__init__(store)
        self.first = {}

    async def set(self, key, value):
        if "/c/" not in key or key not in self.first:
            self.first[key] = value
        await self._store.set(key, self.first[key])


@pytest.mark.parametrize(("kind", "named"), [
    (Whole, {"test_reads_parts", "test_reads_lazily"}),
    (Short, {"test_keeps_what_is_written"}),
    (Undying, {"test_keeps_what_is_written"}),
    (Shallow, {"test_lists"}),
    (Caching, {"test_damage_is_noticed"}),
])  # fmt: skip
def test_a_planted_fault_is_found_by_name(kind, named):
    found = {finding.check for finding in check_store(kind)}
    assert named <= found, found


def test_a_store_that_is_not_made_is_told():
    findings = check_store(StoreTests().make)
    assert [f.check for f in findings] == ["test_keeps_what_is_written"]
    assert "expected a method that returns a new, empty zarr store" in findings[0].got

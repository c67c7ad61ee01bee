"""Root attributes and their checksum change together."""

import pytest
import zarr
from apical.recordings import Writer
from zarr.storage import LocalStore, WrapperStore


class Counting(WrapperStore[LocalStore]):
    """A store that keeps what was written to the root's metadata."""

    written = 0

    async def set(self, key, value, *args, **kwargs):
        self.written += key == "zarr.json"
        await super().set(key, value, *args, **kwargs)


@pytest.mark.parametrize("change", ["commit", "close"])
def test_a_kill_cannot_fall_between_attributes_and_their_checksum(store, counted_table, counted_rows, change):
    disk = Counting(LocalStore(store))
    writer = Writer.create(disk, [counted_table("a")], attributes={"about": 1})
    assert disk.written == 2  # an empty group, then all of its attributes at once
    writer.append("a", counted_rows(0, 2))
    disk.written = 0
    getattr(writer, change)()
    assert disk.written == (1 if change == "commit" else 2)  # the rows, the status
    writer.close()
    assert zarr.open_group(str(store), mode="r").attrs["committed"] == {"a": 2}

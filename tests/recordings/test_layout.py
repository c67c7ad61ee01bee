import math

import numpy as np
import pytest
import zarr
from apical.recordings import RecordingError, Table, Variable
from apical.recordings.layout import block_rows, create_table, json_values, read_table, root_attributes


def wide_table(units, length=5000, dtype="float32"):
    variables = (
        Variable(name="step", dtype="int64", long_name="step", coordinate=True),
        Variable(
            name="rate", dims=("unit",), shape=(units,), dtype=dtype, long_name="rate", attributes={"symbol": "z"}
        ),
    )
    return Table(path="activity/a", dim="trial", length=length, variables=variables)


@pytest.mark.parametrize("units", [1, 64, 700, 4096, 100_000])
@pytest.mark.parametrize("block_bytes", [1, 10_000, 8 << 20])
def test_shards_are_blocks_of_whole_chunks(units, block_bytes):
    table = wide_table(units)
    rows = block_rows(table, block_bytes)
    assert rows & (rows - 1) == 0
    assert 1 <= rows <= 4096
    assert rows == 1 or rows * table.row_bytes <= block_bytes
    root = zarr.open_group(zarr.storage.MemoryStore())
    create_table(root, table, block_bytes)
    for name, array in root["activity/a"].arrays():
        block = array.shards or array.chunks
        assert block[0] == rows, name
        assert math.prod(array.chunks) * array.dtype.itemsize <= 512 << 10
        assert all(size % chunk == 0 for size, chunk in zip(block, array.chunks, strict=True))
        assert array.shape[0] == table.length


def test_a_block_is_no_longer_than_the_table_needs():
    assert block_rows(wide_table(1, length=5), 8 << 20) == 8
    assert block_rows(wide_table(1, length=1), 8 << 20) == 1


def test_a_table_is_read_back_as_it_was_created():
    table = wide_table(700, dtype="float16")
    root = zarr.open_group(zarr.storage.MemoryStore())
    create_table(root, table, 100_000)
    read, rows = read_table(root, "activity/a")
    assert read == table
    assert rows == block_rows(table, 100_000)


def test_attributes_without_a_json_form_are_refused():
    with pytest.raises(RecordingError, match=r"recording\.attributes: expected JSON values"):
        json_values({"config": np.float32(1)}, "recording")


def test_a_foreign_group_is_no_recording():
    root = zarr.open_group(zarr.storage.MemoryStore())
    with pytest.raises(RecordingError, match=r"here: expected a recording"):
        root_attributes(root, "here")
    root.attrs.update({"schema": "apical", "schema_version": "two", "committed": {}})
    with pytest.raises(RecordingError, match=r"schema_version: expected <= 3, got two; update apical"):
        root_attributes(root, "here")

import threading

import numpy as np
import pytest
import zarr
from apical.recordings import RecordingError
from apical.recordings.blocks import Block, BlockThread, checked_rows
from apical.recordings.layout import create_table


def test_a_block_takes_what_fits_and_clears_the_rest(counted_table, counted_rows):
    block = Block(counted_table(), 8, 4)
    rows = counted_rows(8, 14)
    assert block.take(rows, 0) == 4
    assert block.full
    assert block.take(rows, 4) == 0
    np.testing.assert_array_equal(block.arrays["step"], [8, 9, 10, 11])
    partial = Block(counted_table(), 0, 4)
    partial.take(counted_rows(0, 1), 0)
    partial.clear_tail()
    np.testing.assert_array_equal(partial.arrays["step"], [0, -1, -1, -1])
    assert np.isnan(partial.arrays["rate"][1:]).all()


def test_a_full_block_is_committed_and_its_memory_given_back(counted_table, counted_rows):
    root = zarr.open_group(zarr.storage.MemoryStore())
    create_table(root, counted_table(), 100)
    root.attrs["schema_version"] = 1
    others = set(threading.enumerate())
    thread = BlockThread(root, {"activity/conv1": 0}, 2)
    block = Block(counted_table(), 0, 2)
    thread.count_bytes(block.nbytes)
    block.take(counted_rows(0, 2), 0)
    thread.send(block)
    thread.drain()
    assert root.attrs["committed"] == {"activity/conv1": 2}
    assert thread.buffered == 0
    assert thread.peak == block.nbytes == 2 * (8 + 12 + 8)
    thread.stop()
    assert "recording-writer" not in [alive.name for alive in set(threading.enumerate()) - others]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stepp": np.arange(2)}, r"variable: expected one of rate, score, step, got 'stepp'; did you mean 'step'"),
        ({"rate": None}, r"rate: expected rows of every variable, got none"),
        ({"rate": np.zeros((2, 4), "f4")}, r"rate: expected shape \(2, 3\), got \(2, 4\)"),
        ({"rate": np.zeros((3, 3), "f4")}, r"rate: expected shape \(2, 3\), got \(3, 3\)"),
        ({"step": np.int64(3)}, r"step: expected shape \('rows',\), got \(\)"),
        ({"rate": np.zeros((2, 3))}, r"rate: expected float32, got float64; cast it"),
        ({"step": np.zeros(2)}, r"step: expected int64, got float64"),
        ({"score": np.array(["a", "b"])}, r"score: expected float64, got <U1"),
    ],
)
def test_rows_that_do_not_fit_are_refused(counted_table, counted_rows, change, message):
    rows = {**counted_rows(0, 2), **change}
    rows = {name: values for name, values in rows.items() if values is not None}
    with pytest.raises(RecordingError, match=message):
        checked_rows(counted_table(), rows, 0)


def test_narrower_types_are_taken(counted_table, counted_rows):
    rows = {**counted_rows(0, 2), "step": np.arange(2, dtype="int8"), "rate": np.zeros((2, 3), "float16")}
    assert checked_rows(counted_table(), rows, 0)[1] == 2


def test_a_full_table_is_refused(counted_table, counted_rows):
    with pytest.raises(RecordingError, match=r"trial: expected at most 40 rows, got 41"):
        checked_rows(counted_table(), counted_rows(0, 2), 39)

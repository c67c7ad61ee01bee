"""Reading block by block: each wanted row once, in order, along stored borders."""

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis.blocks import blocks, mixed_blocks
from hypothesis import given
from hypothesis import strategies as st

from .signals import signal


@given(
    rows=st.integers(1, 60),
    chunk=st.one_of(st.none(), st.integers(1, 20)),
    most=st.integers(1, 2000),
    seed=st.integers(0, 99),
)
def test_every_wanted_row_comes_once_and_in_order(rows, chunk, most, seed):
    values = np.arange(rows * 3.0).reshape(rows, 3)
    wanted = np.random.default_rng(seed).random(rows) < 0.6
    parts = list(blocks(signal(values, chunk), rows=wanted, most_bytes=most))
    found = np.concatenate([part[0] for _, part in parts]) if parts else np.empty((0, 3))
    assert np.array_equal(found, values[wanted])
    places = np.concatenate([np.arange(wanted.sum())[where] for where, _ in parts]) if parts else np.empty(0)
    assert np.array_equal(places, np.arange(wanted.sum()))


def test_borders_are_those_of_stored_chunks_and_blocks_are_no_larger():
    parts = list(blocks(signal(np.zeros((100, 4)), 10), most_bytes=35 * 32))
    assert [len(part[0]) for _, part in parts] == [30, 30, 30, 10]


def test_a_block_without_a_wanted_row_is_not_read():
    class Guarded:
        shape, ndim, dtype = (100, 2), 2, np.dtype("float64")

        def __getitem__(self, key):
            assert key[0].start >= 90, "read"
            return np.ones((100, 2))[key]

    import dask.array as da

    lazy = signal(np.ones((100, 2))).copy(data=da.from_array(Guarded(), chunks=(10, 2), meta=np.empty((0, 0))))
    (where, (found,)), *rest = blocks(lazy, rows=np.arange(100) >= 95, most_bytes=160)
    assert (where, found.shape, rest) == (slice(0, 5), (5, 2), [])


def test_signals_of_different_length_are_refused():
    with pytest.raises(RecordingError, match=r"analysis\.rate: expected 3 rows as of rate, got 4"):
        list(blocks(signal(np.zeros((3, 1))), signal(np.zeros((4, 1)))))


@given(rows=st.integers(1, 60), chunk=st.integers(1, 20), most=st.integers(1, 2000), seed=st.integers(0, 99))
def test_mixed_blocks_hold_every_wanted_row_once_and_signals_together(rows, chunk, most, seed):
    random = np.random.default_rng(seed)
    values, wanted = np.arange(rows * 2.0).reshape(rows, 2), random.random(rows) < 0.7
    other = signal(-values[:, :1], rows)  # stored in other chunks
    parts = list(mixed_blocks(signal(values, chunk), other, rows=wanted, random=random, most_bytes=most))
    found = np.concatenate([first for first, _ in parts]) if parts else np.empty((0, 2))
    assert np.array_equal(found[np.argsort(found[:, 0])], values[wanted])
    for first, second in parts:
        assert np.array_equal(first[:, :1], -second)


def test_a_mixed_block_comes_from_many_places():
    first, *_ = mixed_blocks(signal(np.arange(10000.0)[:, None], 10), random=np.random.default_rng(0), most_bytes=8000)
    assert 900 < len(first[0]) <= 1000
    assert len(np.unique(first[0] // 250)) > 12

import numpy as np
import pytest
import xarray as xr
import zarr
from apical.recordings import RecordingError, Writer, open
from apical.recordings.stores import store_name
from hypothesis import given, settings
from hypothesis import strategies as st

SMALL = {"attributes": {"config": {"seed": 1}}, "block_bytes": 8 * 28}  # blocks of 8 rows


def test_round_trip(store, counted_table, counted_rows):
    with Writer.create(store, [counted_table()], **SMALL) as writer:
        for start in range(0, 40, 5):
            writer.append("activity/conv1", counted_rows(start, start + 5))
    recording = open(store)
    table = recording["activity/conv1"].to_dataset()
    for name, values in counted_rows(0, 40).items():
        np.testing.assert_array_equal(table[name].values, values)
        assert table[name].dtype == values.dtype
    assert "step" in table.coords
    assert table["rate"].attrs["units"] == "Hz"
    assert recording.attrs["status"] == "complete"
    assert recording.attrs["config"] == {"seed": 1}


def test_the_callers_arrays_may_be_reused(store, counted_table, counted_rows):
    rows = counted_rows(0, 3)
    with Writer.create(store, [counted_table()], **SMALL) as writer:
        writer.append("activity/conv1", rows)
        rows["rate"][:] = -5
    np.testing.assert_array_equal(open(store)["activity/conv1/rate"], counted_rows(0, 3)["rate"])


def test_nothing_is_visible_before_a_block_is_full_and_everything_after_a_commit(store, counted_table, counted_rows):
    with Writer.create(store, [counted_table(), counted_table("activity/conv2")], **SMALL) as writer:
        writer.append("activity/conv1", counted_rows(0, 7))
        assert open(store)["activity/conv1"].sizes["trial"] == 0
        assert writer.commit() == {"activity/conv1": 7, "activity/conv2": 0}
        assert open(store)["activity/conv1"].sizes["trial"] == 7
        writer.append("activity/conv1", counted_rows(7, 20))
        writer.append("activity/conv2", counted_rows(0, 3))
        writer._thread.drain()
        assert open(store).attrs["committed"] == {"activity/conv1": 16, "activity/conv2": 0}
        assert writer.commit() == {"activity/conv1": 20, "activity/conv2": 3}
        np.testing.assert_array_equal(open(store)["activity/conv1/step"], np.arange(20))


def test_plain_xarray_opens_at_any_moment(store, counted_table, counted_rows):
    with Writer.create(store, [counted_table()], **SMALL) as writer:
        for rows in (3, 11):
            writer.append("activity/conv1", counted_rows(0, rows))
            writer.commit()
            plain = xr.open_zarr(store, group="activity/conv1", consolidated=False)
            assert plain["rate"].shape == (40, 3)
        assert xr.open_zarr(store, consolidated=False).attrs["schema"] == "apical"


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.sampled_from(["a", "b/c"]), st.integers(0, 21), st.booleans()), max_size=8),
    block=st.integers(1, 12),
)
def test_any_appends_and_commits_are_kept_in_order(counted_table, counted_rows, sizes, block):
    store = zarr.storage.MemoryStore()
    present = {"a": 0, "b/c": 0}
    tables = [counted_table(path, length=200) for path in present]
    with Writer.create(store, tables, attributes={}, queue_blocks=1, block_bytes=28 * block) as writer:
        for path, rows, commit in sizes:
            writer.append(path, counted_rows(present[path], present[path] + rows))
            present[path] += rows
            if commit:
                assert writer.commit() == present
        assert writer.peak_bytes <= writer.ceiling_bytes
    recording = open(store)
    for path, rows in present.items():
        table = recording[path].to_dataset()
        for name, values in counted_rows(0, rows).items():
            np.testing.assert_array_equal(table[name].values, values)


@settings(max_examples=20, deadline=None)
@given(total=st.integers(1, 40), cut=st.integers(0, 40), lost=st.integers(0, 40), block=st.integers(1, 12))
def test_resumed_equals_uninterrupted(counted_table, counted_rows, arrays_of, total, cut, lost, block):
    cut, options = min(cut, total), {"attributes": {}, "block_bytes": 28 * block}
    whole, parts = zarr.storage.MemoryStore(), zarr.storage.MemoryStore()
    with Writer.create(whole, [counted_table()], **options) as writer:
        writer.append("activity/conv1", counted_rows(0, total))
    first = Writer.create(parts, [counted_table()], **options)
    first.append("activity/conv1", counted_rows(0, cut))
    cursor = first.commit()
    wrong = {name: values + 1 for name, values in counted_rows(cut, max(cut, lost)).items()}
    wrong["rate"] = wrong["rate"].astype(np.float32)
    first.append("activity/conv1", wrong)
    first.close("interrupted")
    with Writer.resume(parts, cursor) as second:
        assert open(parts).attrs["status"] == "running"
        second.append("activity/conv1", counted_rows(cut, total))
    assert open(parts).attrs["committed"] == open(whole).attrs["committed"]
    for name, values in arrays_of(whole).items():
        np.testing.assert_array_equal(arrays_of(parts)[name], values)


def test_resume_refuses_a_cursor_of_another_recording(store, counted_table, counted_rows):
    with Writer.create(store, [counted_table()], **SMALL) as writer:
        writer.append("activity/conv1", counted_rows(0, 5))
    with pytest.raises(RecordingError, match=r"activity/conv1: expected 0 to 5 rows, got 6; give the checkpoint"):
        Writer.resume(store, {"activity/conv1": 6})
    with pytest.raises(RecordingError, match=r"activity/conv1: expected 0 to 5 rows, got None"):
        Writer.resume(store, {})
    with pytest.raises(RecordingError, match=r"expected one of activity/conv1, got 'activity/conv9'"):
        Writer.resume(store, {"activity/conv9": 0})
    assert open(store).attrs["committed"] == {"activity/conv1": 5}


def test_resume_needs_a_recording(tmp_path):
    with pytest.raises(RecordingError, match=r"expected a recording to resume at .*absent"):
        Writer.resume(tmp_path / "absent", {})
    zarr.open_group(tmp_path / "other.zarr", mode="w")
    with pytest.raises(RecordingError, match=r"expected a recording"):
        Writer.resume(tmp_path / "other.zarr", {})


def test_an_existing_store_is_refused(store, counted_table):
    Writer.create(store, [counted_table()], **SMALL).close()
    with pytest.raises(RecordingError, match=r"expected a new path, got the existing .*recording.zarr; resume"):
        Writer.create(store, [counted_table()], **SMALL)
    memory = zarr.storage.MemoryStore()
    Writer.create(memory, [counted_table()], **SMALL).close()
    with pytest.raises(RecordingError, match=r"expected a place for a new recording"):
        Writer.create(memory, [counted_table()], **SMALL)


def test_a_place_that_cannot_be_written_is_refused(tmp_path, counted_table):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"expected a place for a new recording at .*file/x"):
        Writer.create(tmp_path / "file" / "x", [counted_table()], **SMALL)
    with pytest.raises(RecordingError, match="expected a folder"):
        Writer.create(tmp_path / "recording.zarr.zip", [counted_table()], **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": {"schema": "x"}}, r"attributes: expected free names, got schema"),
        ({"attributes": {"x": {1, 2}}}, r"attributes: expected JSON values"),
        ({"queue_blocks": 0}, r"queue_blocks: expected at least 1, got 0"),
        ({"block_bytes": 0}, r"block_bytes: expected at least 1, got 0"),
    ],
)
def test_bad_options_are_refused_before_anything_is_made(store, counted_table, options, message):
    with pytest.raises(RecordingError, match=message):
        Writer.create(store, [counted_table()], **{"attributes": {}, **options})
    assert not store.exists()


def test_tables_must_be_there_and_differ(store, counted_table):
    for tables in ([], [counted_table(), counted_table()]):
        with pytest.raises(RecordingError, match="each path once"):
            Writer.create(store, tables, attributes={})


def test_misuse_of_an_open_and_a_closed_writer(store, counted_table, counted_rows):
    writer = Writer.create(store, [counted_table()], **SMALL)
    with pytest.raises(RecordingError, match=r"expected one of activity/conv1, got 'conv1'"):
        writer.append("conv1", {})
    with pytest.raises(
        RecordingError, match=r"status: expected one of complete, diverged, failed, interrupted, got 'done'"
    ):
        writer.close("done")
    writer.close()
    writer.close()
    for call in (writer.commit, lambda: writer.append("activity/conv1", counted_rows(0, 1))):
        with pytest.raises(RecordingError, match=r"expected an open writer"):
            call()


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "interrupted"), (SystemExit, "interrupted"), (KeyError, "failed")]
)
def test_leaving_by_an_exception_keeps_the_rows_and_says_so(store, counted_table, counted_rows, error, status):
    with pytest.raises(error), Writer.create(store, [counted_table()], **SMALL) as writer:
        writer.append("activity/conv1", counted_rows(0, 3))
        raise error
    recording = open(store)
    assert recording.attrs["status"] == status
    assert recording["activity/conv1"].sizes["trial"] == 3


def test_memory_has_a_ceiling_whatever_the_number_of_rows(counted_table, counted_rows):
    tables = [counted_table("a", length=20_000), counted_table("b", length=20_000)]
    writer = Writer.create(zarr.storage.MemoryStore(), tables, attributes={}, queue_blocks=2, block_bytes=28 * 256)
    for start in range(0, 20_000, 4000):
        writer.append("a", counted_rows(start, start + 4000))
        writer.append("b", counted_rows(start, start + 4000))
        assert writer.peak_bytes <= writer.ceiling_bytes
    writer.close()
    assert writer.ceiling_bytes == (2 + 3) * 28 * 256
    assert writer.peak_bytes >= 28 * 256
    assert writer.waited > 0


def test_names_of_stores_are_readable(tmp_path):
    assert store_name(tmp_path / "x.zarr") == str(tmp_path / "x.zarr")
    assert store_name(zarr.storage.MemoryStore()).startswith("memory://")

"""Stores that are made room for, taken up again, or damaged."""

import numpy as np
import pytest
import zarr
from apical.recordings import RecordingError, Writer, open
from apical.recordings.stores import refusing, set_aside


@pytest.fixture
def recorded(store, counted_table, counted_rows):
    """Make a recording of so many rows, closed with a status or left as a kill leaves it."""

    def make(rows, status=None):
        writer = Writer.create(store, [counted_table()], attributes={})
        if rows:
            writer.append("activity/conv1", counted_rows(0, rows))
        writer.commit()
        if status:
            writer.close(status)
        writer._thread.stop()
        return store

    return make


@pytest.mark.parametrize(("rows", "status"), [(5, None), (5, "failed"), (0, "complete")])
def test_a_recording_worth_keeping_gets_the_next_free_name(recorded, rows, status):
    store = recorded(rows, status)
    assert set_aside(store) == store.with_name("recording-1.zarr")
    assert open(store.with_name("recording-1.zarr")).attrs["committed"] == {"activity/conv1": rows}
    assert set_aside(recorded(rows, status)) == store.with_name("recording-2.zarr")
    assert not store.exists()
    assert set_aside(store) is None


def test_a_recording_without_rows_makes_way(recorded, store):
    assert set_aside(recorded(0)) is None
    assert not store.exists()
    zarr.open_group(store, mode="w")  # what a kill leaves before all arrays are there
    assert set_aside(store) is None
    assert not store.exists()


def test_a_damaged_recording_is_kept(recorded):
    store = recorded(5)
    (store / "zarr.json").write_text("{")
    assert set_aside(store) == store.with_name("recording-1.zarr")


def test_every_part_of_a_resumed_recording_is_told(recorded, counted_rows):
    store = recorded(5)
    for step in (4, 3):
        Writer.resume(store, {"activity/conv1": step}, part={"step": step, "device": "cpu"}).close("interrupted")
    Writer.resume(store, {"activity/conv1": 3}).close()
    assert open(store).attrs["resumed"] == [{"step": 4, "device": "cpu"}, {"step": 3, "device": "cpu"}]
    with pytest.raises(RecordingError, match=r"recording.resumed.attributes: expected JSON values"):
        Writer.resume(store, {"activity/conv1": 3}, part={"step": object()})


@pytest.mark.parametrize("error", [RuntimeError("x"), TypeError("x"), OSError("x"), ValueError("x"), KeyError("x")])
def test_what_damaged_stores_raise_is_one_sentence(error):
    with (
        pytest.raises(RecordingError, match=r"^recording.store: expected a recording at here, got .*x.*; try$"),
        refusing("here", "a recording", "try"),
    ):
        raise error


def test_damaged_chunks_raise_what_is_refused(recorded):
    """Every byte of a compressed chunk but its first ones is turned round."""
    store = recorded(40, "complete")
    for path in (store / "activity" / "conv1" / "rate" / "c").rglob("*"):
        if path.is_file():
            content = np.frombuffer(path.read_bytes(), np.uint8).copy()
            content[4:] ^= 0xFF
            path.write_bytes(content.tobytes())
    message = (
        r"activity/conv1/rate: expected the chunk activity/conv1/rate/c/0/0 in .* as written, got another checksum"
    )
    with pytest.raises(RecordingError, match=message):
        open(store)["activity/conv1/rate"].values.sum()

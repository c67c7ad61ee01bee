"""Damage in a store: every chunk has a checksum, every committed chunk is there, and metadata are compared."""

import json

import numpy as np
import pytest
import xarray as xr
import zarr
from apical.recordings import RecordingError, Table, Variable, Writer, open, write_results
from apical.recordings.checked import CheckedArray
from apical.recordings.seal import sealed, unsealed


@pytest.fixture
def recorded(store, counted_table, counted_rows):
    """21 committed rows in blocks of 8; the score of the first block is all fill values."""
    rows = counted_rows(0, 21)
    rows["score"][:8] = np.nan
    with Writer.create(store, [counted_table()], attributes={"seeds": [3]}, block_bytes=8 * 28) as writer:
        writer.append("activity/conv1", rows)
    return store


def flip(path, place=-1):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def test_chunks_of_fill_values_are_written_and_one_that_is_missing_is_told(recorded):
    chunk = recorded / "activity" / "conv1" / "score" / "c" / "0"
    assert np.isnan(open(recorded)["activity/conv1/score"][:8].values).all()
    for damage in (chunk.unlink, chunk.mkdir):
        damage()
        table = open(recorded)["activity/conv1"]  # lazily: nothing of it is read yet
        assert table["score"][8:].values.size == 13
        with pytest.raises(
            RecordingError,
            match=r"activity/conv1/score: expected the chunk activity/conv1/score/c/0 in .*, got no such file",
        ):
            table["score"].mean().compute()


def test_a_lost_coordinate_is_told_when_the_recording_is_opened(recorded):
    (recorded / "activity" / "conv1" / "unit_id" / "c" / "0").unlink()
    with pytest.raises(RecordingError, match="activity/conv1/unit_id: expected the chunk"):
        open(recorded)


@pytest.mark.parametrize("place", [0, 5, -1])
def test_one_bit_of_a_shard_is_told(store, place):
    wide = Variable(name="rate", dims=("unit",), shape=(1500,), long_name="rate")
    table = Table(path="a", dim="trial", length=300, variables=(wide,))
    rows = np.random.default_rng(0).random((300, 1500), dtype=np.float32)
    with Writer.create(store, [table], attributes={}, block_bytes=128 * 6000) as writer:
        writer.append("a", {"rate": rows})
    flip(store / "a" / "rate" / "c" / "1" / "0", place)
    read = open(store)["a/rate"]
    assert np.array_equal(read[:128].values, rows[:128])
    with pytest.raises(RecordingError, match=r"a/rate: expected the chunk a/rate/c/1/0 in .* got another checksum"):
        read.compute()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("zarr.json", '"seeds"', '"seedt"'),
        ("zarr.json", '"complete"', '"complfte"'),
        ("zarr.json", '"activity/conv1": 21', '"activity/conv1": 20'),
        ("activity/conv1/zarr.json", '"record_dim": "trial"', '"record_dim": "trhal"'),
        ("activity/conv1/rate/zarr.json", '"Hz"', '"Hx"'),
        ("activity/zarr.json", '"attributes"', '"attribute3"'),
    ],
)
def test_metadata_that_still_parse_are_compared(recorded, file, old, new):
    text = (recorded / file).read_text()
    assert old in text
    (recorded / file).write_text(text.replace(old, new, 1))
    for way in (lambda: open(recorded), lambda: Writer.resume(recorded, {"activity/conv1": 20})):
        with pytest.raises(RecordingError, match=r"zarr\.json"):
            way()


def test_a_lost_chunk_is_told_on_resume(recorded):
    (recorded / "activity" / "conv1" / "rate" / "c" / "2" / "0").unlink()
    with pytest.raises(RecordingError, match="activity/conv1/rate: expected the chunk activity/conv1/rate/c/2/0"):
        Writer.resume(recorded, {"activity/conv1": 21})


def test_a_recording_of_schema_1_opens_and_resumes(recorded, counted_rows):
    """As it was written before: no checksums in the metadata, no chunk of fill values alone."""
    document = json.loads((recorded / "zarr.json").read_text())
    attributes = document["attributes"]
    del attributes["sha256"], attributes["metadata_sha256"]
    attributes["schema_version"] = 1
    (recorded / "zarr.json").write_text(json.dumps(document))
    (recorded / "activity" / "conv1" / "score" / "c" / "0").unlink()
    assert np.isnan(open(recorded)["activity/conv1/score"][:8].values).all()
    with Writer.resume(recorded, {"activity/conv1": 21}) as writer:
        writer.append("activity/conv1", counted_rows(21, 30))
    assert open(recorded)["activity/conv1"].sizes["trial"] == 30
    assert open(recorded).attrs["schema_version"] == 1


def test_leftovers_of_a_killed_writer_go_with_the_next_one(recorded):
    left = [recorded / "zarr.ab.partial", recorded / "activity" / "conv1" / "rate" / "c" / "0" / "0.cd.partial"]
    for path in left:
        path.write_bytes(b"half")
    Writer.resume(recorded, {"activity/conv1": 21}).close()
    assert not any(path.exists() for path in left)


def test_results_are_compared_too(recorded):
    said = {"units": "1", "long_name": "x"}
    result = xr.Dataset({"cosine": (("step",), np.zeros(3), said)}, coords={"step": [1, 2, 3]})
    write_results(recorded, "align", result, {"seed": 1})
    read = open(recorded)["align"].to_dataset().compute()
    assert read["cosine"].attrs == said
    assert read["step"].values.tolist() == [1, 2, 3]
    assert (recorded / "align" / "cosine" / "c" / "0").exists()  # all fill values
    group = zarr.open_group(recorded / "align", mode="r+")
    group.attrs["seed"] = 2
    with pytest.raises(RecordingError, match=r"recording\.align: expected a result with its checksum"):
        open(recorded)


def test_a_text_tells_every_flipped_bit_of_itself():
    text = sealed({"step": 3, "names": ["conv1"], "accuracy": 71.5}).encode()
    assert unsealed(text.decode()) == {"step": 3, "names": ["conv1"], "accuracy": 71.5}
    assert unsealed('{"step": 3}') == {"step": 3}  # of an earlier version
    for place in range(len(text) * 8):
        changed = bytearray(text)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError, match=r"."):
            unsealed(changed.decode())


def test_several_attributes_change_in_one_write(recorded, monkeypatch):
    """Else a kill between two of them leaves attributes and checksum that do not agree."""
    written = []
    put = zarr.storage.LocalStore.set

    async def noted(store, key, value):
        written.append(key)
        await put(store, key, value)

    monkeypatch.setattr(zarr.storage.LocalStore, "set", noted)
    Writer.resume(recorded, {"activity/conv1": 16}, part={"step": 16}).close("interrupted")
    assert [key for key in written if key == "zarr.json"] == ["zarr.json"] * 2  # begun again, and ended


def test_lists_of_positions_are_read_as_numpy_reads_them():
    values = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    root = zarr.open_group(zarr.storage.MemoryStore())
    checked = CheckedArray(root.create_array("x", data=values, chunks=(2, 5, 2)), "x", complete=True)
    for key in (
        (slice(None), [3, 1], slice(None)), (2, [4, 0, 0], slice(1, 3)), ([1], slice(None), 5), (slice(0, 4, 2), slice(None), [5, 2]),
        (1, 2, [3, 4]), (np.array([3, 0]), slice(None), slice(None)),
    ):  # fmt: skip
        np.testing.assert_array_equal(checked[key], values[key])


def test_one_unit_over_all_trials_is_read_without_the_others(tmp_path, monkeypatch):
    """A lazy selection of few columns touches their chunks alone, by number and by slice."""
    table = Table(
        path="activity/a", dim="trial", length=64, variables=(Variable(name="rate", dims=("unit",), shape=(2048,), long_name="rate"),)
    )  # fmt: skip
    with Writer.create(tmp_path / "r.zarr", [table], attributes={}, block_bytes=16 * 2048 * 4) as writer:
        writer.append("activity/a", {"rate": np.arange(64 * 2048, dtype=np.float32).reshape(64, 2048)})
    rate = open(tmp_path / "r.zarr")["activity/a"].rate
    asked = []
    plain = CheckedArray.__getitem__

    def counting(self, key):
        asked.append(key)
        return plain(self, key)

    monkeypatch.setattr(CheckedArray, "__getitem__", counting)
    np.testing.assert_array_equal(rate[:, 700].values, np.arange(64) * 2048 + 700)
    assert all(key[1] == 700 for key in asked)
    asked.clear()
    np.testing.assert_array_equal(rate[8:20, 7:9].values, np.arange(8, 20)[:, None] * 2048 + [7, 8])
    assert [key[1] for key in asked] == [slice(7, 9, None)] * 2
    np.testing.assert_array_equal(rate.isel(unit=[9, 7]).values, np.arange(64)[:, None] * 2048 + [9, 7])

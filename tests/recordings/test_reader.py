import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
import zarr
from apical.recordings import RecordingError, Table, Variable, Writer, metrics_table, open

RATE = Variable(name="rate", dims=("unit",), shape=(2,), long_name="rate")


@pytest.fixture
def recorded(store, counted_table, counted_rows):
    """A recording of 21 committed rows in blocks of 8."""
    with Writer.create(store, [counted_table()], attributes={"seeds": [3]}, block_bytes=8 * 28) as writer:
        writer.append("activity/conv1", counted_rows(0, 21))
    return store


def test_a_recording_is_lazy_and_chunked_by_block(recorded):
    table = open(recorded)["activity/conv1"].to_dataset()
    assert table["rate"].chunks == ((8, 8, 5), (3,))
    assert table["unit_id"].chunks is None
    assert list(table.data_vars) == ["rate", "score"]
    assert set(table.coords) == {"step", "unit_id"}


def test_shards_are_read_whole(store):
    wide = Variable(name="rate", dims=("unit",), shape=(1500,), long_name="rate")
    table = Table(path="a", dim="trial", length=300, variables=(wide,))
    rows = np.random.default_rng(0).random((300, 1500), dtype=np.float32)
    with Writer.create(store, [table], attributes={}, block_bytes=128 * 6000) as writer:
        writer.append("a", {"rate": rows})
    assert zarr.open_array(store, path="a/rate", mode="r").shards == (128, 1536)
    read = open(store)["a/rate"]
    assert read.chunks == ((128, 128, 44), (1500,))
    np.testing.assert_array_equal(read[:, 700], rows[:, 700])


def test_a_run_folder_stands_for_its_recording(recorded):
    xr.testing.assert_identical(open(recorded.parent), open(recorded))


def test_a_zipped_recording_reads_the_same(recorded, tmp_path):
    run = tmp_path / "zipped"
    run.mkdir()
    shutil.make_archive(str(run / "recording.zarr"), "zip", recorded)
    for path in (run, run / "recording.zarr.zip"):
        with open(path) as zipped:
            xr.testing.assert_identical(zipped.compute(), open(recorded).compute())


def test_names_of_populations_select(store):
    with Writer.create(store, [metrics_table(["conv1", "conv2"], 3)], attributes={}) as writer:
        row = np.array([1])
        rates = {"learning_rate": np.array([0.1]), "loss": np.array([[2.0, 3.0]], "f4")}
        writer.append("metrics", {"step": row, "epoch": row / 4, "samples": row, **rates})
    metrics = open(store)["metrics"].to_dataset()
    assert metrics["loss"].sel(population="conv2", step=1).values == 3.0
    assert set(metrics.coords) == {"step", "epoch", "samples", "population"}


def test_a_missing_path_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"path: expected a recording, got nothing at .*absent; check the path"):
        open(tmp_path / "absent")


def test_a_folder_that_is_no_recording_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"neither zarr\.json nor recording\.zarr"):
        open(tmp_path)
    zarr.open_group(tmp_path / "other.zarr", mode="w")
    with pytest.raises(RecordingError, match=r"expected a recording with the root attribute schema='apical'"):
        open(tmp_path / "other.zarr")


def test_files_that_are_no_recording_are_refused(recorded, tmp_path):
    (tmp_path / "text").write_text("x")
    with pytest.raises(RecordingError, match=r"expected a zarr folder or its zip archive, got the file"):
        open(tmp_path / "text")
    shutil.make_archive(str(tmp_path / "deep"), "zip", recorded.parent, recorded.name)
    with pytest.raises(RecordingError, match=r"expected zarr\.json at the top.*zip the contents"):
        open(tmp_path / "deep.zip")


def test_a_damaged_recording_is_refused(recorded):
    (recorded / "zarr.json").write_text("{")
    with pytest.raises(RecordingError, match=r"store: expected a recording at"):
        open(recorded)


def test_a_recording_with_a_missing_table_is_refused(recorded):
    shutil.rmtree(recorded / "activity")
    with pytest.raises(RecordingError, match=r"recording.activity: expected its metadata, got no activity/zarr.json"):
        open(recorded)
    with pytest.raises(RecordingError, match=r"recording.activity: expected its metadata, got no activity/zarr.json"):
        Writer.resume(recorded, {"activity/conv1": 0})


def test_a_newer_schema_is_refused(recorded):
    zarr.open_group(recorded, mode="r+").attrs["schema_version"] = 7
    message = r"^recording\.schema_version: expected <= 3, got 7; update apical$"
    with pytest.raises(RecordingError, match=message):
        open(recorded)
    with pytest.raises(RecordingError, match=message):
        Writer.resume(recorded, {"activity/conv1": 0})


def test_an_interrupted_creation_is_no_recording(store, counted_table, monkeypatch):
    def fail(*_):
        raise OSError("unplugged")

    monkeypatch.setattr("apical.recordings.stores.create_table", fail)
    with pytest.raises(RecordingError, match="unplugged"):
        Writer.create(store, [counted_table()], attributes={})
    with pytest.raises(RecordingError, match="creation was interrupted"):
        open(store)


def test_reading_imports_neither_torch_nor_matplotlib(recorded):
    script = f"""
import sys
import apical.recordings
assert not {{"zarr", "matplotlib", "torch"}} & set(sys.modules), "import"
assert apical.recordings.open({str(recorded)!r})["activity/conv1/rate"].mean().compute() > 0
assert not {{"matplotlib", "torch"}} & set(sys.modules), "open"
import apical.recordings.figures, apical.recordings.report
assert not {{"matplotlib.pyplot", "torch"}} & set(sys.modules), "figures"
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_text_of_a_recording_fits_on_a_screen(store):
    areas = [f"area{number}" for number in range(40)]
    tables = [
        metrics_table(areas, 3),
        *(Table(path=f"activity/{a}", dim="trial", length=4, variables=(RATE,)) for a in areas),
    ]
    attributes = {"config": {"name": "demo", "seed": 3}, "device": "cpu"}
    with Writer.create(store, tables, attributes=attributes) as writer:
        writer.append("activity/area0", {"rate": np.zeros((4, 2), "f4")})
    recording = open(store)
    lines = repr(recording).splitlines()
    assert str(recording) == repr(recording)
    assert lines[0].startswith("Recording: status complete, name demo, seed 3, device cpu, created 20")
    assert "      trial 4, unit 2: rate" in lines
    assert "  activity/area0" in lines
    assert len(lines) < 24
    assert max(map(len, lines)) <= 120
    assert repr(recording["activity/area0"]).startswith("<xarray.DataTree")


def test_a_recording_is_a_tree_of_xarray_in_everything_else(recorded):
    recording = open(recorded)
    plain = xr.DataTree.from_dict(dict(recording.to_dict()), name=recording.name)
    assert isinstance(recording, xr.DataTree)
    assert recording.identical(plain)
    table = recording.isel(trial=slice(0, 3)).compute()["activity/conv1"]
    np.testing.assert_array_equal(table["score"], [0, 0.25, 0.5])
    assert (recording * 2)["activity/conv1"]["score"].values[4] == 2.0
    assert pickle.loads(pickle.dumps(recording.compute())).identical(recording.compute())

"""An export is whole or not there, told before it is written, and holds what the recording holds."""

import csv
import json

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings import open as open_recording
from apical.recordings.export import FORMATS, export, run
from apical.recordings.export.content import BLOCK_BYTES, content, rows_of
from apical.recordings.export.netcdf import plain


@pytest.fixture(scope="module")
def recording(exported_run):
    return open_recording(exported_run)


@pytest.mark.parametrize("form", FORMATS)
def test_its_size_is_told_before_it_is_written(exported_run, tmp_path, form):
    path = tmp_path / "out"
    told = []
    found = export(exported_run, form, out=path, predicted=lambda size: told.append((size, path.exists())))
    assert told == [(found["predicted_bytes"], False)]
    assert 0 < found["bytes"] <= found["predicted_bytes"]
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_it_lies_in_the_run_by_its_name(exported_run):
    found = export(exported_run, "npz", replay="first")
    assert found["path"] == str(exported_run / "exports" / "training-first.npz")


def test_what_exists_is_not_replaced(exported_run, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(RecordingError, match="exists; remove it"):
        export(exported_run, "npz", out=tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("form", ["npz", "csv"])
def test_a_failure_leaves_nothing(exported_run, tmp_path, form, monkeypatch):
    module = __import__(f"apical.recordings.export.{FORMATS[form].module}", fromlist=["write"])
    whole = module.write

    def failing(*given):
        whole(*given)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write", failing)
    with pytest.raises(RecordingError, match="No space left"):
        export(exported_run, form, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused(exported_run, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SPARE", 1 << 62)
    with pytest.raises(RecordingError, match=r"expected room for .* choose another disk"):
        export(exported_run, "npz", out=tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"form": "mat"}, "expected one of csv, netcdf, npz, nwb, got 'mat'"),
        ({"recording": "gratings"}, "expected one of training, got 'gratings'"),
        ({"replay": "second"}, "expected one of first, got 'second'"),
        ({"populations": ["conv9"]}, "expected one of conv1, conv2, got 'conv9'"),
        ({"populations": ["conv1"], "replay": "first"}, "leave them out"),
    ],
)
def test_unknown_names_list_the_known_ones(exported_run, tmp_path, words, said):
    with pytest.raises(RecordingError, match=said):
        export(exported_run, **{"form": "npz", "out": tmp_path / "out", **words})


@pytest.mark.parametrize(("form", "package"), [("nwb", "pynwb"), ("netcdf", "h5netcdf")])
def test_a_missing_package_names_the_extra(exported_run, form, package, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(RecordingError, match=rf"expected {package} for {form}.*pip install 'apical\[export\]'"):
        export(exported_run, form)


def test_blocks_are_small_and_cover_all_rows():
    variable = xr.Variable(("trial", "unit"), da.zeros((10_000, 100_000), dtype="float32", chunks=(60, 100_000)))
    steps = list(rows_of(variable))
    assert [start for start, _ in steps[1:]] == [stop for _, stop in steps[:-1]]
    assert (steps[0][0], steps[-1][1]) == (0, 10_000)
    assert all((stop - start) * 400_000 <= BLOCK_BYTES for start, stop in steps)
    assert steps[0][1] == 60


def test_chosen_populations_are_all_there_is_of_trials(exported_run):
    assert list(content(exported_run, "training", None, ["conv2"]).populations) == ["conv2"]
    assert "updates/conv1" not in content(exported_run, "training", None, ["conv2"]).tables


def test_netcdf_opened_again_is_equal(exported_run, recording, tmp_path):
    export(exported_run, "netcdf", out=tmp_path / "out.nc")
    with xr.open_datatree(tmp_path / "out.nc", engine="h5netcdf") as tree:
        assert decoded(tree.attrs)["config"] == recording.attrs["config"]
        assert decoded(tree.attrs)["fast"] is True
        paths = [node.path for node in recording.subtree if node.data_vars and not node.path.startswith("/replay")]
        assert len(paths) == 7
        for path in paths:
            xr.testing.assert_identical(
                again(tree[path].to_dataset(inherit=False)), texts(recording[path].to_dataset(inherit=False))
            )


def test_netcdf_of_a_replay_is_equal(exported_run, recording, tmp_path):
    export(exported_run, "netcdf", replay="first", out=tmp_path / "out.nc")
    with xr.open_datatree(tmp_path / "out.nc", engine="h5netcdf") as tree:
        for name in ("trials", "spikes", "circuit"):
            xr.testing.assert_identical(
                again(tree[name].to_dataset(inherit=False)), recording[f"replay/first/{name}"].to_dataset(inherit=False)
            )
        assert decoded(tree.attrs)["replay"]["seed"] == 7


def again(dataset):
    """A dataset of netCDF with the attributes that are written as JSON read again."""
    found = dataset.load().copy()
    found.attrs = decoded(dataset.attrs)
    for name, variable in dataset.variables.items():
        found[name].attrs = decoded(variable.attrs)
    return found


def decoded(attributes):
    told = {
        name: np.asarray(value).tolist() if not isinstance(value, str) else value for name, value in attributes.items()
    }
    for name in str(told.pop("json", "")).split():
        told[name] = json.loads(told[name])
    return told


def texts(dataset):
    """Texts of variable length, as both are compared."""
    return dataset.assign_coords(
        {name: each.astype(object) for name, each in dataset.coords.items() if each.dtype.kind == "T"}
    )


def test_what_netcdf_cannot_hold_is_json():
    told = plain({"a": {"b": None}, "c": [0, 1], "d": False, "e": "x", "f": ["y"]})
    assert told["json"] == "a d f"
    assert told["c"].tolist() == [0, 1]
    assert decoded(told) == {"a": {"b": None}, "c": [0, 1], "d": False, "e": "x", "f": ["y"]}


def test_npz_holds_every_array(exported_run, recording, tmp_path):
    export(exported_run, "npz", out=tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        told = json.loads(str(arrays["attributes"]))
        for path in ("activity/conv2", "metrics", "stimuli", "analysis-tuning"):
            for name, variable in recording[path].to_dataset().variables.items():
                found = arrays[f"{path}/{name}"]
                expected = np.asarray(variable)
                np.testing.assert_array_equal(
                    found, expected.astype(object) if expected.dtype.kind in "OT" else expected
                )
        assert told["activity/conv1/basal"]["dims"] == ["trial", "unit"]
        assert told["activity/conv1/basal"]["symbol"] == "a"


def test_csv_reads_back_to_the_last_digit(exported_run, recording, tmp_path):
    export(exported_run, "csv", out=tmp_path / "out")
    with (tmp_path / "out/activity_conv1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 300
    column = np.array([row["rate[30] (1)"] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(column, recording["activity/conv1"].rate[:, 3])
    assert [int(row["stimulus_id (1)"]) for row in rows[:3]] == [0, 1, 2]
    with (tmp_path / "out/activity_conv1.unit.csv").open(newline="") as file:
        assert [row["channel (1)"] for row in csv.DictReader(file)] == ["0", "0", "0", "1", "2"]
    told = json.loads((tmp_path / "out/attributes.json").read_text())
    assert told["activity/conv1/rate"]["long_name"] == "rate"


def test_csv_of_three_dimensions_has_a_row_for_each_value(exported_run, recording, tmp_path):
    export(exported_run, "csv", replay="first", out=tmp_path / "out")
    with (tmp_path / "out/trials.V_soma.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    volts = recording["replay/first/trials"].V_soma.values
    assert len(rows) == volts.size
    for row in rows[::37]:
        assert float(row["V_soma (mV)"]) == volts[int(row["trial"]), int(row["unit"]), int(row["time"])]


def test_no_number_is_an_empty_cell(tmp_path):
    from apical.recordings.export.csv_files import _cells

    assert _cells(np.array([1.5, np.nan, np.inf], np.float32)) == ["1.5", "", "inf"]
    assert np.float32(_cells(np.array([0.1], np.float32))[0]) == np.float32(0.1)

"""Results beside the tables of a recording: written whole, read back equal, costing the tables nothing."""

import shutil

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError, Writer, open, results, write_results


def made(scale=1.0):
    said = {"units": "1", "long_name": "cosine"}
    return xr.Dataset(
        {
            "cosine": (("layer", "variant"), scale * np.arange(6.0).reshape(2, 3), said),
            "passed": ("layer", [True, False], {"units": "1", "long_name": "whether the criterion holds"}),
        },
        coords={"layer": ["conv1", "conv2"], "variant": ["own", "top", "both"], "depth": ("layer", [1, 2])},
    )


@pytest.fixture
def recorded(store, counted_table, counted_rows):
    """A recording that was interrupted after 21 rows."""
    writer = Writer.create(store, [counted_table()], attributes={"seeds": [3]})
    writer.append("activity/conv1", counted_rows(0, 21))
    writer.close("interrupted")
    return store


def read(store, group="align"):
    return open(store)[group].to_dataset().compute()


def test_a_result_makes_a_recording_where_there_is_none(tmp_path):
    store = tmp_path / "new" / "recording.zarr"
    write_results(store, "align", made(), {"seed": 3})
    expected = made().assign_attrs(seed=3)
    xr.testing.assert_equal(read(store), expected)
    assert read(store).attrs == {"seed": 3}
    assert read(store)["cosine"].attrs == expected["cosine"].attrs
    xr.testing.assert_equal(xr.open_zarr(store, group="align", consolidated=False).compute(), expected)


def test_the_latest_result_replaces_the_one_before(recorded):
    write_results(recorded, "align", made(), {"batches": 1})
    write_results(recorded, "align", made(2.0).drop_vars("passed"), {"seed": 4})
    xr.testing.assert_equal(read(recorded), made(2.0).drop_vars("passed"))
    assert read(recorded).attrs == {"seed": 4}
    assert [path.name for path in recorded.parent.iterdir()] == [recorded.name]


def test_two_processes_write_under_two_names(recorded, monkeypatch):
    """A second writer, in the middle of the first one's work, neither takes nor breaks it."""
    write, others = results._write, iter([12])

    def slowly(dataset, path, attributes):
        write(dataset, path, attributes)
        if (number := next(others, None)) is not None:
            monkeypatch.setattr(results.os, "getpid", lambda: number)
            write_results(recorded, "align", made(2.0), {})

    monkeypatch.setattr(results, "_write", slowly)
    write_results(recorded, "align", made(3.0), {})
    xr.testing.assert_equal(read(recorded), made(3.0))
    assert [path.name for path in recorded.parent.iterdir()] == [recorded.name]


def test_two_results_stand_beside_each_other_and_the_tables(recorded):
    write_results(recorded, "align", made(), {})
    write_results(recorded, "theory", made(3.0), {})
    assert set(open(recorded).children) == {"activity", "align", "theory"}
    assert open(recorded)["activity/conv1"].sizes["trial"] == 21


def test_a_run_resumes_after_a_result_and_keeps_it(recorded, counted_rows, arrays_of):
    write_results(recorded, "align", made(), {})
    with Writer.resume(recorded, {"activity/conv1": 21}) as writer:
        writer.append("activity/conv1", counted_rows(21, 40))
    xr.testing.assert_equal(read(recorded), made())
    np.testing.assert_array_equal(arrays_of(recorded)["activity/conv1/step"], np.arange(40))


def test_a_result_written_during_a_run_survives_its_commits(store, counted_table, counted_rows):
    with Writer.create(store, [counted_table()], attributes={}) as writer:
        writer.append("activity/conv1", counted_rows(0, 8))
        writer.commit()
        write_results(store, "align", made(), {})
        writer.append("activity/conv1", counted_rows(8, 16))
    assert open(store)["activity/conv1"].sizes["trial"] == 16
    xr.testing.assert_equal(read(store), made())


@pytest.mark.parametrize("moment", ["write", "swap"])
def test_a_kill_costs_no_recorded_row(recorded, arrays_of, monkeypatch, moment):
    write_results(recorded, "align", made(), {})
    tables = {name: values for name, values in arrays_of(recorded).items() if name.startswith("activity")}

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        if moment == "write":
            patched.setattr(results, "_write", killed)
        else:
            patched.setattr(type(recorded), "rename", killed)
        write_results(recorded, "align", made(2.0), {})
    xr.testing.assert_equal(read(recorded), made())
    for name, values in tables.items():
        np.testing.assert_array_equal(arrays_of(recorded)[name], values)
    write_results(recorded, "align", made(2.0), {})
    xr.testing.assert_equal(read(recorded), made(2.0))
    assert [path.name for path in recorded.parent.iterdir()] == [recorded.name]


def test_a_result_is_read_from_an_archive(recorded, tmp_path):
    write_results(recorded, "align", made(), {})
    archive = shutil.make_archive(str(tmp_path / "recording.zarr"), "zip", recorded)
    with open(archive) as tree:
        xr.testing.assert_equal(tree["align"].to_dataset().compute(), made())


@pytest.mark.parametrize(
    ("place", "group", "message"),
    [
        ("recording.zarr", "activity", "activity: expected a name that no table has"),
        ("recording.zarr", "a/b", "recording.group: expected a plain name, got 'a/b'"),
        ("recording.zarr", ".hidden", "recording.group: expected a plain name"),
        ("recording.zarr.zip", "align", "recording.store: expected a local folder"),
        ("memory://x", "align", "recording.store: expected a local folder"),
        ("other", "align", "expected a recording with the root attribute"),
    ],
)
def test_a_wrong_place_is_refused(recorded, place, group, message):
    xr.Dataset({"x": ("t", [1.0])}).to_zarr(recorded.parent / "other", zarr_format=3, consolidated=False)
    place = place if "://" in place else recorded.parent / place
    with pytest.raises(RecordingError, match=message.replace("[", r"\[")):
        write_results(place, group, made(), {})
    assert set(open(recorded).children) == {"activity"}


def test_a_variable_without_units_is_refused(store):
    dataset = made()
    del dataset["cosine"].attrs["units"]
    with pytest.raises(RecordingError, match=r"align\.cosine: expected the attributes units and long_name"):
        write_results(store, "align", dataset, {})
    assert not store.exists()


def test_attributes_without_json_form_are_refused(store):
    with pytest.raises(RecordingError, match=r"align\.attributes: expected JSON values"):
        write_results(store, "align", made(), {"seed": object()})
    assert not store.exists()

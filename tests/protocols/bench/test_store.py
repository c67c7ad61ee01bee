import numpy as np
import pytest
import zarr
from apical.protocols.bench import store
from apical.recordings import open


@pytest.mark.parametrize("write", ["_through_writer", "_same_layout", "_by_default"])
def test_every_contestant_writes_the_same_numbers(tmp_path, write):
    table = store._table(8, 0)
    rows = store._rows(table)
    getattr(store, write)(tmp_path / "x.zarr", table, rows)
    group = zarr.open_group(tmp_path / "x.zarr", mode="r")
    group = group if write == "_by_default" else group[table.path]
    for name, values in rows.items():
        np.testing.assert_array_equal(group[name][:], values)


def test_the_writer_s_store_is_a_recording(tmp_path):
    table = store._table(8, 0)
    store._through_writer(tmp_path / "x.zarr", table, store._rows(table))
    assert open(tmp_path / "x.zarr")[table.path].sizes["trial"] == table.length


def test_speeds_are_told_as_shares(capsys):
    row = store.storing(rounds=1, mebibytes=1, units=(4,), progress=True)[0]
    assert row["share_of_zarr"] == pytest.approx(row["writer_megabytes_per_second"] / row["zarr_megabytes_per_second"])
    assert row["megabytes"] == pytest.approx(1.05, rel=0.3)
    assert "4 units, turn 1/1" in capsys.readouterr().err

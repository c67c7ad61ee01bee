"""Listing the groups of a store that is being written."""

import pytest
import zarr
from apical.recordings import Writer, open, write_results
from apical.recordings.members import groups
from zarr.errors import ZarrUserWarning


def test_a_write_under_way_is_not_seen(store, counted_table, counted_rows):
    with Writer.create(store, [counted_table("a")], attributes={}) as writer:
        writer.append("a", counted_rows(0, 4))
    (store / "zarr.513c43813607418cadf19633e15b3362.partial").write_bytes(b"{")
    tree = open(store)
    assert tree["a"].sizes["trial"] == 4
    write_results(store, "mean", tree["a"].to_dataset().mean("trial"), {})
    assert set(groups(zarr.open_group(str(store), mode="r"))) == {"a", "mean"}
    assert "mean" in open(store)


def test_another_file_is_told(store):
    zarr.open_group(str(store), mode="w")
    (store / "notes.txt").write_text("own notes")
    with pytest.warns(ZarrUserWarning, match=r"notes\.txt"):
        assert groups(zarr.open_group(str(store), mode="r")) == {}

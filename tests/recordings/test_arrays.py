"""Arrays of a new recording are those that zarr would make, file by file and byte for byte."""

import math

import numpy as np
import pytest
import zarr
from apical.recordings import arrays
from apical.recordings.checked import compressors
from zarr.storage import MemoryStore

ATTRIBUTES = {"units": "1", "said": {"of": [1, None, "µ"]}}


def files(store, name):
    return {key.removeprefix(f"{name}/"): file.to_bytes() for key, file in store._store_dict.items() if "/" in key}


def of_zarr(**asked):
    root = zarr.open_group(MemoryStore(), zarr_format=3)
    root.create_array("a", compressors=compressors(), attributes=ATTRIBUTES, **asked)
    return files(root.store, "a")


@pytest.mark.parametrize(
    ("dtype", "fill"), [("float16", math.nan), ("float64", math.nan), ("int64", -1), ("uint8", 0), ("bool", False)]
)
@pytest.mark.parametrize(("chunks", "shards"), [((4, 3), None), ((2, 3), (8, 6))])
def test_an_empty_array_is_as_zarr_makes_it(dtype, fill, chunks, shards):
    expected = of_zarr(
        shape=(20, 6), dtype=dtype, chunks=chunks, shards=shards, fill_value=fill, dimension_names=("trial", "unit")
    )
    for _ in range(2):  # the second is not made by zarr
        assert arrays.empty((20, 6), dtype, chunks, shards, fill, ("trial", "unit"), ATTRIBUTES) == expected


@pytest.mark.parametrize(
    "values",
    [
        np.arange(12.0).reshape(3, 4),
        np.array([True, False]),
        np.zeros(5, np.int32),
        np.arange(6, dtype=">i4"),
        np.array(["left", "right"]),
        np.array(["left", "other"], dtype=np.dtypes.StringDType()),
    ],
    ids=lambda values: f"{values.dtype}",
)
@pytest.mark.parametrize("chunks", ["auto", None])
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_an_array_with_values_is_as_zarr_makes_it(values, chunks):
    names, asked = ("row", "column")[: values.ndim], chunks or values.shape
    expected = of_zarr(data=values, chunks=asked, dimension_names=names, config={"write_empty_chunks": True})
    for _ in range(2):
        assert arrays.filled(values, asked, names, ATTRIBUTES) == expected


def test_arrays_of_a_kind_have_their_own_attributes_and_names():
    def made(said, names):
        return arrays.empty((4,), "int64", (4,), None, -1, names, said)["zarr.json"]

    assert made({"a": 1}, ("trial",)) != made({"a": 2}, ("trial",)) != made({"a": 2}, ("step",))


@pytest.mark.parametrize("below", ["", "run/one"])
@pytest.mark.parametrize("path", ["a", "over/all/a"])
def test_files_of_a_group_are_written_as_zarr_writes_them(below, path):
    def root():
        whole = zarr.open_group(MemoryStore(), zarr_format=3)
        return whole.create_group(below) if below else whole

    values, ours, zarrs = np.arange(5.0), root(), root()
    content = arrays.filled(values, (5,), ("x",), {"b": 1})
    arrays.write(ours, path, arrays.group({"c": [2]}) | {f"v/{name}": file for name, file in content.items()})
    made = zarrs.create_group(path, attributes={"c": [2]})
    made.create_array(
        "v", data=values, chunks=(5,), dimension_names=("x",), attributes={"b": 1}, compressors=compressors()
    )
    written, expected = (
        {key: file.to_bytes() for key, file in each.store._store_dict.items()} for each in (ours, zarrs)
    )
    assert written == expected
    np.testing.assert_array_equal(ours[path]["v"][:], values)


def test_a_group_above_that_is_there_is_kept():
    root = zarr.open_group(MemoryStore(), zarr_format=3)
    for path in ("a", "a/b"):
        arrays.write(root, path, arrays.group({"of": path}))
    assert (root["a"].attrs["of"], root["a/b"].attrs["of"]) == ("a", "a/b")

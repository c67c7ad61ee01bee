import math

import numpy as np
import pytest
from apical.recordings import RecordingError, Table, Variable


def scalar(name="x", **fields):
    return Variable(name=name, long_name="x", **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "a/b"}, r"name: expected a plain name, got 'a/b'"),
        ({"name": ""}, r"name: expected a plain name"),
        ({"dims": ("unit",)}, r"shape: expected one positive size per dimension"),
        ({"dims": ("unit",), "shape": (0,)}, r"shape: expected one positive size"),
        ({"dtype": "bfloat16"}, r"dtype: expected one of float16.*got 'bfloat16'; cast"),
        ({"units": ""}, r"units: expected units and a long_name"),
        ({"long_name": ""}, r"units: expected units and a long_name"),
    ],
)
def test_a_malformed_variable_is_refused(fields, message):
    with pytest.raises(RecordingError, match=message):
        Variable(**{"name": "x", "long_name": "x", **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"path": "/metrics"}, r"path: expected names joined by '/'"),
        ({"path": "a/../b"}, r"path: expected names joined by '/'"),
        ({"length": 0}, r"length: expected at least one row"),
        ({"variables": ()}, r"length: expected at least one row and one variable"),
        ({"variables": (scalar(), scalar())}, r"variables: expected every name once, got x twice"),
        ({"coords": {"x": (("unit",), np.arange(2), {})}}, r"expected every name once, got x twice"),
        ({"coords": {"c": (("trial",), np.arange(2), {})}}, r"c: expected static dimensions"),
        ({"coords": {"c": (("unit",), np.zeros((2, 2)), {})}}, r"c: expected static dimensions for shape \(2, 2\)"),
        (
            {"variables": (scalar(dims=("unit",), shape=(3,)),), "coords": {"c": (("unit",), np.arange(2), {})}},
            r"c: expected 3 along 'unit', got 2",
        ),
    ],
)
def test_a_malformed_table_is_refused(fields, message):
    with pytest.raises(RecordingError, match=message):
        Table(**{"path": "metrics", "dim": "trial", "length": 3, "variables": (scalar(),), **fields})


def test_bytes_of_a_row_are_counted_over_all_variables():
    wide = scalar("wide", dims=("unit", "time"), shape=(5, 2), dtype="float16")
    table = Table(path="t", dim="trial", length=3, variables=(scalar("n", dtype="int64"), wide))
    assert table.row_bytes == 8 + 5 * 2 * 2
    assert table.variable("wide") is wide


def test_fill_values_follow_the_data_type():
    assert math.isnan(scalar(dtype="float16").fill)
    assert scalar(dtype="int8").fill == -1
    assert scalar(dtype="uint8").fill == 0
    assert scalar(dtype="bool").fill is False

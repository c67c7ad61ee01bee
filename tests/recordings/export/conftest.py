"""A run to export: two populations of which one is recorded in part, images, a result, and a replay with spikes in three windows."""

import numpy as np
import pytest
import xarray as xr
from apical.recordings import (
    ReplayStore,
    Table,
    Variable,
    Writer,
    activity_table,
    metrics_table,
    updates_table,
    write_results,
)

TRIALS, UNITS = 300, np.array([1, 5, 6, 30, 40])
ONE = {"units": "1", "long_name": "thing"}


@pytest.fixture(scope="session")
def exported_run(tmp_path_factory):
    """Not to be written to, but for exports."""
    folder = tmp_path_factory.mktemp("export") / "demo"
    folder.mkdir()
    draws = np.random.default_rng(0)
    image = Variable(name="image", dims=("channel", "y", "x"), shape=(3, 4, 5), dtype="uint8", long_name="image")
    number = Variable(name="stimulus_id", dtype="int64", long_name="stimulus", coordinate=True)
    tables = [
        metrics_table(["conv1", "conv2"], 4),
        Table(path="stimuli", dim="stimulus", length=7, variables=(image, number)),
    ]
    for name in ("conv1", "conv2"):
        tables += [activity_table(name, TRIALS, UNITS, (4, 4, 4)), updates_table(name, 4, 8)]
    attributes = {
        "config": {"name": "demo", "nested": {"a": [1, None]}},
        "versions": {"apical": "0"},
        "command": "apical train",
        "seed": 3,
        "fast": True,
    }
    with Writer.create(folder / "recording.zarr", tables, attributes=attributes, block_bytes=1 << 13) as writer:
        for table in tables:
            writer.append(table.path, {v.name: _drawn(v, table.length, draws) for v in table.variables})
    curve = xr.Dataset(
        {"curve": (("unit", "class"), draws.normal(size=(5, 2)), {"units": "Hz", "long_name": "mean rate"})},
        coords={"class": ("class", np.array(["cat", "dog"], dtype=object), ONE)},
    )  # fmt: skip
    write_results(folder / "recording.zarr", "analysis-tuning", curve, {"command": "apical analyse", "seeds": [1, 2]})
    with ReplayStore(folder, "first") as store:
        store.begin(
            trials=3, units={"unit_id": np.array([5, 6, 7]), "channel": np.array([0, 0, 0])}, samples=50, voltages=("V_soma",),
            circuit={"W": (("unit", "input"), np.ones((3, 2)), ONE), "gamma": (("trial",), np.arange(3.0), ONE),
                     "rate": (("trial", "unit"), np.arange(9.0).reshape(3, 3), {"units": "1", "long_name": "rate"})},
            attributes={"seed": 7, "duration_ms": 50.0, "dt_ms": 0.1},
        )  # fmt: skip
        spikes = {
            "spike_time": np.array([9.0, 4, 7, 30, 20], np.float32),
            "spike_unit": np.array([0, 0, 1, 1, 0], np.int32),
        }
        volts = {"V_soma": np.arange(450, dtype=np.float32).reshape(3, 3, 50) - 70}
        store.append({"output_rate": np.ones((3, 3), np.float32), "spike_count": np.array([2, 0, 3]), **volts}, spikes)
    return folder


def _drawn(variable, rows, draws):
    if variable.name == "phase":
        return (np.arange(rows) % 2).astype(np.int8)
    if variable.dtype == "int64":
        return np.arange(rows) % 50
    if variable.dtype == "uint8":
        return draws.integers(0, 255, (rows, *variable.shape), dtype=np.uint8)
    return draws.normal(size=(rows, *variable.shape)).astype(variable.dtype)

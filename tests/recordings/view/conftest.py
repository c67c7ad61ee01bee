"""Two runs to look at: trials in two populations, images, results and a replay, of values that follow from their place."""

import sys
from pathlib import Path

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
from apical.recordings.view.catalogue import Catalogue

sys.path.insert(0, str(Path(__file__).parent))

TRIALS, STEPS, ROWS = 1200, 60, 8
UNITS = {"conv1": np.array([1, 5, 6, 30, 40]), "conv2": np.array([0, 3, 9])}
ONE = {"units": "1", "long_name": "thing"}


def activity(population, trials):
    """Value of a unit: its number, and the trial behind the point."""
    k = np.arange(trials)
    basal = UNITS[population] + k[:, None] / 10_000
    return {
        "stimulus_id": k % 7, "context_id": (k - 1) % 7, "label": k % 3, "epoch": k / trials, "step": k // 20,
        "phase": (k % 2).astype(np.int8), "basal": basal.astype(np.float32), "rate": 2 * basal.astype(np.float32),
        "apical": -basal.astype(np.float32), "neuromodulator": np.ones(trials, np.float32), "score": (k / 100).astype(np.float32),
    }  # fmt: skip


def make(folder, populations=("conv1", "conv2")):
    folder.mkdir(parents=True)
    tables = [metrics_table(populations, STEPS), Table(
        path="stimuli", dim="stimulus", length=7,
        variables=(Variable(name="image", dims=("channel", "y", "x"), shape=(3, 4, 5), dtype="uint8", long_name="image"),
                   Variable(name="stimulus_id", dtype="int64", long_name="stimulus", coordinate=True)),
    )]  # fmt: skip
    for name in populations:
        tables += [activity_table(name, TRIALS, UNITS[name], (4, 4, 4)), updates_table(name, STEPS, ROWS)]
    draws = np.random.default_rng(0)
    with Writer.create(
        folder / "recording.zarr", tables, attributes={"config": {"name": "demo"}}, block_bytes=1 << 15
    ) as writer:
        for table in tables:
            if table.path.startswith("activity/"):
                rows = activity(table.path.partition("/")[2], TRIALS)
            else:
                rows = {v.name: drawn(v, table.length, draws) for v in table.variables}
            writer.append(table.path, rows)
    _results(folder)
    _replay(folder)
    return folder


def drawn(variable, rows, draws):
    if variable.name in ("step", "stimulus_id", "samples"):
        return np.arange(rows)
    if variable.name == "image":
        return np.broadcast_to(20 * np.arange(rows)[:, None, None, None], (rows, *variable.shape)).astype(np.uint8)
    return draws.normal(size=(rows, *variable.shape)).astype(variable.dtype)


def _results(folder):
    units = np.concatenate([UNITS["conv1"], UNITS["conv2"]])
    of = np.array(["conv1"] * 5 + ["conv2"] * 3, dtype=object)
    degrees = np.arange(0, 180, 45.0)
    tuning = xr.Dataset(
        {
            "curve": (("unit", "orientation"), units[:, None] + degrees / 1000, {"units": "Hz", "long_name": "mean rate", "symbol": "z"}),
            "selectivity": (("unit",), units / 100.0, {"units": "1", "long_name": "selectivity"}),
            "field": (("unit", "y", "x"), np.ones((8, 3, 4)) * units[:, None, None], {"units": "1", "long_name": "field"}),
        },
        coords={"unit_id": ("unit", units, ONE), "population": ("unit", of, ONE), "orientation": ("orientation", degrees, {"units": "deg", "long_name": "orientation"})},
    )  # fmt: skip
    write_results(folder / "recording.zarr", "analysis-tuning", tuning, {"command": "apical analyse"})


def _replay(folder):
    with ReplayStore(folder, "first") as store:
        store.begin(
            trials=3, units={"unit_id": np.array([5, 6, 7])}, samples=50, voltages=("V_soma", "V_apical"),
            circuit={"W": (("unit", "input"), np.ones((3, 2)), ONE), "gamma": (("trial",), np.arange(3.0), ONE),
                     "rate": (("trial", "unit"), np.arange(9.0).reshape(3, 3), {"units": "1", "long_name": "rate of the rate network"})},
            attributes={"seed": 7},
        )  # fmt: skip
        counts = np.array([2, 0, 3])
        spikes = {"spike_time": np.arange(5, dtype=np.float32), "spike_unit": np.array([0, 1, 2, 1, 0], np.int32)}
        volts = {name: np.arange(450, dtype=np.float32).reshape(3, 3, 50) for name in ("V_soma", "V_apical")}
        store.append({"output_rate": np.ones((3, 3), np.float32), "spike_count": counts, **volts}, spikes)


@pytest.fixture(scope="session")
def looked_at(tmp_path_factory):
    """A run; not to be written to."""
    return make(tmp_path_factory.mktemp("view") / "first")


@pytest.fixture(scope="session")
def other_run(tmp_path_factory):
    """A run of one population."""
    return make(tmp_path_factory.mktemp("view") / "second", populations=("conv1",))


@pytest.fixture(scope="session")
def catalogue(looked_at, other_run):
    return Catalogue([looked_at, other_run])


@pytest.fixture(scope="session")
def source(catalogue):
    return catalogue.open("first", "training")

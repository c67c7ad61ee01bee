"""A small kind of recording whose every value follows from its row number."""

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from apical.recordings import PLAIN, Table, Variable, Writer, activity_table, metrics_table, updates_table
from apical.recordings import open as open_recording

ATTRIBUTES = {
    "command": "apical train shapes --out runs/<demo>",
    "config": {"network": {"name": "vgg6"}, "note": "<script>alert('x')</script>"},
    "seeds": {"weights": 3, "data": 4},
    "versions": {"zarr": "3.1.6"},
    "git": {"commit": "f86211b", "dirty": True},
    "device": "cpu",
}


@pytest.fixture(scope="session")
def counted_table():
    """A table of one coordinate, one matrix and one column."""

    def make(path="activity/conv1", length=40, units=3):
        return Table(
            path=path,
            dim="trial",
            length=length,
            variables=(
                Variable(name="step", dtype="int64", long_name="step", coordinate=True),
                Variable(name="rate", dims=("unit",), shape=(units,), units="Hz", long_name="rate"),
                Variable(name="score", dtype="float64", long_name="score"),
            ),
            coords={"unit_id": (("unit",), np.arange(units), {"units": "1", "long_name": "unit"})},
        )

    return make


@pytest.fixture(scope="session")
def counted_rows():
    """Rows start to stop of a counted table."""

    def make(start, stop, units=3):
        step = np.arange(start, stop)
        rate = (step[:, None] * 10 + np.arange(units)).astype(np.float32)
        return {"step": step, "rate": rate, "score": step / 4}

    return make


@pytest.fixture(scope="session")
def arrays_of():
    """Every stored array of a recording in full, rows beyond the committed ones included."""

    def read(store):
        root = zarr.open_group(store, mode="r")
        return {
            name: np.asarray(node[:]) for name, node in root.members(max_depth=None) if isinstance(node, zarr.Array)
        }

    return read


@pytest.fixture
def store(tmp_path) -> Path:
    """Path of a recording to be made."""
    return tmp_path / "recording.zarr"


@pytest.fixture(scope="session")
def make_run():
    """Make a run folder with a small recording and a read-out, of values that a training run could have."""

    def make(folder, populations=("conv1", "conv2"), steps=60, units=6, rows=8, trials=80, scale=1.0, **dendrites):
        generator = np.random.default_rng(0)
        tables = [metrics_table(populations, steps, dendrites.get("words", PLAIN))]
        for name in populations:
            tables.append(activity_table(name, trials, np.arange(units), (units, 2, 2), **dendrites))
            tables.append(updates_table(name, steps, rows, **dendrites))
        folder.mkdir(parents=True, exist_ok=True)
        with Writer.create(folder / "recording.zarr", tables, attributes=ATTRIBUTES) as writer:
            for table in tables:
                writer.append(
                    table.path, {v.name: plausible(v, table.length, generator, scale) for v in table.variables}
                )
        probe = {name: {"accuracy": 50.0, "accuracy_random": 25.0} for name in populations}
        controls = {"accuracy": 75.0, "accuracy_random": 30.0, "accuracy_pixels": 20.0}
        sizes = {"n_train": 5000, "n_test": 1000, "read_out": "linear"}
        (folder / "probe.json").write_text(json.dumps({**controls, "layers": probe, **sizes}))
        return folder

    return make


def plausible(variable, rows, generator, scale):
    """Rows of a variable of a run."""
    shape = (rows, *variable.shape)
    if variable.name == "phase":
        return generator.integers(0, 2, shape).astype(np.int8)
    if variable.dtype == "int64":
        return np.arange(rows)
    if variable.name.startswith(("gate", "epoch", "loss", "basal_", "apical_")):
        return generator.random(shape).astype(variable.dtype)
    return (scale * generator.normal(variable.name.count("fixation"), 1, shape)).astype(variable.dtype)


@pytest.fixture(scope="session")
def run(make_run, tmp_path_factory):
    """A run folder with two populations and one apical dendrite each; not to be written to."""
    return make_run(tmp_path_factory.mktemp("run") / "demo")


@pytest.fixture(scope="session")
def recorded_run(run):
    """The recording of that run."""
    return open_recording(run)

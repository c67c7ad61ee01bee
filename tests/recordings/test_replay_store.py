"""Replays live inside the store of a run and leave the rest of it alone."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError, ReplayStore, Table, Variable, Writer, open, open_replay

TRIALS, UNITS, SAMPLES = 5, 3, 4
TABLE = Table(path="metrics", dim="step", length=10, variables=(Variable(name="loss", long_name="loss"),))


@pytest.fixture
def run(tmp_path):
    """A run folder whose recording has four committed rows and is still being written."""
    writer = Writer.create(tmp_path / "recording.zarr", [TABLE], attributes={"seed": 1})
    writer.append("metrics", {"loss": np.arange(4, dtype=np.float32)})
    writer.commit()
    return tmp_path


def begin(store):
    one = {"units": "1", "long_name": "thing"}
    store.begin(
        trials=TRIALS, units={"unit_id": np.array([4, 5, 9]), "channel": np.array([0, 0, 1])}, samples=SAMPLES,
        voltages=("V_soma", "V_apical"),
        circuit={"W": (("unit", "input"), np.ones((UNITS, 2)), one), "z_pre": (("trial", "input"), np.ones((TRIALS, 2)), one),
            "basal": (("trial", "unit"), np.ones((TRIALS, UNITS)), one), "gamma": (("trial",), np.arange(float(TRIALS)), one)},
        attributes={"seed": 7, "target": "numpy"},
    )  # fmt: skip


def rows(start, counts, seed=0):
    draws = np.random.default_rng(seed + start)
    trials = len(counts)
    spikes = {
        "spike_time": np.concatenate([np.full(n, start + k, np.float32) for k, n in enumerate(counts)]),
        "spike_unit": draws.integers(0, UNITS, sum(counts), dtype=np.int32),
    }
    voltages = {
        name: draws.normal(-60, 5, (trials, UNITS, SAMPLES)).astype(np.float32) for name in ("V_soma", "V_apical")
    }
    return {"output_rate": np.ones((trials, UNITS), np.float32), "spike_count": np.array(counts), **voltages}, spikes


def digest(folder: Path) -> str:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and "replay" not in p.relative_to(folder).parts]
    return hashlib.sha256(b"".join(str(p).encode() + p.read_bytes() for p in files)).hexdigest()


def test_ragged_spikes_and_voltages_come_back(run):
    with ReplayStore(run, "first") as store:
        begin(store)
        written = [rows(0, [2, 0]), rows(2, [0, 3, 1])]
        for trials, spikes in written:
            store.append(trials, spikes)
    tree = open_replay(run, "first")
    trials, spikes = tree["trials"].to_dataset(), tree["spikes"].to_dataset()
    np.testing.assert_array_equal(trials["V_soma"], np.concatenate([t["V_soma"] for t, _ in written]))
    assert trials["V_soma"].dims == ("trial", "unit", "time")
    assert trials["V_soma"].attrs["units"] == "mV"
    assert trials["time"].attrs["units"] == "ms"
    assert spikes["spike_time"].attrs["units"] == "ms"
    np.testing.assert_array_equal(trials["unit_id"], [4, 5, 9])
    for k, count in enumerate([2, 0, 0, 3, 1]):
        start = int(trials["spike_offset"][k])
        np.testing.assert_array_equal(spikes["spike_time"][start : start + count], np.full(count, k))
    assert tree["circuit"]["W"].shape == (UNITS, 2)
    np.testing.assert_array_equal(tree["circuit"]["gamma"], np.arange(TRIALS))
    assert (tree.attrs["seed"], tree.attrs["target"], tree.attrs["status"]) == (7, "numpy", "complete")
    whole = open(run)
    xr.testing.assert_identical(whole["replay/first/trials"].to_dataset(), trials)
    np.testing.assert_array_equal(whole["metrics"]["loss"], np.arange(4))


def test_the_run_is_untouched_and_can_go_on(run):
    before = digest(run / "recording.zarr")
    with ReplayStore(run / "recording.zarr", "first") as store:
        begin(store)
        store.append(*rows(0, [1, 1, 1, 1, 1]))
    assert digest(run / "recording.zarr") == before
    with Writer.resume(run / "recording.zarr", {"metrics": 2}) as writer:
        writer.append("metrics", {"loss": np.array([9], np.float32)})
    np.testing.assert_array_equal(open(run)["metrics"]["loss"], [0, 1, 9])
    assert open_replay(run, "first")["trials"].sizes["trial"] == TRIALS


KILLED = """
import os, sys
sys.path.insert(0, {folder!r})
from test_replay_store import *
store = ReplayStore({run!r}, "first")
begin(store)
store.append(*rows(0, [2, 1]))
store._writer.append("spikes", rows(2, [3])[1])
os._exit(9)
"""


def test_a_kill_costs_the_replay_its_last_trials_and_the_run_nothing(run):
    before = digest(run / "recording.zarr")
    code = KILLED.format(folder=str(Path(__file__).parent), run=str(run))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert digest(run / "recording.zarr") == before
    tree = open_replay(run, "first")
    assert tree.attrs["status"] == "running"
    assert (tree["trials"].sizes["trial"], tree["spikes"].sizes["spike"]) == (2, 3)
    with pytest.raises(RecordingError, match=r"replay.name: expected a new name, got 'first', which exists"):
        ReplayStore(run, "first")
    with ReplayStore(run, "first", overwrite=True) as store:
        begin(store)
        store.append(*rows(0, [0] * TRIALS))
    assert open_replay(run, "first")["spikes"].sizes["spike"] == 0


def test_an_error_inside_leaves_a_failed_replay(run):
    with pytest.raises(ZeroDivisionError), ReplayStore(run, "first") as store:
        begin(store)
        store.append(*rows(0, [2]))
        raise ZeroDivisionError
    assert open_replay(run, "first").attrs["status"] == "failed"


def test_bad_input_is_one_sentence(run, tmp_path):
    with pytest.raises(RecordingError, match=r"recording.path: expected a recording, got nothing"):
        ReplayStore(tmp_path / "nowhere", "first")
    with pytest.raises(RecordingError, match=r"replay.name: expected a plain name"):
        ReplayStore(run, "a/b")
    with pytest.raises(RecordingError, match=r"expected begin"):
        ReplayStore(run, "first").append(*rows(0, [1]))
    with ReplayStore(run, "first") as store:
        begin(store)
    with pytest.raises(RecordingError, match=r"replay.name: expected one of first, got 'frist'; did you mean 'first'"):
        open_replay(run, "frist")

"""Replays live inside the store of a run and leave the rest of it alone."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError, ReplayStore, Table, Variable, Writer, open, open_replay
from apical.recordings.examine import examine

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


def begin_with_sources(store, trials=TRIALS):
    one = {"units": "1", "long_name": "thing"}
    store.begin(
        trials=trials, units={"unit_id": np.arange(UNITS)}, samples=SAMPLES, voltages=("V_apical",),
        circuit={"inputs": (("input",), np.arange(2), one), "contexts": (("context_unit",), np.arange(4), one),
            "W": (("unit", "input"), np.ones((UNITS, 2)), one),
            "gamma": (("trial",), np.arange(float(trials)), one), "weight": (("trial",), np.full(trials, 0.5), one)},
        attributes={"seed": 7}, sources=True,
    )  # fmt: skip


def rows_with_sources(start, counts):
    trials, spikes = rows(start, counts)
    del trials["V_soma"]
    count, total = len(counts), sum(counts)
    trials |= {
        "input_count": np.array(counts), "context_count": np.zeros(count, dtype=int),
        "spike_before": np.full((count, UNITS), -3, np.float32),
        "eligibility": np.full((count, UNITS, 2), 1 + start, np.float32),
    }  # fmt: skip
    spikes |= {
        "input_time": np.arange(total, dtype=np.float32), "input_index": np.ones(total, np.int32),
        "context_time": np.zeros(0, np.float32), "context_index": np.zeros(0, np.int32),
    }  # fmt: skip
    return trials, spikes


LABELS = {"label": (("trial",), np.arange(TRIALS), {"units": "1", "long_name": "class label"})}


def test_sources_eligibility_and_labels_are_kept(run):
    with ReplayStore(run, "first", further=LABELS) as store:
        begin_with_sources(store)
        store.append(*rows_with_sources(0, [2, 0]))
        store.append(*rows_with_sources(2, [0, 3, 1]))
    tree = open_replay(run, "first")
    trials = tree["trials"]
    np.testing.assert_array_equal(trials["input_offset"], [0, 2, 2, 2, 5])
    np.testing.assert_array_equal(tree["input_spikes"]["input_time"], [0, 1, 0, 1, 2, 3])
    assert tree["context_spikes"].sizes["spike"] == 0
    np.testing.assert_array_equal(tree["circuit"]["label"], np.arange(TRIALS))
    np.testing.assert_array_equal(trials["eligibility"].max(("unit", "input")), [1, 1, 3, 3, 3])
    np.testing.assert_allclose(tree["change"]["dW"][0], 0.5 * (0 + 1 + 3 * (2 + 3 + 4)))
    assert tree.attrs["eligibility_kept"] == "every trial"


def test_an_eligibility_that_is_too_large_is_kept_as_its_sum(run, monkeypatch):
    monkeypatch.setattr("apical.recordings.replay_store.ELIGIBILITY_BYTES", 4 * TRIALS * UNITS * 2 - 1)
    with ReplayStore(run, "first") as store:
        begin_with_sources(store)
        store.append(*rows_with_sources(0, [1] * TRIALS))
    tree = open_replay(run, "first")
    assert "eligibility" not in tree["trials"]
    np.testing.assert_allclose(tree["change"]["dW"][0], 0.5 * 10)
    assert tree.attrs["eligibility_kept"].startswith("sum")


def test_xarray_alone_sees_no_row_that_was_not_written(run):
    with ReplayStore(run, "first") as store:
        begin_with_sources(store)
        store.append(*rows_with_sources(0, [2, 0, 0, 3, 1]))
    where = run / "recording.zarr"
    sizes = {
        table: xr.open_zarr(where, group=f"replay/first/{table}", consolidated=False).sizes
        for table in ("trials", "spikes", "input_spikes", "context_spikes", "change")
    }
    assert [sizes[t]["spike"] for t in ("spikes", "input_spikes", "context_spikes")] == [6, 6, 0]
    assert sizes["trials"]["trial"] == TRIALS
    raw = xr.open_zarr(where, group="replay/first/spikes", consolidated=False)
    np.testing.assert_array_equal(raw["spike_time"], open_replay(run, "first")["spikes"]["spike_time"])
    assert raw["spike_time"].notnull().all()


def test_attributes_stand_on_the_replay_and_on_its_tables(run):
    with ReplayStore(run, "first") as store:
        begin_with_sources(store)
        store.append(*rows_with_sources(0, [2, 0, 0, 3, 1]))
    assert (open(run)["replay/first"].attrs["seed"], open(run)["replay"].attrs) == (7, {})
    raw = xr.open_datatree(run / "recording.zarr", engine="zarr", consolidated=False)
    assert raw["replay/first"].attrs["seed"] == 7
    for table in ("trials", "spikes", "circuit", "input_spikes", "context_spikes", "change"):
        alone = xr.open_zarr(run / "recording.zarr", group=f"replay/first/{table}", consolidated=False)
        assert alone.attrs["seed"] == open_replay(run, "first")[table].attrs["seed"] == 7


def test_what_is_known_of_a_trial_is_a_coordinate_of_it(run):
    with ReplayStore(run, "first", further=LABELS) as store:
        begin_with_sources(store)
        store.append(*rows_with_sources(0, [2, 0]))
        store.append(*rows_with_sources(2, [0, 3, 1]))
    trials = open_replay(run, "first")["trials"].to_dataset()
    assert trials["label"].dims == ("trial",)
    np.testing.assert_array_equal(trials.coords["label"], np.arange(TRIALS))
    assert trials["eligibility"].where(trials.label > 2, drop=True).sizes["trial"] == 2


def test_an_interrupted_replay_is_cut_too(run):
    with pytest.raises(ZeroDivisionError), ReplayStore(run, "first") as store:
        begin_with_sources(store)
        store.append(*rows_with_sources(0, [2]))
        raise ZeroDivisionError
    raw = xr.open_zarr(run / "recording.zarr", group="replay/first/trials", consolidated=False)
    assert raw.sizes["trial"] == 1
    assert open_replay(run, "first")["change"].sizes["batch"] == 0
    assert open_replay(run, "first").attrs["status"] == "failed"


KILLED_WHILE_CUT = """
import os, sys
sys.path.insert(0, {folder!r})
from test_replay_store import *
from apical.recordings import trimming
shorten, left = trimming._resize, [{after}]
def until(*given):
    if not left[0]:
        os._exit(9)
    left[0] -= 1
    shorten(*given)
trimming._resize = until
with ReplayStore({run!r}, "first") as store:
    begin_with_sources(store)
    store.append(*rows_with_sources(0, [2, 1, 0, 0, 1]))
"""


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_kill_while_tables_are_cut_costs_nothing(run, after):
    code = KILLED_WHILE_CUT.format(folder=str(Path(__file__).parent), run=str(run), after=after)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    tree = open_replay(run, "first")
    assert tree.attrs["status"] == "complete"
    np.testing.assert_array_equal(tree["input_spikes"]["input_time"], np.arange(4))
    assert not any(part.lost for part in examine(run / "recording.zarr")[1])


def test_another_length_is_damage(run):
    with ReplayStore(run, "first") as store:
        begin_with_sources(store)
        store.append(*rows_with_sources(0, [2, 1, 0, 0, 1]))
    place = run / "recording.zarr/replay/first/spikes/spike_time/zarr.json"
    place.write_text(place.read_text().replace('"shape": [\n    4\n', '"shape": [\n    3\n'))
    with pytest.raises(RecordingError, match="expected metadata with the checksum"):
        open_replay(run, "first")

"""A sweep that loses a worker and then its client, beside one that nobody disturbs."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import apical
import pytest
import xarray as xr
import yaml
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.results import status_of
from started import alive, below, wait_for
from tiny_sweeps import spec

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc"),
]
# of the wall clock and of the machine
CIRCUMSTANCES = {"seconds", "images_per_second", "peak_memory_bytes", "host", "notes"}
AXES = {"optimiser.learning_rate": [0.001, 0.003, 0.01], "rule.contrast": ["hinge", "softplus"]}
OVERRIDES = [
    "training.epochs=8", "training.keep_checkpoints=1000", "training.batch=8", "stimulus.n_train=128", "recording.enabled=true",
    "recording.rows=4", "recording.every=16",
]  # fmt: skip


def started(path, out, *words):
    code = "from apical.protocols.command.entry import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "sweep", str(path), "--out", str(out), "--workers", "2", *(f"--set={text}" for text in OVERRIDES), *words],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip


def done(out):
    return [path for path in (out / "cells").glob("*.json") if not path.stem.endswith(".failed")]


def begun(out):
    """Cells in hand that have a checkpoint."""
    names = [path.name for path in (out / "runs").glob("[!.]*")]
    return [
        name for name in names if SweepFolder(out).status(name) == "begun" and list((out / "runs" / name).glob("checkpoints/step-*"))
    ]  # fmt: skip


def workers_of(process):
    """Processes of its workers."""
    return [n for n in below(process.pid) if "spawn_main" in Path(f"/proc/{n}/cmdline").read_text()]


def files_of(out):
    """Digest of every file that holds what was learnt or recorded."""
    found = {}
    for path in sorted(out.glob("runs/*/checkpoints/*/*.safetensors")) + sorted(
        out.glob("runs/*/recording.zarr/**/c/**/*")
    ):
        if path.is_file():
            found[str(path.relative_to(out))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def test_a_sweep_that_lost_a_worker_and_its_client_is_the_same_sweep(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec(AXES, seeds=4)))
    whole, out = tmp_path / "whole", tmp_path / "disturbed"
    process = started(path, whole)
    _, told = process.communicate(timeout=280)
    assert process.returncode == 0, told
    assert len(done(whole)) == 24

    process = started(path, out)
    try:
        wait_for(lambda: len(done(out)) >= 3)
        before = workers_of(process)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: len(done(out)) >= 8)
        assert len(workers_of(process)) == 2  # another one was started
        wait_for(lambda: begun(out))
        below_it = below(process.pid)
        process.kill()
        process.communicate(timeout=60)
        wait_for(lambda: not alive(below_it))
    finally:
        process.kill()
    kept, in_hand = {p.name: p.stat().st_mtime_ns for p in done(out)}, begun(out)
    assert len(kept) < 24
    assert in_hand
    marks = {p: p.stat().st_mtime_ns for name in in_hand for p in (out / "runs" / name / "checkpoints").glob("step-*")}
    found = status_of(out)["cells"]
    assert found["done"] == len(kept)
    assert sum(found.values()) == 24

    process = started(path, out)
    _, told = process.communicate(timeout=280)
    assert process.returncode == 0, told
    assert {p.name: p.stat().st_mtime_ns for p in done(out) if p.name in kept} == kept  # done cells were not done again
    assert {p: p.stat().st_mtime_ns for p in marks} == marks  # cells in hand went on from their checkpoints
    for name in (p.stem for p in done(whole)):
        ours, theirs = (SweepFolder(folder).read_result(name) for folder in (out, whole))
        assert {k: v for k, v in ours.items() if k not in CIRCUMSTANCES} == {
            k: v for k, v in theirs.items() if k not in CIRCUMSTANCES
        }
    files = files_of(whole)
    assert len(files) > 24 * 8
    assert files_of(out) == files
    clock = ["seconds", "images_per_second", "peak_memory_bytes"]
    xr.testing.assert_identical(
        apical.open(out).drop_vars(clock).drop_attrs(), apical.open(whole).drop_vars(clock).drop_attrs()
    )


def test_an_interrupted_sweep_ends_with_130_and_goes_on(tmp_path):
    """Ctrl-C, which a terminal sends to the workers as well."""
    path, out = tmp_path / "spec.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(spec({"optimiser.learning_rate": [0.001, 0.01, 0.1]})))
    longer = (
        "--set=training.checkpoint_every=100000",
        "--set=training.epochs=80",
    )  # longer than it takes to interrupt them
    process = started(path, out, *longer)
    wait_for(lambda: list(out.glob("runs/*/.lock")) and list(out.glob("runs/*/recording.zarr")))
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert (
        told.strip().splitlines()[-1]
        == "Error: interrupted; repeat the same command to go on: what was trained is kept"
    )
    assert "Traceback" not in told
    assert list(out.glob("runs/*/checkpoints/step-*"))  # none was due: written because of the request
    process = started(path, out, *longer)
    _, told = process.communicate(timeout=280)
    assert process.returncode == 0, told
    assert len(done(out)) == 3

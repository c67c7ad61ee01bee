"""The command under `torchrun`: one answer, one sentence where it fails, and a run that goes on after a rank was killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zarr

pytestmark = pytest.mark.slow

SETTINGS = {
    "name": "small",
    "stimulus": {"name": "shapes", "image_size": 8, "n_train": 4000, "n_test": 8},
    "network": {"builder": "layers", "layers": [{"conv": 5, "pool": 2, "grid": 2}, {"dense": 7}]},
    "rule": {"context": "both"},
    "training": {"epochs": 1, "batch": 8, "checkpoint_every": 20, "device": "cpu", "precision": "float32"},
    "recording": {"every": 5, "rows": 4, "units": 4},
}


@pytest.fixture
def start(tmp_path):
    """Starts the command in so many processes."""
    file = tmp_path / "small.yaml"
    file.write_text(json.dumps(SETTINGS))

    def run(size: int, *words: str, restarts: int = 0) -> subprocess.Popen[str]:
        launcher = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc-per-node={size}",
            f"--max-restarts={restarts}",
        ]
        command = [*launcher, "-m", "apical", *(words or ("train", str(file)))]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [*command, *(["--out", str(tmp_path / "run"), "--json"] if "train" in command else [])],
            stdout=-1, stderr=-1, text=True, env=environment, start_new_session=True,
        )  # fmt: skip

    return run


def ended(process: subprocess.Popen[str]) -> tuple[int, list[dict], list[str]]:
    """Exit code, what was printed as JSON, and the sentences of errors."""
    out, errors = process.communicate(timeout=280)
    results = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return process.returncode, results, [line for line in errors.splitlines() if line.startswith("Error:")]


def kill_a_rank(run: Path, process: subprocess.Popen[str], rank: int) -> int:
    """Kill it once a checkpoint is there; its step."""
    until = time.monotonic() + 200
    while not (stored := sorted((run / "checkpoints").glob("step-*"))):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    for found in Path("/proc").glob("[0-9]*"):
        try:
            words = (found / "environ").read_bytes().split(b"\0")
            mine = int((found / "stat").read_text().rsplit(")")[1].split()[1]) == process.pid
        except OSError:
            continue
        if mine and f"RANK={rank}".encode() in words:
            os.kill(int(found.name), signal.SIGKILL)
            return int(stored[-1].name[5:])
    raise AssertionError("no such rank")


def test_a_killed_rank_ends_the_job_in_one_sentence_and_others_go_on(start, tmp_path):
    run = tmp_path / "run"
    job = start(4)
    kept = kill_a_rank(run, job, 2)
    code, results, errors = ended(job)
    assert (code, results, len(errors)) == (1, [], 1)
    assert re.search(r"ranks: expected 4 processes until the end, got one that has ended .* --resume", errors[0])
    assert zarr.open_group(run / "recording.zarr", mode="r").attrs["status"] == "failed"
    code, results, errors = ended(start(2, "train", "--resume"))
    assert (code, errors) == (0, [])
    assert [(result["status"], result["steps"]) for result in results] == [("complete", 500)]
    assert results[0]["ranks"]["size"] == 2
    assert results[0]["ranks"]["calls"]["changes"] <= 2 * (500 - kept)
    recording = zarr.open_group(run / "recording.zarr", mode="r")
    np.testing.assert_array_equal(recording["metrics/step"][:], np.arange(0, 500, 5))


def test_a_job_that_torchrun_starts_again_goes_on_by_itself(start, tmp_path):
    job = start(2, restarts=1)
    kept = kill_a_rank(tmp_path / "run", job, 1)
    code, results, _ = ended(job)
    assert code == 0
    assert [(result["status"], result["steps"]) for result in results] == [("complete", 500)]
    assert 0 < results[0]["ranks"]["calls"]["changes"] <= 2 * (500 - kept)  # from the checkpoint on
    recording = zarr.open_group(tmp_path / "run" / "recording.zarr", mode="r")
    np.testing.assert_array_equal(recording["metrics/step"][:], np.arange(0, 500, 5))


def test_other_commands_are_refused(start):
    code, results, errors = ended(start(2, "theory"))
    assert (code, results) == (1, [])
    assert errors == [
        "Error: apical theory: expected one process, got 2 of torchrun; only apical train runs in several"
    ]

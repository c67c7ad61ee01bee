"""A kill, and a failing call, at every write of a run in turn; resumed, each run ends as the undisturbed one, bit for bit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed_in_turn.py")


def swept(folder, kind, *numbers):
    done = subprocess.run(
        [sys.executable, SCRIPT, folder, kind, *map(str, numbers)], capture_output=True, text=True, timeout=3000
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["wrong"] == [], done.stderr
    assert told["tried"] > 5
    return told


@pytest.mark.slow
def test_killed_at_the_writes_of_checkpoints(tmp_path):
    told = swept(tmp_path, "kill", 1, 3, 10_000, "bare")
    assert told["killed"] == told["tried"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["EDQUOT"])
def test_a_full_quota_at_the_writes_of_checkpoints(kind, tmp_path):
    told = swept(tmp_path, kind, 2, 4, 10_000, "bare")
    assert told["said"] == told["tried"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["kill", "EDQUOT", "ENOSPC"])
@pytest.mark.parametrize("bare", ["bare", "recorded"])
def test_every_write_in_turn(kind, bare, tmp_path):
    """Most writes are those of the recording's arrays, 1,800 in all, one like the other."""
    swept(tmp_path, kind, 1, 1 if bare == "bare" else 7, 100_000, bare)

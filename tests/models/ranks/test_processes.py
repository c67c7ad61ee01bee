"""Two processes that talk by gloo."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from apical.models.ranks.processes import joined, launched
from apical.models.ranks.ranks import ALONE

WORKER = Path(__file__).parent / "of_gloo.py"


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return {**os.environ, **{name: str(value) for name, value in own.items()}, "OMP_NUM_THREADS": "1"}


def lines_of(size, *words):
    """What each of so many processes printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [
        subprocess.Popen(
            [sys.executable, WORKER, *words], env=environment(rank, size, port), stdout=-1, stderr=-1, text=True
        )
        for rank in range(size)
    ]
    ended = [process.communicate(timeout=250) for process in started]
    for process, (_, errors) in zip(started, ended, strict=True):
        assert process.returncode == 0, errors
    return [out.splitlines() for out, _ in ended]


@pytest.fixture(scope="module")
def told():
    """Lines of both processes."""
    return lines_of(2)


def test_what_ranks_tell_each_other_arrives(told):
    rows = [[0, 0], [1, 10], [2, 20], [3, 30], [4, 40]]
    for rank, lines in enumerate(told):
        found = json.loads(lines[0])["exchanged"]
        assert found["whole"] == found["half"] == rows
        assert found["none"] == [1]
        assert found["sums"] == [3, 14, 2, 1, 1]
        assert found["strides"]
        assert found["blocks"] == ([rows[:3], rows[3:]] if rank == 0 else [])
        square = [[5 * row + unit for unit in range(5)] for row in range(4)]
        assert found["turned"] == [row[:3] if rank == 0 else row[3:] for row in square]
        assert found["returned"]
        assert found["agreed"] == [False, True]
        assert found["told"] == {"word": "of 0"}
        assert found["begun"] is False


@pytest.mark.parametrize("word", ["lateral", "dfb", "both", "backprop"])
def test_two_processes_end_with_the_weights_of_one(told, word):
    for lines in told:
        apart, _ = json.loads(lines[0])["apart"][word]
        assert apart < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 4])
def test_watched_or_not_processes_end_with_the_weights_of_one(size):
    """Twenty steps in float64; watched at every third, as a recording does."""
    for lines in lines_of(size, "apart"):
        found = json.loads(lines[0])
        assert len(found) == 8
        assert max(found.values()) < 1e-10, found


def test_one_of_them_tells_why_a_job_ends(told):
    assert sorted(json.loads(lines[0])["first"] for lines in told) == [False, True]


def test_a_lost_rank_is_told_in_one_sentence(told):
    assert len(told[0]) == 1
    assert told[1][1] == (
        "ranks: expected 2 processes until the end, got one that has ended (noticed by rank 1); "
        "continue with --resume, with as many of them as you like"
    )


def test_without_torchrun_a_process_is_alone():
    import torch

    assert launched() == (0, 1)
    assert joined(torch.device("cpu")) is ALONE

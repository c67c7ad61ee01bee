"""The measurement of several ranks: every count is its formula."""

import json
import os
import subprocess
import sys

import pytest
from apical.models.ranks.ranks import ALONE
from apical.protocols.bench.ranks import main, measure
from rank_threads import together


@pytest.mark.parametrize("size", [1, 2])
def test_counts_are_those_of_the_formulas(size):
    def measured(ranks):
        return measure(ranks, "both", batch=4, width=1 / 32, steps=1)

    for rank, found in enumerate([measured(ALONE)] if size == 1 else together(size, measured)):
        assert found["ranks"] == size
        assert found["sent"]["counted"] == found["sent"]["predicted"]
        assert found["apical_bytes"]["counted"] == found["apical_bytes"]["predicted"]
        if rank == 0 and size == 1:
            assert found["operations"]["counted"] == found["operations"]["predicted"]


def test_it_prints_one_object(capsys):
    main(["dfb", "--batch", "2", "--width", "0.03125", "--steps", "1"])
    found = json.loads(capsys.readouterr().out)
    assert found["context"] == "dfb"
    assert found["fewer"] is None
    assert found["operations_of_all"] == found["operations"]["counted"]


def test_a_contest_needs_a_rival(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["dfb", "--contest"])
    assert ended.value.code == 2
    assert "--contest: expected several ranks, got one" in capsys.readouterr().err


@pytest.mark.slow
def test_a_contest_times_both():
    command = [
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "apical.protocols.bench.ranks",
        "both",
    ]
    done = subprocess.run(
        [sys.executable, "-m", *command, "--contest", "--batch", "4", "--width", "0.03125", "--steps", "2"],
        capture_output=True, text=True, timeout=250, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["ranks"], found["batch"]) == (2, 4)
    assert all(found[name][kind] > 0 for name in ("explicit", "reduced") for kind in ("seconds", "cpu_seconds"))

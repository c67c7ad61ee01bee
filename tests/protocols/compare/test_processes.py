"""Cells end with their comparison, however that ends, and keep what they learned."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_cells import TINY

SCRIPT = """
import sys
from pathlib import Path
from apical.protocols.compare.run import compare
compare("shapes", Path(sys.argv[1]), rules=["clapp++-dfb"], seconds=600.0, overrides=sys.argv[2:], progress=False)
"""


def cells(out):
    """Processes that run a cell of that folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:  # it has ended
            continue
        if "compare.cell" in words and str(out) in words:
            found.append(path.parent.name)
    return found


def wait_for(ready):
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_comparison_that_is_killed_leaves_no_cell_behind(tmp_path, number):
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path), *TINY], stderr=subprocess.DEVNULL)
    run = tmp_path / "runs" / "clapp++-dfb-seed0"
    try:
        wait_for((run / "metrics.jsonl").is_file)
        assert cells(tmp_path)
        process.send_signal(number)
        assert process.wait(60) != 0
        if number == signal.SIGTERM:
            assert not cells(tmp_path)
        wait_for(lambda: not cells(tmp_path))
        assert list((run / "checkpoints").glob("step-*"))
    finally:
        process.kill()

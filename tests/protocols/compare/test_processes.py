"""Workers end with their comparison, however that ends, and keep what they learned."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from started import alive, below, wait_for
from tiny_cells import TINY

SCRIPT = """
import sys
from pathlib import Path
from apical.protocols.compare.run import compare
if __name__ == "__main__":
    compare("shapes", Path(sys.argv[1]), rules=["clapp++-dfb"], epochs=100_000, overrides=sys.argv[2:], progress=False)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_comparison_that_is_killed_leaves_no_worker_behind(tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), *TINY], stderr=subprocess.PIPE, start_new_session=True
    )
    run = tmp_path / "runs" / "clapp++-dfb-seed0"
    try:
        wait_for(lambda: list((run / "checkpoints").glob("step-*")))
        workers = below(process.pid)
        assert workers
        if number == signal.SIGINT:  # as a terminal does, to all of them
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, told = process.communicate(timeout=120)
        assert process.returncode != 0
        if number != signal.SIGKILL:
            assert b"what was trained is kept" in told
            assert b"Exception ignored" not in told
        wait_for(lambda: not alive(workers))
        assert list((run / "checkpoints").glob("step-*"))
    finally:
        process.kill()

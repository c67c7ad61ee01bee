"""What a recording keeps: through a kill and an interruption, its settings, and what `apical verify` says of it."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from apical import load, recordings
from apical.protocols.command.main import main
from apical.protocols.record import RecordSettings, record
from click.testing import CliRunner

STOP = """
import os, signal, sys, time
import numpy as np
from pathlib import Path
from apical import recordings
from apical.models.recorder.frozen import Frozen
from apical.protocols.record import RecordSettings, record, tables

run, how = Path(sys.argv[1]), sys.argv[2]
tables.MEMORY = 1 << 20
plain, count = Frozen.show, 0

def show(self, *given):
    global count
    count += 1
    if count == 40:
        while how == "SIGKILL" and not recordings.open(run / "recordings/own.zarr").attrs["committed"]["activity/conv1"]:
            time.sleep(0.01)
        os.kill(os.getpid(), getattr(signal, how))
    return plain(self, *given)

Frozen.show = show
record(run, RecordSettings(units=("conv1=all",), repeats=100, batch=32), progress=False)
"""


@pytest.mark.parametrize("how", ["SIGKILL", pytest.param("SIGINT", marks=pytest.mark.slow)])
def test_what_was_committed_survives(run, how):
    done = subprocess.run(
        [sys.executable, "-c", STOP, str(run), how], capture_output=True, text=True, env=dict(os.environ)
    )
    if how == "SIGKILL":
        assert done.returncode == -signal.SIGKILL
    else:
        assert "Interrupted: interrupted; what" in done.stderr
    recording = recordings.open(run / "recordings" / "own.zarr")
    assert recording.attrs["status"] == ("running" if how == "SIGKILL" else "interrupted")
    table = recording["activity/conv1"]
    assert 0 < table.sizes["trial"] <= 39 * 32
    if how == "SIGINT":
        assert table.sizes["trial"] == 39 * 32
    whole = load(run).present("own", units="conv1=all")["activity/conv1"]
    np.testing.assert_allclose(table.rate[:32], whole.rate, rtol=1e-5, atol=1e-6)
    assert np.isfinite(table.rate).all()
    assert table.stimulus_id.values.tolist() == [k % 32 for k in range(table.sizes["trial"])]


def test_an_interrupted_command_says_so(run, monkeypatch):
    from apical.models.recorder.frozen import Frozen

    plain, shown = Frozen.show, []

    def stop(*given):
        shown.append(given)
        if len(shown) == 2:
            raise KeyboardInterrupt
        return plain(*given)

    monkeypatch.setattr(Frozen, "show", stop)
    result = CliRunner().invoke(main, ["record", str(run), "--quiet", "--batch", "8"])
    assert result.exit_code == 130
    assert "--replace" in result.stderr


def test_settings_are_kept(run):
    record(
        run,
        RecordSettings(stimulus="sparse-noise", stimulus_settings={"side": 8}, units=("4",), seed=3),
        progress=False,
    )
    attributes = recordings.open(run / "recordings" / "sparse-noise.zarr").attrs
    assert attributes["kind"] == "presentation"
    assert attributes["shown"] == {"kind": "sparse-noise", "side": 8, "step": 8, "contrasts": [1.0]}
    assert attributes["presentation"]["seed"] == 3


def test_verify_names_a_damaged_chunk(run):
    record(run, RecordSettings(populations=("conv2",)), progress=False)
    assert json.loads(CliRunner().invoke(main, ["verify", str(run), "--json"]).stdout)["damaged"] == 0
    chunk = next((run / "recordings" / "own.zarr" / "activity" / "conv2" / "basal" / "c").rglob("0"))
    chunk = chunk if chunk.is_file() else next(path for path in chunk.rglob("*") if path.is_file())
    content = bytearray(chunk.read_bytes())
    content[len(content) // 3] ^= 4
    chunk.write_bytes(bytes(content))
    result = CliRunner().invoke(main, ["verify", str(run), "--json"])
    files = {found["file"]: found["state"] for found in json.loads(result.stdout.splitlines()[0])["files"]}
    assert result.exit_code == 1
    assert files["recordings/own.zarr/activity/conv2"] == "damaged"

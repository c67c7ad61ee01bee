"""`apical view` and `apical export` pass on what is asked for; what is wrong is one line."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import apical
import numpy as np
import pytest
from apical.protocols import export as exporting
from apical.protocols.command.main import main
from apical.recordings import Table, Variable, Writer
from click.testing import CliRunner


@pytest.fixture
def run(tmp_path):
    """A folder with a recording of two rows."""
    table = Table(path="metrics", dim="step", length=2, variables=(Variable(name="loss", long_name="loss"),))
    with Writer.create(tmp_path / "run/recording.zarr", [table], attributes={}) as writer:
        writer.append("metrics", {"loss": np.array([1, 2], np.float32)})
    return tmp_path / "run"


def test_export_passes_everything_on(run, monkeypatch):
    given = {}
    monkeypatch.setattr(exporting, "export", lambda *args, **words: given.update(words, args=args) or {"path": "x"})
    words = [
        "--format",
        "nwb",
        "--recording",
        "gratings",
        "--replay",
        "first",
        "--populations",
        "a,b",
        "--out",
        "o",
        "--quiet",
        "--json",
    ]
    result = CliRunner().invoke(main, ["export", str(run), *words], standalone_mode=False)
    assert given == {
        "args": (run, "nwb"), "recording": "gratings", "replay": "first", "populations": ["a", "b"], "out": Path("o"), "progress": False,
    }  # fmt: skip
    assert json.loads(result.output) == {"path": "x"}


def test_export_tells_the_size_and_then_the_file(run):
    done = subprocess.run(
        [sys.executable, "-m", "apical.protocols", "export", str(run), "--format", "npz", "--json"], capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert Path(found["path"]) == run / "exports/training.npz"
    assert "MB at most" in done.stderr
    assert found["bytes"] <= found["predicted_bytes"]


def test_exporting_in_python_is_the_same(run):
    found = apical.export(run, "csv", progress=False)
    assert (Path(found.path) / "metrics.csv").read_text().splitlines() == ["loss (1)", "1.0", "2.0"]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["--format", "mat"], "'mat' is not one of", 2),
        (["--format", "npz", "--populations", "a,,b"], "--populations: expected different names", 2),
        (["--format", "npz", "--replay", "first"], "expected one of (none), got 'first'", 1),
        ([], "Missing option '--format'", 2),
    ],
)
def test_what_is_wrong_is_one_line(run, words, said, code):
    done = subprocess.run(
        [sys.executable, "-m", "apical.protocols", "export", str(run), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_page_is_served_until_somebody_ends_it(run):
    command = [sys.executable, "-m", "apical.protocols", "view", str(run), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        told = json.loads(served.stdout.readline())
        assert urllib.request.urlopen(told["url"], timeout=60).status == 200
        assert told["elsewhere"].startswith("ssh -L ")
        served.send_signal(2)
        _, said = served.communicate(timeout=60)
    assert (served.returncode, said) == (0, "")


def test_the_page_in_python_returns_at_once(run):
    with apical.view(run) as page:
        assert urllib.request.urlopen(page.url, timeout=60).status == 200


def test_a_folder_without_a_recording_is_refused(tmp_path):
    with pytest.raises(apical.recordings.RecordingError, match="expected a run with a recording"):
        apical.view(tmp_path)
    with pytest.raises(ValueError, match=r"view.runs: expected at least one run"):
        apical.view()

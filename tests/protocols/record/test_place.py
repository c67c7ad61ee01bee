"""A name of a recording: kept until the new one is complete, free again where nothing was written, and its analyses go with it."""

import subprocess
import sys

import pytest
from apical import recordings
from apical.models.recorder.frozen import Frozen
from apical.protocols.analyse import analyse
from apical.protocols.command.main import main
from apical.protocols.errors import Interrupted
from apical.protocols.record import RecordSettings, record
from apical.recordings.errors import RecordingError
from click.testing import CliRunner

SMALL = RecordSettings(stimulus="own", stimulus_settings={"count": 8}, populations=("conv1",))


def failing(monkeypatch, error):
    def show(*given):
        raise error

    monkeypatch.setattr(Frozen, "show", show)


def names(run):
    return sorted(path.name for path in (run / "recordings").iterdir())


@pytest.mark.parametrize(("error", "raised"), [(RecordingError("full"), RecordingError), (KeyboardInterrupt(), Interrupted)])  # fmt: skip
def test_a_replacement_that_fails_leaves_the_old_one(run, monkeypatch, capsys, error, raised):
    record(run, SMALL, progress=False)
    before = recordings.open(run / "recordings" / "own.zarr").load()
    failing(monkeypatch, error)
    with pytest.raises(raised) as found:
        record(run, SMALL, replace=True, progress=False)
    assert names(run) == ["own.zarr"]
    assert recordings.open(run / "recordings" / "own.zarr").load().identical(before)
    assert "own.zarr stays as it was" in f"{found.value}{capsys.readouterr().err}"


@pytest.mark.parametrize(("error", "raised"), [(RecordingError("full"), RecordingError), (KeyboardInterrupt(), Interrupted)])  # fmt: skip
def test_a_first_recording_without_rows_leaves_the_name_free(run, monkeypatch, error, raised):
    with monkeypatch.context() as patch:
        failing(patch, error)
        with pytest.raises(raised):
            record(run, SMALL, progress=False)
    assert names(run) == []
    assert record(run, SMALL, progress=False)["trials"] == 8


def test_what_a_killed_replacement_left_is_cleared(run):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    process = ended.stdout.strip()
    record(run, SMALL, progress=False)
    folder = run / "recordings"
    (folder / f".own.zarr.{process}.partial").mkdir()
    (folder / "own.zarr").rename(folder / f".own.zarr.{process}.replaced")
    refused = CliRunner().invoke(main, ["record", str(run), "own", "--quiet"])
    assert refused.exit_code == 2
    assert "--replace" in refused.stderr
    assert names(run) == ["own.zarr"]


def test_the_report_forgets_analyses_of_what_was_replaced(run):
    gratings = {"orientations": 4, "phases": 4, "frequencies": "0.1,0.2"}
    for name in ("first", "first-2"):
        settings = RecordSettings(stimulus="gratings", stimulus_settings=gratings, populations=("conv1",), name=name)
        record(run, settings, progress=False)
        analyse(run, "tuning", recording=name)
    settings = RecordSettings(stimulus="gratings", stimulus_settings=gratings, populations=("conv1",), name="first")
    record(run, settings, replace=True, progress=False)
    assert names(run) == ["first-2.zarr", "first.zarr"]
    assert [path.name for path in (run / "sections").glob("analysis-*")] == ["analysis-tuning-first-2.json"]
    drawn = sorted(path.name for path in (run / "figures").glob("analysis_*"))
    assert drawn == ["analysis_tuning-first-2.pdf", "analysis_tuning-first-2.png"]

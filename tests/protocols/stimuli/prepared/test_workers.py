"""Processes that decode."""

import os
import signal
import subprocess
import sys
import time

import pytest
from apical.protocols.stimuli import StimulusError
from apical.protocols.stimuli.datasets.folder import load_folder
from apical.protocols.stimuli.datasets.trees import folder_tree
from apical.protocols.stimuli.prepared.pictures import look, picture
from apical.protocols.stimuli.prepared.store import place
from apical.protocols.stimuli.prepared.workers import MODULE, Workers
from trees import write_images


def test_two_processes_give_the_same_images(photographs, tmp_path, monkeypatch):
    monkeypatch.setenv("APICAL_CACHE", str(tmp_path))
    assert load_folder(photographs, hold=0)[0].fingerprint == load_folder(photographs)[0].fingerprint


def test_a_process_that_ends_is_told(photographs):
    with Workers(1) as pool:
        next(pool.results([("look", {"files": [str(photographs / "train/ant/000.jpg")]})]))
        pool._processes[0].kill()
        with pytest.raises(
            StimulusError, match=r"x\.jpg: expected it and 0 files more to be decoded, got a process that ended with -9"
        ):
            list(pool.results([("look", {"files": ["x.jpg"]})]))


@pytest.mark.slow
def test_a_file_that_the_system_does_not_give_is_not_called_damaged(tmp_path):
    """It may be there another time; a store that left it out would keep doing so."""
    lost = tmp_path / "lost.png"
    told = rf"{lost}: expected a file that can be read, got No such file or directory; mend that and run the same command again"
    for read in (lambda: look(lost), lambda: picture(lost, "RGB", None)):
        with pytest.raises(StimulusError, match=told):
            read()
    with Workers(1) as workers, pytest.raises(StimulusError, match=told):
        list(workers.results([("one", {"files": [str(lost)]})]))


def test_a_build_is_killed_and_goes_on(tmp_path, monkeypatch):
    """Killed with -9 at several moments, and its processes with it; the last one ends it."""
    for name in ("a", "b"):
        write_images(tmp_path / "images" / name, 1200)
    environment = os.environ | {"APICAL_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-m",
        "apical.protocols",
        "data",
        "prepare",
        f"folder:{tmp_path / 'images'}",
        "--json",
        "--workers",
        "2",
    ]
    monkeypatch.setenv("APICAL_CACHE", str(tmp_path / "cache"))
    path = place(folder_tree(tmp_path / "images"))
    journal = path.with_name(f"{path.name}.partial") / "journal.jsonl"
    seen = []
    for lines in (1, 3, 5):
        building = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while building.poll() is None and (not journal.is_file() or journal.read_bytes().count(b"\n") < lines):
            time.sleep(0.01)
        building.send_signal(signal.SIGKILL)
        building.wait()
        seen.append(journal.read_bytes().count(b"\n"))
    assert seen == sorted(seen) and not path.exists()
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert f"goes on after {seen[-1] - 2} decoded shards" in ended.stderr
    train, test = load_folder(tmp_path / "images", hold=0)
    monkeypatch.setenv("APICAL_CACHE", str(tmp_path / "other"))
    assert [train.fingerprint, test.fingerprint] == [part.fingerprint for part in load_folder(tmp_path / "images")]


def test_a_process_ends_with_who_feeds_it():
    process = subprocess.Popen([sys.executable, "-m", MODULE], stdin=subprocess.PIPE)
    process.stdin.close()
    assert process.wait(60) == 0

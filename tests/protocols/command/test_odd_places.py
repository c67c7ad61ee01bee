"""Paths and environments in which a run cannot be, or figures cannot be drawn: one line each."""

import os
import subprocess
import sys

import pytest
from apical.protocols.command.main import main
from apical.recordings.atomic import write_text
from click.testing import CliRunner


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("~", "expected a path, got '~', which your shell did not expand"),
        ("~/runs/x", "which your shell did not expand"),
        (os.fsdecode(b"b\xff"), "expected a path in UTF-8, got b'b\\xff'"),
    ],
)
def test_paths_that_no_part_of_a_run_would_agree_on_are_refused(path, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["train", "demo", "--out", path])
    assert told.exit_code == 2
    assert message in told.stderr
    assert list(tmp_path.iterdir()) == []


def said(words, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "apical.protocols", *words],
        capture_output=True, text=True, env={**os.environ, **environment}, timeout=120,
    )  # fmt: skip
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.returncode, done.stderr


def test_a_backend_that_matplotlib_does_not_know_is_one_line(run_of_one_step):
    code, error = said(["inspect", str(run_of_one_step)], MPLBACKEND="nope")
    assert code == 2
    assert error.startswith("Error: MPLBACKEND: expected a backend of Matplotlib, got 'nope'; unset it")


@pytest.mark.slow
def test_python_without_assertions_is_one_line(run_of_one_step):
    code, error = said(["inspect", str(run_of_one_step)], PYTHONOPTIMIZE="2")
    assert code == 1
    assert error.startswith("Error: PYTHONOPTIMIZE: expected Python with assertions")


def test_names_that_python_could_not_decode_are_written(tmp_path):
    write_text(tmp_path / "a", os.fsencode("posé").decode("ascii", "surrogateescape") + " \udcff")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "posé \ufffd"


@pytest.fixture(scope="module")
def run_of_one_step(tmp_path_factory):
    from small_runs import make_run

    return make_run(tmp_path_factory.mktemp("one") / "run", stimulus__n_train=8, recording__populations=["conv1"])

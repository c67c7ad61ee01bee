"""Requests to stop at every moment of a run: what is left, and what is said."""

import json
import re
import signal

import pytest
from apical.protocols.errors import Interrupted
from apical.protocols.settings.load import load, resume
from apical.protocols.signals import handled, interrupt
from apical.protocols.train import loop
from apical.protocols.train.run import train
from apical.recordings import open as open_recording
from small_runs import SMALL

EVERY = 3
STEPS = 8
PATIENT = [(signal.SIGINT,), (signal.SIGHUP, signal.SIGTERM)]
IMPATIENT = [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)]
# the second of each asks the same of other numbers
EACH_PATIENT, EACH_IMPATIENT = (
    [first, pytest.param(other, marks=pytest.mark.slow)] for first, other in (PATIENT, IMPATIENT)
)


@pytest.fixture
def run(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(json.dumps(SMALL | {"training": SMALL["training"] | {"checkpoint_every": EVERY}}))
    return load(str(file)), tmp_path / "run"


def interrupted(run) -> str:
    config, out = run
    with pytest.raises(Interrupted) as caught, handled(interrupt):
        train(config, out, progress=False)
    return str(caught.value)


def kept(out) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in (out / "checkpoints").glob("step-*"))


def during(monkeypatch, owner, name, numbers, call=1):
    """Send the signals within the n-th call of a function."""
    whole, calls = getattr(owner, name), []

    def sending(*args, **kwargs):
        calls.append(name)
        if len(calls) == call:
            for number in numbers:
                signal.raise_signal(number)
        return whole(*args, **kwargs)

    monkeypatch.setattr(owner, name, sending)


def assert_goes_on(run):
    out = run[1]
    assert open_recording(out).attrs["status"] == "interrupted"
    result = train(resume(out), out, resume=True, progress=False)
    assert (result["status"], result["steps"]) == ("complete", STEPS)
    assert open_recording(out)["metrics"].step.values.tolist() == [0, 4]


@pytest.mark.parametrize("numbers", [PATIENT[1], IMPATIENT[0]])
def test_while_images_are_rendered_nothing_is_written_and_that_is_said(run, monkeypatch, numbers):
    during(monkeypatch, loop.Run, "__init__", numbers)
    assert interrupted(run) == "interrupted; nothing was written"
    assert not run[1].exists()


@pytest.mark.parametrize("numbers", EACH_PATIENT)
def test_a_step_that_began_is_finished(run, monkeypatch, numbers):
    during(monkeypatch, loop.Run, "_one_step", numbers, call=5)
    again = f"apical train --resume --out {run[1]}"
    assert interrupted(run) == f"interrupted; {run[1]} is kept up to step 5: continue with {again}"
    assert kept(run[1]) == [3, 5]
    assert_goes_on(run)


@pytest.mark.parametrize("numbers", EACH_IMPATIENT)
def test_a_second_ctrl_c_breaks_the_step_and_the_checkpoint_before_it_is_named(run, monkeypatch, numbers):
    during(monkeypatch, loop.Run, "_one_step", numbers, call=5)
    assert "is kept up to step 3: continue with" in interrupted(run)
    assert kept(run[1]) == [3]
    assert_goes_on(run)


@pytest.mark.parametrize("numbers", IMPATIENT[:1])
def test_before_the_first_checkpoint_the_run_starts_again(run, monkeypatch, numbers):
    during(monkeypatch, loop.Run, "_one_step", numbers, call=2)
    again = f"apical train --resume --out {run[1]}"
    assert interrupted(run) == f"interrupted; there is no checkpoint yet: {again} starts it again"
    assert_goes_on(run)


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("_checkpoint", IMPATIENT[0]),
        ("_report", PATIENT[1]),
        pytest.param("_checkpoint", PATIENT[1], marks=pytest.mark.slow),
        pytest.param("_report", IMPATIENT[0], marks=pytest.mark.slow),
    ],
)
def test_what_is_being_written_is_written_whole(run, monkeypatch, where, numbers):
    during(monkeypatch, loop.Run, where, numbers)
    assert "is kept up to step 3: continue with" in interrupted(run)
    assert kept(run[1]) == [3]
    assert_goes_on(run)


@pytest.mark.parametrize(
    ("where", "call", "numbers"),
    [
        ("_close", 1, IMPATIENT[0]),
        ("_checkpoint", 3, PATIENT[1]),
        pytest.param("_close", 1, PATIENT[1], marks=pytest.mark.slow),
        pytest.param("_checkpoint", 3, IMPATIENT[0], marks=pytest.mark.slow),
    ],
)
def test_after_the_last_step_the_run_is_complete(run, monkeypatch, where, call, numbers):
    during(monkeypatch, loop.Run, where, numbers, call)
    assert interrupted(run) == f"interrupted, but after the last step: {run[1]} is complete"
    assert kept(run[1]) == [6, 8]
    assert open_recording(run[1]).attrs["status"] == "complete"


def test_a_path_with_blanks_can_be_pasted(run, monkeypatch, tmp_path):
    during(monkeypatch, loop.Run, "_one_step", (signal.SIGINT,), call=1)
    out = tmp_path / "my run"
    assert re.search(r"--out '.*/my run'$", interrupted((run[0], out)))


def test_a_run_that_was_there_is_not_promised_to_another(run, monkeypatch):
    config, out = run
    train(config, out, progress=False)
    during(monkeypatch, loop.Run, "__init__", (signal.SIGINT,))
    with pytest.raises(Interrupted, match=r"is kept up to step 8: continue with"), handled(interrupt):
        train(resume(out), out, resume=True, progress=False)

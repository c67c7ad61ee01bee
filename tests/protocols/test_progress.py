"""One maker of bars: on a terminal, in a notebook, and nowhere else."""

import io
import sys
import types
from pathlib import Path

import pytest
import tqdm.auto
from apical.protocols.progress import Lines, bar, phase

ROOT = Path(__file__).resolve().parents[2]


class Terminal(io.StringIO):
    def __init__(self, tty):
        super().__init__()
        self.isatty = lambda: tty


@pytest.mark.parametrize(("progress", "tty", "shown"), [(True, True, True), (True, False, False), (False, True, False)])
def test_a_bar_is_shown_on_a_terminal_unless_it_is_not_wanted(monkeypatch, progress, tty, shown):
    stream = Terminal(tty)
    monkeypatch.setattr(sys, "stderr", stream)
    with bar(progress, "step", 2) as made:
        made.update()
    assert ("step" in stream.getvalue()) is shown
    assert bool(stream.getvalue()) is shown


@pytest.mark.parametrize("progress", [True, False])
def test_a_notebook_has_its_bar_though_its_stderr_is_no_terminal(monkeypatch, progress):
    class Widget(tqdm.std.tqdm):
        """Stands in for tqdm's own, which needs ipywidgets."""

    Widget.__module__ = "tqdm.notebook"
    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Widget))
    monkeypatch.setattr(sys, "stderr", Terminal(False))
    with bar(progress, "step", 2) as made:
        assert isinstance(made, Widget)
        assert made.disable is not progress


def test_what_is_gone_through_comes_out_whole(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal(True))
    assert list(bar(True, "case", 3, over=iter("abc"), title="part", leave=False)) == list("abc")


def test_bars_are_made_in_one_place():
    makers = [path for path in (ROOT / "protocols").rglob("*.py") if "import tqdm" in path.read_text()]
    assert [path.name for path in makers] == ["progress.py"]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_outside_a_terminal_a_line_a_minute_says_where_it_is(capsys):
    clock = Clock()
    made = bar(True, "step", 624, clock=clock)
    assert isinstance(made, Lines)
    with made:
        for _ in range(300):
            clock.now += 0.5
            made.set_postfix_str("epoch 0.1, loss 1.234, 816 images/s", refresh=False)
            made.update()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "step 120 of 624, epoch 0.1, loss 1.234, 816 images/s, 2 steps/s, 4:12 left",
        "step 240 of 624, epoch 0.1, loss 1.234, 816 images/s, 2 steps/s, 3:12 left",
        "step 300 of 624, epoch 0.1, loss 1.234, 816 images/s, 2 steps/s, 2:42 left; 2:30 in all",
    ]


def test_slow_steps_are_told_when_they_end_and_a_resumed_run_counts_its_own(capsys):
    clock = Clock()
    with bar(True, "step", 10, initial=4, clock=clock, title="training") as made:
        for _ in range(2):
            clock.now += 150
            made.update()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "training: step 5 of 10, 150 s a step, 12:30 left"
    assert len(lines) == 3


def test_a_short_phase_outside_a_terminal_is_silent(capsys):
    clock = Clock()
    with bar(True, "step", 3, clock=clock) as made:
        for _ in range(3):
            clock.now += 19
            made.update()
    assert list(bar(True, "case", 3, over=iter("abc"), clock=clock)) == list("abc")
    assert capsys.readouterr().err == ""


def test_a_bar_of_unknown_length_reads_well(monkeypatch):
    stream = Terminal(True)
    monkeypatch.setattr(sys, "stderr", stream)
    with bar(True, "replay", title="checks", mininterval=0) as made:
        made.set_postfix_str("level 2, seed 0")
        made.update()
    shown = [part.strip() for part in stream.getvalue().replace("\n", "").split("\r") if part.strip()]
    assert shown[0] == "checks: 0 replays [00:00]"
    assert shown[-1] == "checks: 1 replays [00:00, level 2, seed 0]"
    assert "?" not in stream.getvalue()


class Timer:
    """Runs out at once, or never."""

    def __init__(self, over):
        self.over, self.cancelled = over, False

    def __call__(self, after, call):
        self.after, self.call = after, call
        return self

    def start(self):
        if self.over:
            self.call()

    def cancel(self):
        self.cancelled = True


@pytest.mark.parametrize(
    ("progress", "over", "told"), [(True, True, "rendering shapes\n"), (True, False, ""), (False, True, "")]
)
def test_a_phase_says_what_it_does_when_it_takes_long(capsys, progress, over, told):
    timer = Timer(over)
    with pytest.raises(ZeroDivisionError), phase(progress, "rendering shapes", after=2.0, timer=timer):
        raise ZeroDivisionError
    assert capsys.readouterr().err == told
    assert timer.cancelled is progress

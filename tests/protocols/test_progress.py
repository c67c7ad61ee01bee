"""One maker of bars: on a terminal, in a notebook, and nowhere else."""

import io
import sys
import types
from pathlib import Path

import pytest
import tqdm.auto
from apical.protocols.progress import bar

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

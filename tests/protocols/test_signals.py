"""Signals that ask to stop: one meaning, at every moment."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from apical.protocols.signals import STOPPING, handled, interrupt

SLOW = "import time\nfor _ in range(12):\n    time.sleep(0.05)\nfinished = True\n"


@pytest.mark.parametrize("number", STOPPING)
def test_every_signal_is_an_interruption_and_handlers_come_back(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), handled(interrupt):
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_what_is_ignored_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled(interrupt):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_change_nothing():
    seen = []

    def elsewhere():
        with handled(interrupt):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_an_import_is_finished_before_it_is_interrupted(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt), handled(interrupt):
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        import slow_to_import  # noqa: F401

        time.sleep(60)
    assert sys.modules.pop("slow_to_import").finished


@pytest.mark.parametrize("number", STOPPING)
def test_the_command_is_interrupted_before_click_answers(number):
    script = f"""
import os, sys, time, types
def command(prog_name):
    os.kill(os.getpid(), {int(number)})
    time.sleep(60)
sys.modules["apical.protocols.command.main"] = types.SimpleNamespace(main=command)
from apical.protocols.command.entry import main
main()
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=50)
    assert (run.returncode, run.stderr) == (130, "Error: interrupted\n")

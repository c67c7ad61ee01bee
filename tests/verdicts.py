"""Tests run as elsewhere, a line each: what `tests/processors.py` and `tests/versions.py` share. Without a dependency, as both begin without one."""

import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection


def told(name: str, done: subprocess.CompletedProcess[str], begun: float, more: str = "") -> bool:
    """Whether a run of pytest passed; prints its last line with the seconds it took, and where it failed all it said.

    Args:
        name: of the machine or environment.
        done: the run.
        begun: time.monotonic() of the begin.
        more: behind the seconds.
    """
    passed = done.returncode == 0
    last = (done.stdout.strip().splitlines() or ["no output"])[-1].strip("= ")
    sys.stdout.write(f"{name}: {last} ({time.monotonic() - begun:.0f} s{more})\n")
    if not passed:
        sys.stdout.write(done.stdout[-20_000:] + done.stderr[-2_000:])
    sys.stdout.flush()
    return passed


def exit_code(
    parser: ArgumentParser, names: Collection[str], verdict: Callable[[str, Namespace, list[str]], bool]
) -> int:
    """0 when all that are asked for pass, else 1.

    Args:
        parser: of the script's own options; what it does not know is pytest's.
        names: of the machines or environments.
        verdict: runs one, given its name, the options and what is pytest's; whether it passed.
    """
    parser.add_argument("--only", choices=names, action="append", help="one of these; may be repeated")
    options, more = parser.parse_known_args()
    failed = [name for name in options.only or names if not verdict(name, options, more)]
    return 1 if failed else 0

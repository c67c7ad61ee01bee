"""What a check finds, and how a class of checks is run without a test runner."""

import os
import sys
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from unittest import SkipTest

OWN = Path(__file__).parent


class Broken(AssertionError):
    """A check found something else than it asks.

    Args:
        expected: what it asks.
        got: what it found.
        remedy: what to do.
    """

    def __init__(self, expected: str, got: str, remedy: str) -> None:
        super().__init__(f"expected {expected}, got {got}; {remedy}")
        self.expected, self.got, self.remedy = expected, got, remedy


@dataclass(frozen=True, slots=True)
class Finding:
    """What is broken.

    Attributes:
        check: name of the check, a method of the battery.
        expected: what it asks.
        got: what it found.
        remedy: what to do.
    """

    check: str
    expected: str
    got: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.check}: expected {self.expected}, got {self.got}; {self.remedy}"


def unasked(reason: str) -> SkipTest:
    """Raised by a check that has nothing to ask here; test runners show it as skipped."""
    return SkipTest(reason)


def checks(battery: type) -> list[str]:
    """Names of the checks of a battery, in the order in which they stand."""
    found: dict[str, None] = {}
    for kind in reversed(battery.__mro__):
        found |= dict.fromkeys(name for name in vars(kind) if name.startswith("test_"))
    return [name for name in found if callable(getattr(battery, name))]


def run(battery: type, foundations: Collection[str] = ()) -> list[Finding]:
    """Run all checks of a battery, each on an instance of its own; empty where nothing is broken.

    Args:
        battery: the class.
        foundations: checks on which the others stand: once one of them is broken, the others are not asked.
    """
    found: list[Finding] = []
    for name in sorted(checks(battery), key=lambda name: name not in foundations):
        if any(finding.check in foundations for finding in found):
            break
        try:
            getattr(battery(), name)()
        except SkipTest:
            continue
        except Broken as broken:
            found.append(Finding(name, broken.expected, broken.got, broken.remedy))
        except Exception as error:
            found.append(Finding(name, "no error", _told(error), f"raised {_where(error)}"))
    return found


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error) or 'without a message'}"


def _where(error: Exception) -> str:
    """The innermost line outside the battery."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if OWN not in Path(f.filename).parents]
    if not frames:
        return "in the check itself"
    frame = frames[-1]
    name = os.path.relpath(frame.filename) if frame.filename.startswith(sys.path[0] or "\0") else frame.filename
    return f"at {name}:{frame.lineno}, in {frame.name}"

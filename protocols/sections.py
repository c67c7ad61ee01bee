"""What the sections of experiments share: numbers as text, tables of checks, and how a section reaches a report."""

import math
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..recordings import Section, TextTable, write_section
from .runs.folder import RunFolder

NONE = "–"
PASSED, FAILED = "pass", "FAIL"  # words that a terminal colours


def number(value: float | None, form: str = ".4g") -> str:
    """A number as text, a dash where there is none.

    >>> number(0.123456), number(None), number(math.nan)
    ('0.1235', '–', '–')
    """
    return NONE if value is None or not math.isfinite(value) else format(value, form)


def spread(mean: float | None, deviation: float | None, form: str = ".3g") -> str:
    """A mean with its deviation, where it has one.

    >>> spread(0.5, 0.01), spread(0.5, None)
    ('0.5 ± 0.01', '0.5')
    """
    told = number(deviation, ".2g")
    return number(mean, form) + ("" if told == NONE else f" ± {told}")


def count(value: int, what: str) -> str:
    """A count with its noun.

    >>> count(1, "seed"), count(1200, "glance")
    ('1 seed', '1,200 glances')
    """
    return f"{value:,} {what}" + ("" if value == 1 else "s")


def slug(name: str) -> str:
    """A name as files and sections may bear it.

    >>> slug("my protocol")
    'my-protocol'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)


def verdict(passed: bool) -> str:
    """How a check ended."""
    return PASSED if passed else FAILED


def command() -> str:
    """The command that this process was called by; empty where it was no command of ours."""
    name = Path(sys.argv[0]).name
    return shlex.join([name, *sys.argv[1:]]) if name == "apical" else ""


def checks_table(checks: Sequence[Mapping[str, Any]], title: str, *, folded: bool) -> TextTable:
    """Checks as `Check.as_dict` tells them, one a row; the reason of a failed one on the row below.

    Args:
        checks: what was found.
        title: of the table.
        folded: whether it is closed at first.
    """
    rows: list[tuple[str, ...]] = []
    for check in checks:
        low, high = (number(end) for end in check["interval"])
        seeds = low if low == high else f"{low} to {high}"
        rows.append(
            (check["name"], verdict(check["passed"]), check["what"], number(check["value"]), seeds, check["criterion"])
        )
        if check.get("reason") and not check["passed"]:
            rows.append(("", "", f"because: {check['reason']}"))
    head = ("check", "verdict", "quantity", "mean", "over seeds", "criterion")
    return TextTable(head=head, rows=tuple(rows), title=title, folded=folded, numbers=False)


def counted(checks: Sequence[Mapping[str, Any]], about: Mapping[str, str]) -> TextTable:
    """How many quantities of each check pass, one row per name.

    Args:
        checks: as in `checks_table`.
        about: what each name asks.
    """
    rows = []
    for name in dict.fromkeys(check["name"] for check in checks):
        own = [check for check in checks if check["name"] == name]
        passed = sum(check["passed"] for check in own)
        rows.append((name, verdict(passed == len(own)), f"{passed} of {len(own)}", about.get(name, own[0]["what"])))
    head = ("check", "verdict", "passed", "what it asks")
    return TextTable(head=head, rows=tuple(rows), title="Checks", numbers=False)


def found_figures(run: Path, section: Section) -> Section:
    """The section with those of its figures that lie in the folder of the run."""
    present = tuple(figure for figure in section.figures if (run / "figures" / f"{figure.name}.png").is_file())
    return replace(section, figures=present)


def hand_in(folder: Path, section: Section) -> None:
    """Write a section of the report of a run, with the command that made it; nothing where the folder is no run's.

    Args:
        folder: of results.
        section: what the report shows; figures that were not drawn are left out.

    Raises:
        RecordingError: it cannot be written.
    """
    if RunFolder(folder).config.is_file():
        write_section(folder, replace(found_figures(folder, section), command=section.command or command()))

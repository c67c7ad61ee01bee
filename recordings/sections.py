"""Sections: what each analysis hands to the report of a run, as title, tables and figures.

Whoever analyses a run writes one section of plain text and numbers under its own name; the report lays out all that it finds. So a
report holds what any program has done with a run, and this room knows no other room's documents.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .atomic import write_text
from .errors import RecordingError
from .seal import sealed, unsealed

FOLDER = "sections"
ORDER = 50  # of a section that says nothing of its place; read-outs stand at 10, analyses from 20, replays from 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table as a reader sees it.

    Args:
        head: names of the columns.
        rows: cells, one per column; a row may be shorter.
        title: what it shows; empty where the section says it.
        folded: whether it is closed at first: a long one of details.
        numbers: whether all columns but the first hold numbers, which stand right.

    Raises:
        RecordingError: no columns, or a row with more cells than columns.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    folded: bool = False
    numbers: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", tuple(map(str, self.head)))
        object.__setattr__(self, "rows", tuple(tuple(map(str, row)) for row in self.rows))
        longest = max(map(len, self.rows), default=0)
        if not self.head or longest > len(self.head):
            raise RecordingError(
                f"section.table {self.title!r}: expected a column name for each cell, got {len(self.head)} names and rows "
                f"of up to {longest} cells; name every column"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure that was drawn into the folder `figures` of the run.

    Args:
        name: stem of its files there.
        title: a few words.
        caption: what it shows and by which equation; `<var>`, `<sub>`, `<sup>`, `<b>` and `<i>` are kept, all else is plain text.
        folded: whether it is closed at first.

    Raises:
        RecordingError: no plain name.
    """

    name: str
    title: str
    caption: str = ""
    folded: bool = False

    def __post_init__(self) -> None:
        _check_name("section.figure", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a report.

    Args:
        name: its file's name, one per analysis and what it was called: `align`, `lesion-apical_block`, `replay-first`.
        title: heading.
        summary: sentences that say what was done and what was found.
        command: the command that made it; empty where there is none.
        tables, figures: what it shows, in this order.
        notes: sentences after them: limits, what was not shown.
        order: its place; sections of one order are sorted by name.

    Raises:
        RecordingError: no plain name, or no title.
    """

    name: str
    title: str
    summary: tuple[str, ...] = ()
    command: str = ""
    tables: tuple[TextTable, ...] = ()
    figures: tuple[Drawing, ...] = ()
    notes: tuple[str, ...] = ()
    order: int = ORDER

    def __post_init__(self) -> None:
        _check_name("section.name", self.name)
        if not self.title:
            raise RecordingError(f"section.title: expected a heading of {self.name}, got none; give one")


def write_section(run_dir: Path, section: Section) -> Path:
    """Write a section of the report of a run; one of this name from an earlier call is replaced.

    Args:
        run_dir: folder of the run.
        section: what the report shows.

    Raises:
        RecordingError: it cannot be written.
    """
    path = Path(run_dir) / FOLDER / f"{section.name}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        write_text(path, sealed(asdict(section)))
    except (OSError, ValueError) as error:
        raise RecordingError(
            f"section.{section.name}: expected to write {path}, got {error}; check the disk"
        ) from error
    return path


def read_sections(run_dir: Path) -> list[Section]:
    """Every section of the report of a run, in their order.

    Raises:
        RecordingError: one is damaged.
    """
    found = [read_section(path) for path in sorted((Path(run_dir) / FOLDER).glob("*.json"))]
    return sorted(found, key=lambda section: (section.order, section.name))


def read_section(path: Path) -> Section:
    """The section in a file.

    Raises:
        RecordingError: it is damaged.
    """
    try:
        told = unsealed(path.read_text(encoding="utf-8"))
        tables = tuple(TextTable(**table) for table in told.pop("tables"))
        figures = tuple(Drawing(**figure) for figure in told.pop("figures"))
        return Section(**_texts(told), tables=tables, figures=figures)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RecordingError(f"report.section: expected a section in {path}, got {error!r}; make it again") from error


def _texts(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}


def _check_name(where: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RecordingError(f"{where}: expected letters, digits, '-', '_' and '.', got {name!r}; rename it")

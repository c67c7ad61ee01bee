"""How a result is laid out: tables and sections as lines of text for terminals and prompts, the rest as indented values, as HTML for notebooks."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

import click

from ..recordings.sections import Section, TextTable

GAP = "  "
NARROWEST, WIDEST = 18, 80  # columns that a wrapped text keeps, and has at most
# what a column of numbers may hold beside them
_NUMBER = re.compile(r"[-+<>=≤≥~(]*\d[\d.,]*(e[-+]?\d+)?[%):]?|[±–-]|to|of|")
_COLOURS = {"pass": "green", "yes": "green", "FAIL": "red", "failed": "red", "damaged": "red"}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where text is shown.

    Attributes:
        width: columns; None where lines may be of any length, as in a file.
        colour: whether it shows colours.
    """

    width: int | None = None
    colour: bool = False

    def strong(self, text: str) -> str:
        """A heading."""
        return click.style(text, bold=True) if self.colour and text.strip() else text

    def verdict(self, text: str) -> str:
        """A cell, in colour where it is a verdict."""
        colour = _COLOURS.get(text.strip())
        return click.style(text, fg=colour, bold=colour == "red") if self.colour and colour else text

    def paragraph(self, text: str, indent: str = "") -> list[str]:
        """A sentence on as many lines as it needs."""
        if self.width is None or len(indent) + len(text) <= self.width:
            return [indent + text]
        return wrap(text, self.width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


ANY = Screen()


def told(section: Section, screen: Screen = ANY, *, verbose: bool = False) -> list[str]:
    """A section of a report as text: title, summary, tables; what is folded there, and its notes, only where that is asked for.

    Args:
        section: what a command has to show.
        screen: where.
        verbose: all of it.
    """
    found = [screen.strong(section.title)]
    for sentence in section.summary:
        found += screen.paragraph(sentence)
    shown = [table for table in section.tables if verbose or not table.folded]
    for table in shown:
        found += ["", *([screen.strong(table.title)] if table.title else []), *tabulated(table, screen)]
    if verbose and section.notes:
        found += ["", *(line for note in section.notes for line in screen.paragraph(note))]
    hidden = [table.title for table in section.tables if table not in shown]
    if hidden or (section.notes and not verbose):
        more = "; ".join([*hidden, *(["notes"] if section.notes else [])])
        found += ["", *screen.paragraph(f"With -v also: {more}")]
    return found


def tabulated(table: TextTable, screen: Screen = ANY, indent: str = "") -> list[str]:
    """Columns in line, numbers to the right, the head above; what is too wide is wrapped, and then broken into parts below each other.

    Args:
        table: cells as text.
        screen: where.
        indent: before every line.
    """
    rows = [list(row) + [""] * (len(table.head) - len(row)) for row in table.rows]
    right = [all(_is_number(row[i]) for row in rows) and any(row[i] for row in rows) for i in range(len(table.head))]
    room = None if screen.width is None else screen.width - len(indent)
    found: list[str] = []
    for part in _parts(table.head, rows, right, room):
        if found:
            found.append("")
        head, body = [table.head[i] for i in part], [[row[i] for i in part] for row in rows]
        sides = [right[i] for i in part]
        widths = _widths(head, body, sides, room)
        found += [indent + screen.strong(line) for line in _laid(head, widths, sides)]
        for row in body:
            found += [indent + line for line in _laid(row, widths, sides, screen)]
    return found


def _is_number(cell: str) -> bool:
    return all(_NUMBER.fullmatch(word) for word in cell.split(" "))


def _parts(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], room: int | None
) -> list[list[int]]:
    """Columns that stand side by side: all of them, or as many as there is room for, each part beginning with the first."""
    least = [_least(head[i], [row[i] for row in rows], right[i]) for i in range(len(head))]
    parts: list[list[int]] = [[0]]
    for i in range(1, len(head)):
        wanted = sum(least[k] for k in parts[-1]) + least[i] + len(GAP) * len(parts[-1])
        if room is not None and wanted > room and len(parts[-1]) > 1:
            parts.append([0])
        parts[-1].append(i)
    return parts


def _least(head: str, cells: Sequence[str], right: bool) -> int:
    """Columns that it cannot do without: numbers are not wrapped, words are not broken."""
    longest = max((len(cell) for cell in cells), default=0)
    words = max((len(word) for word in head.split()), default=0)
    return max(words, longest if right else min(longest, NARROWEST))


def _most(cells: Sequence[str]) -> int:
    """Columns that cells want; a long text is wrapped also where there is room, a long word is not broken."""
    longest = max((len(cell) for cell in cells), default=0)
    return max(min(longest, WIDEST), max((len(word) for cell in cells for word in cell.split()), default=0))


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], room: int | None) -> list[int]:
    """Of every column: what it wants, or less, taken from the widest first."""
    columns = [[row[i] for row in rows] for i in range(len(head))]
    wanted = [max(len(head[i]), _most(columns[i])) for i in range(len(head))]
    least = [_least(head[i], columns[i], right[i]) for i in range(len(head))]
    while room is not None and sum(wanted) + len(GAP) * (len(wanted) - 1) > room:
        spare = [i for i in range(len(wanted)) if wanted[i] > least[i]]
        if not spare:
            break
        wanted[max(spare, key=lambda i: wanted[i])] -= 1
    return wanted


def _laid(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], screen: Screen = ANY) -> Iterator[str]:
    """One row, on as many lines as its longest cell needs; heads end at the bottom."""
    stacks = [
        wrap(cell, width, break_long_words=False, break_on_hyphens=False) if len(cell) > width else [cell]
        for cell, width in zip(cells, widths, strict=True)
    ]
    for k in range(max(map(len, stacks))):
        line = [stack[k] if k < len(stack) else "" for stack in stacks]
        padded = [
            text.rjust(width) if side else text.ljust(width)
            for text, width, side in zip(line, widths, right, strict=True)
        ]
        padded[-1] = padded[-1].rstrip()
        yield GAP.join(screen.verdict(text) for text in padded).rstrip()


def lines(result: Mapping[str, Any], screen: Screen = ANY, indent: str = "") -> list[str]:
    """A JSON-like result as indented text: one value a line, and rows whose entries hold no others as a table."""
    found: list[str] = []
    for key, value in result.items():
        if isinstance(value, Mapping) and _flat(list(value.values())):
            head = _names(value.values())
            rows = [[name, *(row.get(entry) for entry in head)] for name, row in value.items()]
            found += _table([key, *head], rows, screen, indent)
        elif isinstance(value, Mapping):
            found += [f"{indent}{key}", *lines(value, screen, indent + "  ")]
        elif is_table(value) and _flat(value):
            head = _names(value)
            rows = [[row.get(entry) for entry in head] for row in value]
            found += [f"{indent}{key}", *_table(head, rows, screen, indent + "  ")]
        elif is_table(value):
            found.append(f"{indent}{key}")
            for row in value:
                inner = {name: cell for name, cell in row.items() if isinstance(cell, Mapping) or is_table(cell)}
                cells = [f"{name} {text(cell)}" for name, cell in row.items() if name not in inner]
                found += [f"{indent}  {'  '.join(cells)}", *lines(inner, screen, indent + "    ")]
        else:
            found.append(f"{indent}{key:<20} {text(value)}")
    return found


def _flat(rows: Sequence[Any]) -> bool:
    """Whether two or more rows have entries, none of which holds others."""
    return (
        len(rows) > 1
        and all(isinstance(row, Mapping) and row for row in rows)
        and not any(isinstance(cell, (Mapping, list)) for row in rows for cell in row.values())
    )


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Entries of all rows, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]], screen: Screen, indent: str) -> list[str]:
    cells = tuple(tuple(text(cell) for cell in row) for row in rows)
    return tabulated(TextTable(head=tuple(map(str, head)), rows=cells), screen, indent)


def html(result: Mapping[str, Any], rows: int = 100) -> str:
    """The same as nested HTML tables; of a list of rows the first ones."""
    cells = "".join(
        f"<tr><th>{escape(str(key))}</th><td>{_cell(value, rows)}</td></tr>" for key, value in result.items()
    )
    return f"<table>{cells}</table>"


def _cell(value: Any, rows: int) -> str:
    if isinstance(value, Mapping):
        return html(value, rows)
    if is_table(value):
        names = list(dict.fromkeys(name for row in value for name in row))
        head = "".join(f"<th>{escape(str(name))}</th>" for name in names)
        return f"<table><tr>{head}</tr>{''.join(_rows(value[:rows], names, rows))}</table>{_more(value, rows)}"
    return escape(text(value))


def _rows(value: Sequence[Mapping[str, Any]], names: Sequence[str], rows: int) -> Iterator[str]:
    for row in value:
        yield "<tr>" + "".join(f"<td>{_cell(row.get(name), rows)}</td>" for name in names) + "</tr>"


def _more(value: Sequence[Any], rows: int) -> str:
    return f"and {len(value) - rows} more" if len(value) > rows else ""


def is_table(value: Any) -> bool:
    """Whether a value is a list of rows."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def text(value: Any) -> str:
    """One value: numbers to four digits, lists with commas, nothing as a dash."""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.1f}"
    if isinstance(value, list) and value:
        return ", ".join(text(item) for item in value)
    return "-" if value is None or value == [] else str(value)

"""How a result is laid out: as lines of text for terminals and prompts, as HTML for notebooks."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any


def lines(result: Mapping[str, Any], indent: str = "") -> list[str]:
    """A JSON-like result as indented text: one value a line, and what has the same entries in every row as a table."""
    found: list[str] = []
    for key, value in result.items():
        if isinstance(value, Mapping) and _alike(list(value.values())):
            found += _table(
                [key, *next(iter(value.values()))], [[name, *row.values()] for name, row in value.items()], indent
            )
        elif isinstance(value, Mapping):
            found += [f"{indent}{key}", *lines(value, indent + "  ")]
        elif is_table(value) and _alike(value):
            found += [f"{indent}{key}", *_table(list(value[0]), [list(row.values()) for row in value], indent + "  ")]
        elif is_table(value):
            found.append(f"{indent}{key}")
            for row in value:
                inner = {name: cell for name, cell in row.items() if isinstance(cell, Mapping) or is_table(cell)}
                cells = [f"{name} {text(cell)}" for name, cell in row.items() if name not in inner]
                found += [f"{indent}  {'  '.join(cells)}", *lines(inner, indent + "    ")]
        else:
            found.append(f"{indent}{key:<20} {text(value)}")
    return found


def _alike(rows: Sequence[Any]) -> bool:
    """Whether two or more rows have the same entries, none of which holds others."""
    return (
        len(rows) > 1
        and all(isinstance(row, Mapping) and row.keys() == rows[0].keys() and row for row in rows)
        and not any(isinstance(cell, (Mapping, list)) for row in rows for cell in row.values())
    )


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]], indent: str) -> list[str]:
    """Columns in line, numbers to the right; the first row names them."""
    numeric = [all(isinstance(row[i], (int, float)) or row[i] is None for row in rows) for i in range(len(head))]
    cells = [[str(name) for name in head], *([text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]

    def laid(row: Sequence[str]) -> str:
        columns = zip(row, widths, numeric, strict=True)
        return (indent + "  ".join(c.rjust(w) if right else c.ljust(w) for c, w, right in columns)).rstrip()

    return [laid(row) for row in cells]


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

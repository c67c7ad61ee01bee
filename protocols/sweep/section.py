"""A sweep as the terminal and the page show it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...recordings import Section, TextTable
from ..progress import clocked
from ..sections import NONE, count, number
from .folder import BEGUN, DIVERGED, DONE, FAILED, WAITING
from .summary import best_of

STATES = (DONE, DIVERGED, FAILED, BEGUN, WAITING)
WORDS = {"accuracy": ("accuracy (%)", ".2f"), "loss": ("loss", ".4g")}


def label(value: Any) -> str:
    """A label as text.

    >>> label(0.001), label(3), label("lpl")
    ('0.001', '3', 'lpl')
    """
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def states(cells: Mapping[str, int]) -> str:
    """How many cells stand where.

    >>> states({"done": 2, "failed": 1})
    '3 cells: 2 done, 1 failed'
    """
    parts = [f"{cells[state]:,} {state}" for state in STATES if cells.get(state)]
    return f"{count(sum(cells.values()), 'cell')}: {', '.join(parts)}"


def section(result: Mapping[str, Any]) -> Section:
    """What a sweep found: a line per point; every cell folded.

    Args:
        result: as `sweep` gives it.
    """
    rows, lines = result["rows"], result["summary"]
    told = [f"{states(result['cells'])}. Budget of a cell: {result['budget']}."]
    best = best_of(lines)
    if best is not None:
        words, form = WORDS[best["metric"]]
        where = ", ".join(f"{axis} {label(value)}" for axis, value in best["at"].items())
        spread = (
            ""
            if best["interval"] is None
            else f" ± {number(best['interval'], '.2g')} (95 % interval of {best['n']} seeds)"
        )
        told.append(
            f"Best {words.partition(' ')[0]} over seeds at {where}: {number(best['mean'], form)}{' %' if '%' in words else ''}{spread}."
        )
    told += [f"{row['cell']} {row['status']}: {row['error']}" for row in rows if row["error"]]
    return Section(
        name="sweep", title=f"Sweep {result['name']}", summary=tuple(told), tables=(points(lines), every(rows)), order=0,
        notes=("Means over the seeds of a point; ± is half a 95 % interval by Student's t.",),
    )  # fmt: skip


def points(lines: Sequence[Mapping[str, Any]]) -> TextTable:
    """A row per point."""
    if not lines:
        return TextTable(head=("point",), rows=())
    axes, metric = list(lines[0]["at"]), lines[0]["metric"]
    words, form = WORDS[metric]
    gain = metric == "accuracy"
    head = [
        *axes,
        words,
        "± 95 %",
        "s.d.",
        "n",
        *(["gain over own random init"] if gain else []),
        "loss",
        "epochs",
        "images/s",
    ]
    if not gain:
        head.remove("loss")
    return TextTable(
        head=tuple(head), rows=tuple(_point(line, form, gain) for line in lines), title="Points", numbers=False
    )


def _point(line: Mapping[str, Any], form: str, gain: bool) -> tuple[str, ...]:
    lost = [f"{line[state]} {state}" for state in (FAILED, DIVERGED) if line[state]]
    n = (
        f"{line['n']}"
        + (f" of {line['of']}" if line["n"] < line["of"] else "")
        + (f" ({', '.join(lost)})" if lost else "")
    )
    rest = [number(line["gain"], "+.2f"), number(line["loss"], ".4g")] if gain else []
    return (
        *map(label, line["at"].values()), number(line["mean"], form), number(line["interval"], ".2g"), number(line["sd"], ".2g"), n, *rest,
        number(line["epochs"], ".1f"), number(line["images_per_second"], ".0f"),
    )  # fmt: skip


def every(rows: Sequence[Mapping[str, Any]]) -> TextTable:
    """A row per cell."""
    forms = {
        "accuracy": ("accuracy (%)", ".2f"), "accuracy_random": ("random init (%)", ".2f"), "loss": ("loss", ".4g"), "epochs": ("epochs", ".1f"),
        "steps": ("steps", ",.0f"), "samples": ("images", ",.0f"), "seconds": ("time (s)", ".1f"), "images_per_second": ("images/s", ".0f"),
    }  # fmt: skip
    cells = tuple(
        (row["cell"], row["status"], *(number(row.get(name), form) for name, (_, form) in forms.items()))
        for row in rows
    )
    return TextTable(
        head=("cell", "status", *(head for head, _ in forms.values())), rows=cells, title="Every cell", folded=True
    )


def status(found: Mapping[str, Any]) -> Section:
    """Where a sweep stands.

    Args:
        found: as `status_of` gives it.
    """
    left = found["left_seconds"]
    told = [f"{states(found['cells'])}. Budget of a cell: {found['budget']}."]
    if left:
        told.append(f"About {clocked(left)} of training are left for one worker, by the mean of those that are done.")
    rows = tuple(
        (row["cell"], row["status"], number(row["accuracy"], ".2f"), number(row["loss"], ".4g"), number(row["epochs"], ".1f"), number(row["seconds"], ".1f"), row["error"] or NONE)
        for row in sorted(found["rows"], key=lambda row: (STATES.index(row["status"]), row["cell"]))
    )  # fmt: skip
    head = ("cell", "status", "accuracy (%)", "loss", "epochs", "time (s)", "error")
    return Section(
        name="sweep",
        title=f"Sweep {found['name']}",
        summary=tuple(told),
        tables=(TextTable(head=head, rows=rows, numbers=False),),
    )


def dry(found: Mapping[str, Any]) -> Section:
    """What a sweep would do.

    Args:
        found: as `dry.dry` gives it.
    """
    axes = list(found["rows"][0]["at"])
    rows = tuple(
        (row["cell"], row["status"], *(label(row["at"][axis]) for axis in axes), number(row["epochs"], ",.0f"), number(row["samples"], ",.0f"))
        for row in found["rows"]
    )  # fmt: skip
    told = [f"{states(found['cells'])}. Budget of a cell: {found['budget']}. Nothing was started."]
    told.append(found["cost"])
    return Section(
        name="sweep", title=f"Sweep {found['name']}", summary=tuple(told),
        tables=(TextTable(head=("cell", "status", *axes, "epochs", "images"), rows=rows, numbers=False),),
    )  # fmt: skip

"""A comparison as the terminal shows it."""

from collections.abc import Mapping
from typing import Any

from ...recordings import Section, TextTable
from ..sections import count, number
from ..sweep.plan import Budget
from .table import HEAD, cells_of, ranking


def section(result: Mapping[str, Any]) -> Section:
    """What `compare` found: a line per rule, best first, controls last; every run folded.

    Args:
        result: as `compare` gives it.
    """
    budget = result["budget"]
    time = Budget(budget.get("epochs"), budget.get("samples"), budget.get("seconds")).told()
    told = f"Every rule was trained for {time} with {count(len(result['seeds']), 'seed')}, and all populations were read out alike; means over seeds."
    lost = tuple(f"{name} failed: {reason}" for name, reason in result["failed"].items())
    best = TextTable(
        head=tuple(HEAD), rows=tuple(tuple(cells_of(line)) for line in ranking(result["summary"])), numbers=False
    )
    sources = tuple(
        f"{line['rule']}: {line['published_source']}" for line in result["summary"] if line["published_source"]
    )
    return Section(
        name="compare", title=f"Comparison on {result['comparison']}", summary=(told, *lost), tables=(best, _runs(result["rows"])), notes=sources
    )  # fmt: skip


def _runs(rows: list[dict[str, Any]]) -> TextTable:
    forms = {
        "accuracy": ("accuracy (%)", ".2f"), "accuracy_random": ("random init (%)", ".2f"), "epochs": ("epochs", ".1f"),
        "steps": ("steps", ",d"), "seconds": ("time (s)", ".0f"), "images_per_second": ("images/s", ".0f"),
    }  # fmt: skip
    cells = tuple(
        (row["rule"], str(row["seed"]), *(number(row.get(name), form) for name, (_, form) in forms.items()))
        for row in rows
    )
    return TextTable(
        head=("rule", "seed", *(head for head, _ in forms.values())), rows=cells, title="Every run", folded=True
    )

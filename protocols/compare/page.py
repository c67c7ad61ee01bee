"""Figure and page of a comparison."""

import base64
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...recordings.atomic import write_text
from ...recordings.pages import write_html
from ...recordings.plot_style import COLOURS, GREY, new_figure, save, styled
from ..sections import NONE
from .chart import chart
from .curves import draw, write_csv
from .table import CONTROLS, HEAD, PIXELS, RANDOM, cells_of, markdown, ranking


def write_page(
    out: Path,
    facts: dict[str, Any],
    table: Sequence[dict[str, Any]],
    rows: Sequence[dict[str, Any]],
    cells: Sequence[Mapping[str, Any]],
    curves: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    """Write compare.md, compare.html, figures/compare.png and .pdf, and of read-outs on the way curves.csv and figures/curves; returns their paths.

    Args:
        out: folder of the comparison.
        facts: comparison, budget, seeds, machine.
        table: `summary`.
        rows: every run, as it stood at the epochs of the table.
        cells: every run, as it stands: rule, seed, status, epochs, accuracy, seconds and command.
        curves: of read-outs on the way, see `curves_of`.
    """
    figure = _draw(table, rows, out / "figures" / "compare")
    text = out / "compare.md"
    write_text(text, markdown(table))
    content = {
        "title": f"Comparison on {facts['comparison']}",
        "facts": [(name, _said(value)) for name, value in facts.items()],
        "head": HEAD,
        "rows": [cells_of(line) for line in ranking(table)],
        "filters": {line["rule"]: f"rule-{place}" for place, line in enumerate(ranking(table))},
        "cells": [_shown(cell) for cell in cells],
        "chart": chart(curves) if curves else None,
        "sources": [f"{line['rule']}: {line['published_source']}" for line in table if line["published_source"]],
        "figure": base64.b64encode(figure.read_bytes()).decode("ascii"),
    }
    page = write_html(out / "compare.html", "compare.html", content)
    found = {"figure": str(figure), "table": str(text), "page": str(page)}
    if curves:
        found["curves"] = write_csv(out / "curves.csv", curves)
        found["curves_figure"] = str(draw(curves, out / "figures" / "curves"))
    return found


def command_of(facts: Mapping[str, Any], rule: str, seed: int) -> str:
    """The command that makes one run alone, in a folder of the same name.

    Args:
        facts: comparison, budget, read_at, set (texts that lie over all settings) and only (words of entries of the user's own).
        rule: its entry.
        seed: its seed.
    """
    amounts = {kind: facts["budget"][kind] for kind in ("epochs", "samples", "seconds")}
    kind, amount = next(((kind, amount) for kind, amount in amounts.items() if amount is not None), ("", "own"))
    budget = f"{amount:.12g}s" if kind == "seconds" else f"{amount}{kind}"
    word = facts["only"].get(rule)
    words = [
        "apical",
        "compare",
        "--spec",
        facts["comparison"],
        *(["--rules", rule] if word is None else ["--only", word]),
    ]
    words += ["--seeds", str(seed), "--budget", budget]
    read_at = ",".join(map(str, facts["read_at"]))
    words += ["--read-at", read_at] if read_at else []
    return shlex.join([*words, *(part for text in facts["set"] for part in ("--set", text))])


def _shown(cell: Mapping[str, Any]) -> dict[str, str]:
    """A run as text."""
    forms = {"accuracy": ".2f", "epochs": ".0f", "seconds": ".0f"}
    numbers = {name: NONE if cell[name] is None else format(cell[name], form) for name, form in forms.items()}
    return {name: str(cell[name]) for name in ("rule", "seed", "status", "command")} | numbers


def _said(value: Any) -> str:
    """A fact in words: what was not set is left out."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_said(below)}" for name, below in value.items() if below is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@styled
def _draw(table: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], stem: Path) -> Path:
    """Mean accuracy of every rule as a bar, its runs as dots, a seed above the other; the controls as lines."""
    lines = [line for line in ranking(table) if line["rule"] not in CONTROLS and line["n"]][::-1]
    figure = new_figure(6.6, 0.34 * len(lines) + 1.2)
    axes = figure.subplots()
    for place, line in enumerate(lines):
        axes.barh(place, line["mean"], color=COLOURS[0], alpha=0.35, height=0.7)
        found = [row["accuracy"] for row in rows if row["rule"] == line["rule"]]
        # one above the other: equal ones would hide each other
        heights = [place + 0.56 * ((i + 0.5) / len(found) - 0.5) for i in range(len(found))]
        axes.plot(found, heights, "o", color=COLOURS[0], markersize=3.5 if len(found) < 8 else 2)
    for label, colour in ((RANDOM, COLOURS[3]), (PIXELS, GREY)):
        for line in table:
            if line["rule"] == label:
                axes.axvline(line["mean"], color=colour, linestyle="--", label=f"{label} ({line['mean']:.1f} %)")
    axes.set_yticks(range(len(lines)), [line["rule"] for line in lines])
    axes.set_xlabel("test accuracy of the read-out of all populations (%)")
    axes.margins(y=0.02)
    if any(line["rule"] in CONTROLS for line in table):
        figure.legend(loc="outside upper center", ncols=2)
    return save(figure, stem)

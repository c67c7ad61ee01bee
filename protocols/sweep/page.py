"""The page of a sweep: one HTML file, with its table and figures beside it."""

from dataclasses import replace
from typing import Any

import yaml

from ...recordings.figures import Figures
from ...recordings.pages import write_html
from ...recordings.report import laid_out
from ...recordings.sections import Section
from ..runs.files import plain
from ..sections import command
from .axes import GRID
from .figures import draw
from .folder import SweepFolder
from .manifest import read
from .results import counted, open_sweep, row_of
from .section import section
from .summary import summarised, write_csv


def write_results(folder: SweepFolder) -> dict[str, Any]:
    """Write sweep.csv, figures/ and sweep.html of what is done so far.

    Args:
        folder: of the sweep.

    Returns:
        JSON-ready dict: sweep, name, budget, cells (by status), rows, summary, failed, files.

    Raises:
        ConfigError: a result is damaged.
        RecordingError: the page cannot be written.
    """
    manifest = read(folder)
    plan = manifest.plan
    rows = [row_of(folder, name, cell["at"]) for name, cell in manifest.cells.items()]
    lines = summarised(plan, rows)
    result: dict[str, Any] = {
        "sweep": str(folder.path), "name": plan.name, "budget": plan.budget.told(), "cells": counted(rows), "rows": rows, "summary": lines,
        "failed": {row["cell"]: row["error"] for row in rows if row["status"] == "failed"},
    }  # fmt: skip
    table = write_csv(folder.path / "sweep.csv", plan, rows)
    drawn, notes = draw(open_sweep(folder.path), plan, lines, folder.path)
    told = replace(section(plain(result)), command=command())
    figures = Section(name="figures", title="Figures", figures=tuple(drawn), notes=tuple(notes))
    parts = [told, *([figures] if drawn or notes else [])]
    content = {
        "title": f"Sweep {plan.name}",
        "parts": [laid_out(part, folder.path, Figures()) for part in parts],
        "width": 72,
        "configurations": [(plan.name, _settings(folder))],
    }
    page = write_html(folder.path / "sweep.html", "report.html", content)
    result["files"] = {
        "csv": str(table),
        "page": str(page),
        "figures": [str(folder.path / "figures" / f"{each.name}.png") for each in drawn],
    }
    return result


def _settings(folder: SweepFolder) -> str:
    """What was swept, as YAML."""
    plan = read(folder).plan
    axes: dict[str, Any] = {}
    for axis in plan.axes:
        each = {str(value.label): value.settings for value in axis.values}
        axes[axis.name] = [value.label for value in axis.values] if axis.kind == GRID else {axis.kind: each}
    told = {
        "base": plan.base,
        "axes": axes,
        "seeds": list(plan.seeds),
        "do": list(plan.do),
        "set": list(plan.overrides),
    }
    return yaml.safe_dump(plain(told), sort_keys=False, allow_unicode=True, width=100)

"""Presets beside their sources as the report and the terminal show them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...recordings import Drawing, Section, TextTable
from ..sections import NONE, number, verdict

PLACE = 90
HEAD = ("preset or part", "quantity", "found", "source", "at most apart", "verdict")


def section(result: Mapping[str, Any]) -> Section:
    """What `check_cells` found.

    Args:
        result: as `check_cells` gives it.
    """
    rows = tuple(
        (
            row["part"],
            row["quantity"],
            *(number(row[name]) for name in ("found", "expected", "at_most")),
            NONE if row["passed"] is None else verdict(row["passed"]),
        )
        for row in result["rows"]
    )
    asked = [row["passed"] for row in result["rows"] if row["passed"] is not None]
    summary = f"{sum(asked)} of {len(asked)} quantities are as near to their source as their criterion asks; the others are only told."
    drawings = tuple(Drawing(name=Path(path).stem, title=f"Cells: {part}") for part, path in result["figures"].items())
    return Section(
        name="cells", title="Neurons and synapses of the literature", summary=(summary,),
        tables=(TextTable(head=HEAD, rows=rows, numbers=False),), figures=drawings, order=PLACE,
    )  # fmt: skip

"""Checks of the theory as the report and the terminal show them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...recordings import Drawing, Section, TextTable
from ..sections import number, verdict

PLACE = 80
SOURCE = "Theorems 3.1 and 3.3 and proposition 3.5 of arXiv 2601.21683, in deep linear networks."
CONDITIONS = ("orthogonality", "nonlinearity")
TITLES = {
    "theory_theorem_3_1": "Theorem 3.1",
    "theory_theorem_3_3": "Theorem 3.3",
    "theory_proposition_3_5": "Proposition 3.5",
    "theory_breaking": "Where theorem 3.1 breaks",
}


def section(result: Mapping[str, Any]) -> Section:
    """What `check_theory` found.

    Args:
        result: as `check_theory` gives it.
    """
    tables = (_verdicts(result), _distances(result), _few(result), _blocks(result), *_breaking(result))
    drawings = tuple(
        Drawing(name=Path(path).stem, title=TITLES.get(name, name)) for name, path in result["figures"].items()
    )
    return Section(
        name="theory",
        title="Where local learning is backpropagation",
        summary=(SOURCE,),
        tables=tables,
        figures=drawings,
        order=PLACE,
    )


def _verdicts(result: Mapping[str, Any]) -> TextTable:
    first, second, third, last = (
        result[name] for name in ("theorem_3_1", "theorem_3_3", "proposition_3_5", "breaking")
    )
    rows = [
        ("theorem 3.1", verdict(first["passed"]), f"largest relative error, contrast {kind}", number(error, ".1e"), f"<= {first['criterion'][kind]:.0e}")
        for kind, error in first["largest_error"].items()
    ]  # fmt: skip
    hinge = first["hinge"]
    rows += [
        ("theorem 3.1, hinge", verdict(hinge["passed"]), "largest relative error with dual variables", number(hinge["error"], ".1e"), ""),
        ("theorem 3.3", verdict(second["passed"]), "cases in which it is violated", str(second["violations"]), f"0 of {second['cases']}"),
        ("proposition 3.5", verdict(third["passed"]), "largest error of the construction", number(third["error"], ".1e"), f"<= {third['criterion']:.0e}"),
        ("breaking", verdict(last["passed"]), "largest mean gap at the conditions of theorem 3.1", number(_gap(last, 0, max), ".1e"), "0"),
        ("", "", "smallest mean gap farthest from them", number(_gap(last, -1, min), ".3g"), "above it"),
    ]  # fmt: skip
    head = ("statement", "verdict", "quantity", "found", "criterion")
    return TextTable(head=head, rows=tuple(rows), numbers=False)


def _gap(found: Mapping[str, Any], end: int, choose: Callable[[list[float]], float]) -> float:
    """Of the mean gaps at one end of both conditions, over contrasts and sources."""
    gaps = []
    for condition in CONDITIONS:
        at = list(dict.fromkeys(row["value"] for row in found[condition]))[end]
        rows = [row for row in found[condition] if row["value"] == at]
        gaps += [value for row in rows for name, value in row.items() if name.startswith("gap_")]
    return choose(gaps)


def _distances(result: Mapping[str, Any]) -> TextTable:
    found = result["theorem_3_3"]
    sources = list(next(iter(found["distance"].values())))
    rows = [(f"contrast {name}", *(number(row[s], ".3g") for s in sources)) for name, row in found["distance"].items()]
    rows += [(f"width ratio {row['ratio']:g}", *(number(row[s], ".3g") for s in sources)) for row in found["ratios"]]
    title = "Theorem 3.3: mean relative distance to the gradient, by context source"
    return TextTable(head=("networks", *sources), rows=tuple(rows), title=title, folded=True)


def _few(result: Mapping[str, Any]) -> TextTable:
    names = ("objects", "cases", "violations", "populations", "violated_populations", "violations_linear")
    rows = tuple(tuple(str(row[name]) for name in names) for row in result["theorem_3_3"]["few_objects"])
    head = tuple(name.replace("_", " ") for name in names)
    return TextTable(head=head, rows=rows, title="Theorem 3.3 where objects are few", folded=True)


def _blocks(result: Mapping[str, Any]) -> TextTable:
    found = result["proposition_3_5"]["blocks"]
    sources = list(found[0]["left"])
    head = ("objective", "block", *(f"{kind} ({s})" for kind in ("left", "change") for s in sources))
    rows = tuple(
        (
            row["objective"],
            str(row["block"]),
            *(number(row[kind][s], ".3g") for kind in ("left", "change") for s in sources),
        )
        for row in found
    )
    title = "Proposition 3.5: what is left without full spatial dependency"
    return TextTable(head=head, rows=rows, title=title, folded=True, numbers=False)


def _breaking(result: Mapping[str, Any]) -> list[TextTable]:
    tables = []
    for condition in CONDITIONS:
        rows = result["breaking"][condition]
        names = [name for name in rows[0] if name != "contrast"]
        cells = tuple((row["contrast"], *(number(row[name], ".3g") for name in names)) for row in rows)
        head = ("contrast", *(name.replace("_", " ") for name in names))
        tables.append(TextTable(head=head, rows=cells, title=f"Theorem 3.1 without {condition}", folded=True))
    return tables

"""An alignment as the report and the terminal show it: one line per run, fit of B and step, one column per population."""

from collections.abc import Mapping
from typing import Any

from ...recordings import Drawing, Section, TextTable
from ..sections import spread

PLACE = 20
FIGURE = "align"
_CAPTION = (
    "Local changes of the weights against the gradient of the objective at the top of the network, population by population, at the random "
    "initialisation and at the last checkpoint: cosine, 1 where both point the same way, and norm of the local change over that of the gradient. "
    "Bars: standard errors over batches."
)
TITLES = {"cosine": "Cosine of the local change with the backprop gradient", "norm_ratio": "Norm of the local change over that of the gradient"}  # fmt: skip


def section(result: Mapping[str, Any]) -> Section:
    """What `align` found.

    Args:
        result: as `align` gives it.
    """
    tables = [_table(result, name) for name in TITLES]
    objectives = dict.fromkeys(result.get("objective", {}).values())
    told = f"Local changes against backprop on {result['batches']} batches; mean ± standard error over batches."
    summary = [told] + [f"B was also fitted to {result['fit_b']} on {result['fit_batches']} batches."] * (
        result["fit_b"] != "none"
    )
    lines = {said: [line for line, of in result["objective"].items() if of == said] for said in objectives}
    summary += [f"Objective whose gradient is compared with{_of(lines, said)}: {said}." for said in objectives]
    return Section(
        name="align", title="Alignment with backprop", summary=tuple(summary), tables=tuple(tables),
        figures=(Drawing(name=FIGURE, title="Alignment with backprop", caption=_CAPTION),),
        notes=tuple(f"{label}: {note}" for label, note in result["notes"].items()), order=PLACE,
    )  # fmt: skip


def _of(lines: Mapping[str, list[str]], said: str) -> str:
    """Whose objective it is, where there are several."""
    return f", of {', '.join(lines[said])}" if len(lines) > 1 else ""


def _table(result: Mapping[str, Any], name: str) -> TextTable:
    errors = result[f"{name}_se"]
    rows = [
        (f"{line}, step {step}", *(spread(*pair) for pair in zip(means, errors[line][step], strict=True)))
        for line, steps in result[name].items()
        for step, means in steps.items()
    ]
    return TextTable(head=("wiring", *result["layers"]), rows=tuple(rows), title=TITLES[name])

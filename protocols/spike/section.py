"""A closed loop as the report and the terminal show it."""

from collections.abc import Mapping
from typing import Any

from ...recordings import Drawing, Section, TextTable
from ..sections import checks_table, number

PLACE = 70
FIGURES = {
    "spike_raster": (
        "raster of three glances",
        "A network of spiking neurons in a closed loop through three glances: what its inputs saw, every spike, score <var>u</var> and neuromodulator "
        "<var>γ</var> that its own modulatory neurons gave each population, and potentials of three units; the tuft, on the right scale, holds what "
        "it predicts from the glance before. Shaded: the eyes move and nothing is seen.",
    ),
    "spike_learning": (
        "learning",
        "Objective of what the closed loop has learnt from spikes, run with rates on pairs that it never learnt from, beside its rate twin, which "
        "learnt with rates from the same start on the same glances.",
    ),
}


def section(result: Mapping[str, Any]) -> Section:
    """What `spike` found.

    Args:
        result: as `spike` gives it.
    """
    tables = [checks_table(result["checks"], "Checks", folded=False)]
    tables += [_controls(result["controls"])] if result["controls"] else []
    settings = result["settings"]
    told = (
        f"A network of its own, populations of {', '.join(map(str, settings['layers']))} units, learns from {result['glances']:,} glances at "
        f"{settings['data']}: {result['neurons']:,} neurons, {result['synapses']:,} synapses."
    )
    irregular = ", ".join(f"{number(value, '.2f')} (seed {seed})" for seed, value in result["irregularity"].items())
    passed = (
        f"{result['passed']} of {result['passed'] + result['failed']} quantities meet their criterion with every seed."
    )
    drawings = tuple(
        Drawing(name=name, title=f"Closed loop: {title}", caption=caption)
        for name, (title, caption) in FIGURES.items()
        if name in result["figures"]
    )
    return Section(
        name="spike", title="Learning in spikes: the closed loop",
        summary=(passed, told, f"Irregularity of its spikes, CV2 (1 for Poisson): {irregular}."), tables=tuple(tables), figures=drawings,
        order=PLACE,
    )  # fmt: skip


def _controls(controls: Mapping[str, Mapping[str, Any]]) -> TextTable:
    """Mean of every quantity by control, and which checks reject it."""
    names = list(dict.fromkeys(name for found in controls.values() for name in found if name != "rejected_by"))
    rows = tuple(
        (control, *(_mean(found.get(name, [])) for name in names), ", ".join(found["rejected_by"]) or "none")
        for control, found in controls.items()
    )
    title = "Controls, which must fail: means over seeds, and the checks that hold with no seed"
    return TextTable(head=("control", *names, "rejected by"), rows=rows, title=title, numbers=False)


def _mean(values: list[float | None]) -> str:
    present = [value for value in values if value is not None]
    return number(sum(present) / len(present), ".3g") if len(present) == len(values) and values else "–"

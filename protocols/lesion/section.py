"""A protocol's results as the report and the terminal show them: what was expected, every condition's measures, and every probe folded."""

from collections.abc import Collection, Mapping
from typing import Any

from ...recordings import Drawing, Section, TextTable
from ..sections import count, slug, spread, verdict
from .expectations import CHANGE
from .quantities import DERIVED, OWN

PLACE = 30
_CAPTION = (
    "Measures of every condition at its last probe. Of several seeds discs are means, bars standard deviations and small dots single seeds; a ring is the "
    "first of several probes; a grey band is what was published."
)


def section(result: Mapping[str, Any]) -> Section:
    """What `lesion` found with one protocol.

    Args:
        result: as `lesion` gives it.
    """
    tables = [_expected(result)] if result["expectations"] else []
    tables += [_measures(result), _probes(result)]
    steps = f", {count(result['steps'], 'step')} per condition" if result["stage"] == "network" else ""
    met = sum(line["holds"] for line in result["expectations"])
    summary = [
        f"{result['title']}.",
        f"{count(len(result['conditions']), 'condition')}, {count(len(result['seeds']), 'seed')}{steps}; started from {result['checkpoint']}.",
    ]
    notes = [f"{name} diverged." for name in result["diverged"]]
    notes += [f"Left out: {name}, for the rule has {reason}." for name, reason in result.get("left_out", {}).items()]
    if result["expectations"]:
        summary.insert(0, f"{met} of {len(result['expectations'])} expectations are met with every seed.")
    figure = Drawing(
        name=figure_name(result["protocol"]), title=f"Lesion protocol {_words(result['protocol'])}", caption=_CAPTION
    )
    return Section(
        name=f"lesion-{slug(result['protocol'])}", title=f"Lesion protocol: {_words(result['protocol'])}", summary=tuple(summary),
        tables=tuple(tables), figures=(figure,), notes=tuple(notes), order=PLACE,
    )  # fmt: skip


def figure_name(protocol: str) -> str:
    """Stem of the figure's files."""
    return f"lesion_{slug(protocol)}"


def _expected(result: Mapping[str, Any]) -> TextTable:
    rows = tuple(
        (verdict(line["holds"]), f"{sum(line['seeds'])} of {len(line['seeds'])}", line["text"])
        for line in result["expectations"]
    )
    return TextTable(head=("verdict", "seeds", "expected"), rows=rows, title="Expectations", numbers=False)


def _measures(result: Mapping[str, Any]) -> TextTable:
    """Means over populations at the last probe, a row per condition."""
    conditions = result["conditions"]
    measures = next(iter(conditions.values()))["measures"]
    names = [name for name in measures if not _derived(name, measures)]
    head = ("condition", "probe", *(_headed(name, result.get("units", {})) for name in names))
    rows = []
    for label, found in conditions.items():
        probe = [moment for moment in found["measures"][names[0]] if moment != CHANGE][-1]
        values = (found["measures"][name][probe] for name in names)
        rows.append((_words(label), _words(probe), *(spread(value["mean"], value["sd"]) for value in values)))
    return TextTable(
        head=head, rows=tuple(rows), title="At the last probe, mean over populations ± standard deviation over seeds"
    )


def _probes(result: Mapping[str, Any]) -> TextTable:
    rows = [
        (_words(label), _words(name), _words(probe), spread(value["mean"], value["sd"]))
        for label, found in result["conditions"].items()
        for name, probes in found["measures"].items()
        for probe, value in probes.items()
    ]
    head = ("condition", "measure", "probe", "mean ± s.d. over seeds")
    return TextTable(head=head, rows=tuple(rows), title="Every measure at every probe", folded=True, numbers=False)


def _headed(name: str, given: Mapping[str, str]) -> str:
    units = given.get(name) or (OWN[name].units if name in OWN else "1")  # a result of an earlier version gives none
    return _words(name) + ("" if units == "1" else f" ({units})")


def _derived(name: str, measures: Collection[str]) -> bool:
    """Whether it is a mean over some populations of another measure."""
    base, _, end = name.rpartition("_")
    return end in DERIVED and base in measures


def _words(name: str) -> str:
    return name.replace("_", " ")

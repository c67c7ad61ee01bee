"""The figure of a protocol: one panel per measure, and the curve of a circuit or a synapse."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...recordings.plot_style import GREY, colours, new_figure, styled
from .protocol import Protocol
from .table import CURVES

COLUMNS = 3
TOLD_BY_CURVE = ("circuit", "synapse")  # stages whose measures are all read off the curve
# a panel that reaches further is drawn symmetrically logarithmic, 0 to 1 as wide as so many decades: what stayed small can still be told apart
DIVERGED, LINEAR_DECADES = 1e4, 6.0


@styled
def draw(protocol: Protocol, found: xr.Dataset, verdicts: Sequence[dict[str, Any]]) -> Figure:
    """Means over seeds with standard deviations; small dots are seeds, rings the first probe, a grey band what was published, as its legend says.

    Args:
        protocol: the protocol.
        found: its dataset.
        verdicts: expectations and whether they hold; told below the panels.
    """
    curve, published = CURVES.get(protocol.head.stage), protocol.head.published
    names = [name for name in protocol.head.measures if name in found and protocol.head.stage not in TOLD_BY_CURVE]
    first = 1 if curve else 0  # panel of the first measure
    count = len(names) + first
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    labels = [str(label) for label in found["condition"].values]
    height = max(2.2, 0.28 * len(labels) + 1.1)
    figure = new_figure(max(5.5, 3.4 * columns), rows * height + 0.5 + 0.16 * len(verdicts))
    grid = figure.subplots(rows, columns, squeeze=False)
    for spare in grid.flat[count:]:
        spare.set_visible(False)
    shades = dict(zip(labels, colours(len(labels)), strict=True))
    probes = {condition.label: condition.probes for condition in protocol.conditions}
    if curve:
        _curve(grid.flat[0], found["curve"], curve[0], shades)
    panels = list(grid.flat)[first:]
    for axes, name in zip(panels, names, strict=False):
        if "population" in found[name].dims:
            _populations(axes, found[name], shades, probes)
            band = axes.axhspan
        else:
            _conditions(axes, found[name], shades, probes)
            band = axes.axvspan
        if name in published:
            band(*published[name], color=GREY, alpha=0.25, linewidth=0)
    flat = [name for name in names if "population" not in found[name].dims]
    for place, name in enumerate(names):
        if (place + first) % columns and place and name in flat and names[place - 1] in flat:
            panels[place].tick_params(labelleft=False)  # the panel to the left has them
    handles, _ = max((axes.get_legend_handles_labels() for axes in grid.flat), key=lambda told: len(told[0]))
    marks = _marks(flat, probes, any(name in published for name in names), len(found["seed"]))
    if handles or marks:  # one beside all panels hides no curve
        figure.legend(handles=[*handles, *marks], loc="outside right upper", fontsize=7)
    figure.suptitle(protocol.head.title)
    lines = [
        f"{'met' if v['holds'] else 'NOT met'} ({sum(v['seeds'])}/{len(v['seeds'])}):  {v['text']}" for v in verdicts
    ]
    figure.supxlabel("\n".join(lines), fontsize=7, ha="left", x=0.02)
    return figure


def _marks(flat: Sequence[str], probes: dict[str, list[str]], banded: bool, seeds: int) -> list[Artist]:
    """What dots, discs, rings and bands of the panels stand for; of those that are drawn."""
    found: list[Artist] = [_mark("o", f"mean of {seeds} seeds ± s.d." if seeds > 1 else "the seed", 5)]
    if flat:
        found += [_mark(".", "one seed", 3)] * (seeds > 1)
        found += [_mark("o", "mean at the first probe", 5, "white")] * any(len(names) > 1 for names in probes.values())
    return found + [Patch(color=GREY, alpha=0.25, linewidth=0, label="published")] * banded


def _mark(marker: str, label: str, size: float, face: str = GREY) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker=marker, color=GREY, markerfacecolor=face, markersize=size, label=label
    )


def _conditions(axes: Axes, values: xr.DataArray, shades: dict[str, str], probes: dict[str, list[str]]) -> None:
    """One row per condition: ring at the first probe, disc at the last; nothing where that found no number."""
    for row, (label, shade) in enumerate(shades.items()):
        names, at = probes[label], values.sel(condition=label)
        last = at.sel(probe=names[-1]).values
        if len(names) > 1:
            first = at.sel(probe=names[0]).values
            axes.plot([np.mean(first), np.mean(last)], [row, row], color=shade, linewidth=0.8)
            axes.plot(np.mean(first), row, "o", markerfacecolor="white", markeredgecolor=shade, markersize=5)
        if len(last) > 1:
            axes.plot(last, np.full(len(last), row + 0.22), ".", color=shade, markersize=3)
        axes.errorbar(np.mean(last), row, xerr=_sd(last), color=shade, marker="o", markersize=5, capsize=2)
    axes.set_yticks(range(len(shades)), [label.replace("_", " ") for label in shades])
    axes.set_ylim(len(shades) - 0.5, -0.5)
    axes.set_xlabel(_label(values))


def _populations(axes: Axes, values: xr.DataArray, shades: dict[str, str], probes: dict[str, list[str]]) -> None:
    """Every condition at its last probe, side by side; no line joins populations, which are no values of one quantity."""
    names = [str(name) for name in values["population"].values]
    for shift, (label, shade) in enumerate(shades.items()):
        last = values.sel(condition=label, probe=probes[label][-1]).values
        place = np.arange(len(names)) + 0.7 / len(shades) * (shift - (len(shades) - 1) / 2)
        axes.errorbar(
            place, last.mean(0), yerr=last.std(0, ddof=1) if len(last) > 1 else None, color=shade, marker="o", markersize=3.5,
            capsize=1.5, linestyle="none", elinewidth=1.0, label=label.replace("_", " "),
        )  # fmt: skip
    axes.set_xticks(range(len(names)), names, rotation=30)
    if float(np.abs(values).max()) > DIVERGED:
        axes.set_yscale("symlog", linthresh=1.0, linscale=LINEAR_DECADES)
    axes.set_ylabel(_label(values))
    axes.axhline(0, color=GREY, linewidth=0.6)


def _curve(axes: Axes, values: xr.DataArray, name: str, shades: dict[str, str]) -> None:
    for label, shade in shades.items():
        at = values.sel(condition=label).dropna(name, how="all")
        mean, sd = at.mean("seed").values, at.std("seed", ddof=1).values if at.sizes["seed"] > 1 else None
        axes.errorbar(
            at[name].values,
            mean,
            yerr=sd,
            color=shade,
            marker="o",
            markersize=3,
            capsize=2,
            label=label.replace("_", " "),
        )
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.axvline(0, color=GREY, linewidth=0.6)
    axes.set_xlabel(_label(values[name]))
    axes.set_ylabel(_label(values))


def _label(values: xr.DataArray) -> str:
    units = values.attrs["units"]
    text = str(values.attrs["long_name"]) + ("" if units == "1" else f" ({units})")
    words, lines = text.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 34:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{word}"
    return "\n".join(lines)


def _sd(values: Any) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None

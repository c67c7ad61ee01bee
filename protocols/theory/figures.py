"""Figures of the theory: errors, distances and gaps of all cases."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...recordings.plot_style import COLOURS, GREY, new_figure, save, styled
from .proposition_3_5 import BLOCKS, SIDE
from .theorem_3_1 import CONTRASTS, CRITERION
from .theorem_3_3 import FEW_OBJECTS, RATIOS

Rows = Sequence[Mapping[str, Any]]
CONTEXT = {"lateral": ("own context", COLOURS[0]), "dfb": ("top context (DFB)", COLOURS[3])}
CONTRAST = {"linear": ("linear", "s"), "softplus": ("soft hinge", "o"), "logistic": ("logistic difference", "^")}
GAP = "distance of the change to the\nbackprop gradient (relative)"


def draw(rows: Mapping[str, Rows], folder: Path) -> dict[str, Path]:
    """Draw every part into a folder; paths of the PNGs by name."""
    drawn = {
        "theory_theorem_3_1": theorem_3_1(rows["theorem_3_1"], rows["hinge"]),
        "theory_theorem_3_3": theorem_3_3(rows["theorem_3_3"], rows["few_objects"]),
        "theory_proposition_3_5": proposition_3_5(rows["blocks"]),
        "theory_breaking": breaking(rows["breaking"]),
    }
    return {name: save(figure, folder / name) for name, figure in drawn.items()}


@styled
def theorem_3_1(rows: Rows, hinge: Rows) -> Figure:
    """Largest error of every network against its depth, beside the criteria."""
    figure = new_figure(7.0, 3.2)
    axes = figure.subplots()
    groups = [(name, [r for r in rows if r["contrast"] == name]) for name in CONTRASTS] + [("hinge", list(hinge))]
    names = {name: said for name, (said, _) in CONTRAST.items()} | {"hinge": "hinge, dual variables"}
    marks = {name: mark for name, (_, mark) in CONTRAST.items()} | {"hinge": "D"}
    for k, (name, chosen) in enumerate(groups):
        x = [row["depth"] * 1.07 ** (k - 1.5) for row in chosen]
        y = [max(max(row["error"].values()), 1e-17) for row in chosen]
        axes.scatter(x, y, s=14, marker=marks[name], color=COLOURS[k], label=names[name], linewidths=0)
    for kind, place in (("linear", "criterion, linear"), ("smooth", "criterion, smooth contrasts")):
        axes.axhline(CRITERION[kind], color=GREY, linewidth=0.9, linestyle="--")
        axes.text(1.72, CRITERION[kind] * 1.5, place, color="#555555", fontsize=7.5)
    axes.set(xscale="log", yscale="log", ylim=(1e-16, 1e-5), xlim=(1.7, 19), xlabel="populations")
    axes.set_xticks([2, 4, 8, 16], ["2", "4", "8", "16"], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_ylabel("largest relative error of\nthe local change (dimensionless)")
    figure.legend(loc="outside right upper")
    return figure


@styled
def theorem_3_3(rows: Rows, few: Rows) -> Figure:
    """Distance with top context against that with own context, over the ratio of widths, and violations where objects are few."""
    figure = new_figure(9.4, 3.3)
    left, middle, right = figure.subplots(1, 3)
    for k, (name, (said, mark)) in enumerate(CONTRAST.items()):
        of = [r["relative"] for r in rows if r["contrast"] == name]
        style: dict[str, Any] = {"s": 12, "marker": mark, "color": COLOURS[(0, 2, 4)[k]], "linewidths": 0, "alpha": 0.8}
        left.scatter([r["lateral"] for r in of], [r["dfb"] for r in of], label=said, **style)
    ends = _limits([value for row in rows for value in row["relative"].values()])
    left.plot(ends, ends, color=GREY, linewidth=0.9)
    left.set(
        xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="distance, own context", ylabel="distance, top context"
    )
    left.legend(loc="upper left", handletextpad=0.2)
    for source, (said, colour) in CONTEXT.items():
        groups = [[r["relative"][source] for r in rows if r["ratio"] == ratio] for ratio in RATIOS]
        _means(middle, RATIOS, groups, colour, said)
    middle.set(xlabel="width over the width below", ylabel=GAP, ylim=(0, None))
    middle.invert_xaxis()
    middle.legend(loc="upper left")
    kinds = {"linear": ("linear",), "smooth, not linear": tuple(name for name in CONTRASTS if name != "linear")}
    for (said, chosen), mark in zip(kinds.items(), ("s", "o"), strict=True):
        share = []
        for objects in FEW_OBJECTS:
            of_few = [r for r in few if r["objects"] == objects and r["contrast"] in chosen]
            share.append(
                100 * sum(r["violated_populations"] for r in of_few) / max(1, sum(r["populations"] for r in of_few))
            )
        right.plot(FEW_OBJECTS, share, marker=mark, markersize=4, label=said, color=COLOURS[0 if mark == "s" else 2])
    right.set(xscale="log", xlabel="objects in the batch", ylim=(-0.3, None))
    right.set_ylabel("populations closer with\nown context (%)")
    right.set_xticks(FEW_OBJECTS, [str(n) for n in FEW_OBJECTS])
    right.set_xticks([], minor=True)
    right.legend()
    return figure


@styled
def proposition_3_5(blocks: Rows) -> Figure:
    """What the best B leaves of the backprop error, and of the change, over the side of a block."""
    figure = new_figure(8.4, 3.2)
    titles = {"left": "backprop error of every neuron\nthat the best B leaves (relative)", "change": GAP}
    panels = figure.subplots(1, 2)
    for axes, (kind, title) in zip(panels, titles.items(), strict=True):
        for objective, line in (("full", "-"), ("same", "--")):
            for source, (said, colour) in CONTEXT.items():
                groups = [
                    [r[kind][source] for r in blocks if (r["block"], r["objective"]) == (block, objective)]
                    for block in BLOCKS
                ]
                seen = "every place" if objective == "full" else "the same blocks"
                # the two contexts nearly coincide: the second is drawn thinner, on top
                _means(
                    axes, BLOCKS, groups, colour, f"{said}, top sees {seen}", line, 2.6 if source == "lateral" else 1.2
                )
        axes.set(xscale="log", xlabel="side of a block (places)", ylabel=title, ylim=(-0.03, 1.05))
        axes.set_xticks(BLOCKS, [*(str(block) for block in BLOCKS[:-1]), f"{SIDE}\n(global)"])
        axes.set_xticks([], minor=True)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


@styled
def breaking(rows: Rows) -> Figure:
    """Gap and cosine over the distance from orthogonality and over the slope of the rate below zero."""
    figure = new_figure(8.0, 5.2)
    grid = figure.subplots(2, 2, sharex="col", sharey="row")
    columns = {"orthogonality": "departure", "nonlinearity": "value"}
    labels = {
        "orthogonality": "distance from orthogonality, $|W^TW - 1|/\\sqrt{n}$",
        "nonlinearity": "slope below zero",
    }
    for column, (condition, field) in enumerate(columns.items()):
        for name, line in (("linear", "--"), ("softplus", "-")):
            of = [r for r in rows if (r["condition"], r["contrast"]) == (condition, name)]
            values = list(dict.fromkeys(r["value"] for r in of))
            groups = [[r for r in of if r["value"] == value] for value in values]
            x = [float(np.mean([r[field] for r in group])) for group in groups]
            for source, (said, colour) in CONTEXT.items():
                for row, kind in enumerate(("gap", "cosine")):
                    found = [[r[kind][source] for r in group] for group in groups]
                    _means(grid[row, column], x, found, colour, f"{said}, {CONTRAST[name][0]}", line)
        grid[1, column].set(xlabel=labels[condition], ylim=(0, 1.05))
        grid[0, column].set_yscale("symlog", linthresh=1)
    for axes in grid[:, 1]:
        axes.set_xlim(1.03, -0.03)  # both columns start where the theorem holds
    for axes in grid[0]:
        axes.set_yticks([0, 0.5, 1, 10, 100], ["0", "0.5", "1", "10", "100"])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
    grid[0, 0].set_ylabel(GAP)
    grid[1, 0].set_ylabel("cosine between the two\n(dimensionless)")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def _means(
    axes: Axes, x: Sequence[float], groups: Sequence[Sequence[float]], colour: str, said: str, line: str = "-",
    width: float = 1.4,
) -> None:  # fmt: skip
    """Mean over networks with its standard error."""
    kept = [(at, group) for at, group in zip(x, groups, strict=True) if group]
    means = [float(np.mean(group)) for _, group in kept]
    errors = [float(np.std(group, ddof=1)) / len(group) ** 0.5 if len(group) > 1 else 0.0 for _, group in kept]
    axes.errorbar(
        [at for at, _ in kept], means, yerr=errors, color=colour, label=said, linestyle=line, linewidth=width, marker="o",
        markersize=3, elinewidth=0.8,
    )  # fmt: skip


def _limits(values: Sequence[float]) -> tuple[float, float]:
    return max(min(values), 1e-3) / 1.3, max(values) * 1.3

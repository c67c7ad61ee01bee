"""Figures of a sweep: the metric over its axes, and the loss over training; means with intervals, and every seed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from ...recordings.plot_style import COLOURS, GREY, colours, new_figure, panels, save, styled
from ...recordings.sections import Drawing
from .axes import Axis
from .plan import SEED, Plan
from .results import EPOCH, is_number, short_names
from .section import label
from .summary import interval

MOST_PANELS, MOST_LINES, MOST_NUMBERS = 9, 12, 120
SPREAD = 0.012  # of the width, between the dots of two seeds: equal ones do not hide each other
SAID = {"accuracy": "accuracy (%)", "loss": "loss"}
SEEDS = "Dots: every seed, side by side; "
MEANS = "line: mean over seeds, with its 95 % interval by Student's t where there are three or more."


def draw(
    found: xr.Dataset, plan: Plan, lines: Sequence[Mapping[str, Any]], folder: Path
) -> tuple[list[Drawing], list[str]]:
    """Draw what the results allow into the folder's figures.

    Args:
        found: results over the axes.
        plan: of the sweep.
        lines: its summary, in the order in which names are shown.
        folder: of the sweep.

    Returns:
        The drawings, and what was left out.
    """
    metric = str(lines[0]["metric"]) if lines else "accuracy"
    if not np.isfinite(found[metric]).any():
        return [], ["No cell is done yet: nothing is drawn."]
    names = short_names(plan.axes)
    drawn, notes = list[Drawing](), list[str]()
    plain = [axis for axis in plan.axes if not _drawn(axis)]
    values = _in_order(found[metric], plain, names, lines)
    for axis in plan.axes:
        if _drawn(axis):
            drawn += _draws(found, names[axis.name], metric, folder)
    over = [names[axis.name] for axis in plain]
    if len(over) >= 2 or (len(over) == 1 and len(values[over[0]]) > 1):
        drawn.append(_along(values, over, metric, folder))
    if len(over) >= 2:
        drawn.append(_heat(values, over, metric, folder))
        left = int(np.prod([values.sizes[dim] for dim in over[2:]], initial=1))
        notes += (
            [f"{left - MOST_PANELS} heat maps are left out: of {left}, {MOST_PANELS} are drawn."]
            if left > MOST_PANELS
            else []
        )
    drawn.append(_curves(found, plan, lines, names, folder))
    if len(lines) > MOST_LINES:
        notes.append(
            f"Of {len(lines)} points, the loss of {MOST_LINES} is drawn; all are in apical.open(folder).loss_curve."
        )
    return drawn, notes


def _drawn(axis: Axis) -> bool:
    """Whether it is one of settings that change together, whose labels mean nothing."""
    return axis.kind in ("list", "random")


def _in_order(
    values: xr.DataArray, axes: Sequence[Axis], names: Mapping[str, str], lines: Sequence[Mapping[str, Any]]
) -> xr.DataArray:
    """Names of an axis in the order of the summary, best first."""
    for axis in axes:
        if not _numbers(axis):
            seen = dict.fromkeys(str(line["at"][axis.name]) for line in lines)
            values = values.sel(
                {names[axis.name]: [name for name in seen if name in values[names[axis.name]].astype(str)]}
            )
    return values


def _numbers(axis: Axis) -> bool:
    return all(is_number(value.label) for value in axis.values)


def _positions(dim: xr.DataArray) -> tuple[np.ndarray[Any, Any], bool, bool]:
    """Where labels stand, whether they are numbers, and whether on a logarithmic axis."""
    if not all(is_number(each) for each in dim.values):
        return np.arange(dim.size, dtype=float), False, False
    numbers = dim.values.astype(float)
    return numbers, True, bool(numbers.min() > 0 and numbers.max() >= 8 * numbers.min())


def _aside(positions: np.ndarray[Any, Any], place: float, log: bool) -> np.ndarray[Any, Any]:
    """Positions a little beside, by so many places."""
    shift = SPREAD * place
    if log:
        wide = np.log10(positions.max() / positions.min()) or 1.0
        return np.asarray(positions * 10 ** (shift * wide))
    return np.asarray(positions + shift * (np.ptp(positions) or 1.0))


def half(values: Sequence[float]) -> float:
    """Half the interval that is drawn: of two values it would say nothing, being 13 times as wide as they are apart."""
    return interval(values) or 0.0 if len(values) > 2 else 0.0


def _panels_of(values: xr.DataArray, dims: Sequence[str]) -> list[tuple[str, xr.DataArray]]:
    """What is left for every combination of further axes, with its title."""
    found = [("", values)]
    for dim in dims:
        found = [
            (f"{title}{', ' if title else ''}{dim} {label(each[dim].item())}", each)
            for title, whole in found
            for each in (whole.isel({dim: i}) for i in range(whole.sizes[dim]))
        ]
    return found[:MOST_PANELS]


def _spread(axes: Axes, values: xr.DataArray, dim: str, colour: str, name: str | None, place: float) -> None:
    """Mean with interval over one axis, and every seed, so many places beside those of other lines."""
    values = values.transpose(dim, SEED, ...)
    flat = values.values.reshape(values.sizes[dim], values.sizes[SEED], -1)
    positions, numeric, log = _positions(values[dim])
    seeds = flat.shape[1]
    for seed in range(seeds):
        aside = _aside(positions, place * (seeds + 1) + seed - (seeds - 1) / 2, log)
        for further in range(flat.shape[2]):
            axes.plot(
                aside,
                flat[:, seed, further],
                "o",
                color=colour,
                markersize=3.2,
                markerfacecolor="none",
                markeredgewidth=0.8,
            )
    rows = [row[np.isfinite(row)].tolist() for row in flat.reshape(len(flat), -1)]
    means = np.array([np.mean(row) if row else np.nan for row in rows])
    halves = np.array([half(row) for row in rows])
    middle = _aside(positions, place * (seeds + 1), log)
    axes.errorbar(
        middle,
        means,
        yerr=halves,
        color=colour,
        capsize=2,
        label=name,
        linestyle="-" if numeric else "none",
        marker="_",
    )
    if log:
        axes.set_xscale("log")
    if not numeric or len(positions) <= 8:
        axes.set_xticks(
            positions,
            [label(each) for each in values[dim].values.tolist()],
            rotation=0 if numeric else 30,
            ha="center" if numeric else "right",
        )
        axes.minorticks_off()


@styled
def _along(values: xr.DataArray, dims: Sequence[str], metric: str, folder: Path) -> Drawing:
    """Along one axis: a number where there is one; lines for a second axis, panels for further ones."""
    numeric = [dim for dim in dims if _positions(values[dim])[1]]
    first = (numeric or list(dims))[0]
    rest = [dim for dim in dims if dim != first]
    shown = _panels_of(values, rest[1:])
    figure, all_axes = panels(len(shown), columns=3, width=3.4, height=2.8)
    shades = colours(values.sizes[rest[0]]) if rest else [COLOURS[0]]
    for axes, (title, each) in zip(all_axes, shown, strict=True):
        for i, colour in enumerate(shades):
            line = each.isel({rest[0]: i}) if rest else each
            name = label(line[rest[0]].item()) if rest else None
            _spread(axes, line, first, colour, name, i - (len(shades) - 1) / 2)
        axes.set_title(title)
        axes.set_xlabel(first)
        axes.set_ylabel(SAID[metric])
    ends = [axes.get_ylim() for axes in all_axes]
    for axes in all_axes:
        axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    if rest:
        figure.legend(
            *all_axes[0].get_legend_handles_labels(),
            title=rest[0],
            loc="outside upper center",
            ncols=min(len(shades), 6),
        )
    save(figure, folder / "figures" / "sweep-axes")
    return Drawing(name="sweep-axes", title=f"{metric.capitalize()} over {first}", caption=SEEDS + MEANS)


@styled
def _heat(values: xr.DataArray, dims: Sequence[str], metric: str, folder: Path) -> Drawing:
    """Mean over seeds for two axes, a panel for every combination of further ones."""
    rows, columns = dims[0], dims[1]
    further = [dim for dim in values.dims if dim not in dims]  # seeds, and what was drawn
    means = values.mean(further, skipna=True)
    shown = _panels_of(means, dims[2:])
    height = max(0.34 * values.sizes[rows] + 1.0, 2.0)
    figure, all_axes = panels(
        len(shown),
        columns=2 if len(shown) > 1 else 1,
        width=max(0.62 * values.sizes[columns] + 1.4, 3.2),
        height=height,
    )
    low, high = float(means.min()), float(means.max())
    image = None
    for axes, (title, each) in zip(all_axes, shown, strict=True):
        grid = each.transpose(rows, columns).values
        image = axes.imshow(grid, aspect="auto", cmap="cividis", vmin=low, vmax=high, origin="lower")
        for spine in axes.spines.values():
            spine.set_visible(False)
        if grid.size <= MOST_NUMBERS:
            for (i, j), value in np.ndenumerate(grid):
                if np.isfinite(value):
                    pale = (value - low) / ((high - low) or 1) > 0.55
                    axes.text(
                        j,
                        i,
                        f"{value:.1f}" if metric == "accuracy" else f"{value:.3g}",
                        ha="center",
                        va="center",
                        fontsize=7,
                        color="black" if pale else "white",
                    )
                else:
                    axes.text(j, i, "–", ha="center", va="center", fontsize=7, color=GREY)
        axes.set_xticks(
            range(grid.shape[1]), [label(v) for v in each[columns].values.tolist()], rotation=30, ha="right"
        )
        axes.set_yticks(range(grid.shape[0]), [label(v) for v in each[rows].values.tolist()])
        axes.set_xlabel(columns)
        axes.set_ylabel(rows)
        axes.set_title(title)
    assert image is not None
    figure.colorbar(image, ax=all_axes, label=SAID[metric])
    save(figure, folder / "figures" / "sweep-heat")
    over = "seeds" if further == [SEED] else "seeds and draws"
    return Drawing(
        name="sweep-heat",
        title=f"{metric.capitalize()} over {rows} and {columns}",
        caption=f"Mean over {over}; – where no cell is done.",
    )


@styled
def _draws(found: xr.Dataset, dim: str, metric: str, folder: Path) -> list[Drawing]:
    """Every cell over each setting that changes together with others."""
    settings = [str(name) for name, each in found.coords.items() if each.dims == (dim,) and name != dim]
    shown = [name for name in settings if found[name].size > 1]
    if not shown:
        return []
    figure, all_axes = panels(len(shown), width=3.0, height=2.4)
    values = found[metric].transpose(dim, SEED, ...)
    flat = values.values.reshape(values.sizes[dim], values.sizes[SEED], -1)
    for axes, name in zip(all_axes, shown, strict=True):
        at = found[name]
        words = [label(each) for each in dict.fromkeys(at.values.tolist())]
        positions, numeric, log = _positions(at)
        if not numeric:
            positions = np.array([words.index(label(each)) for each in at.values.tolist()], float)
        for seed in range(flat.shape[1]):
            aside = _aside(positions, seed - (flat.shape[1] - 1) / 2, log)
            for further in range(flat.shape[2]):
                axes.plot(aside, flat[:, seed, further], "o", color=COLOURS[0], markersize=3.5, markerfacecolor="none")
        if log:
            axes.set_xscale("log")
        if not numeric:
            axes.set_xticks(range(len(words)), words, rotation=30, ha="right")
        axes.set_xlabel(name)
        axes.set_ylabel(SAID[metric])
    name = f"sweep-draws-{dim}".replace(".", "-")
    save(figure, folder / "figures" / name)
    return [
        Drawing(
            name=name,
            title=f"{metric.capitalize()} over the settings of {dim}",
            caption="A dot a cell; seeds of a point stand side by side.",
        )
    ]


@styled
def _curves(
    found: xr.Dataset, plan: Plan, lines: Sequence[Mapping[str, Any]], names: Mapping[str, str], folder: Path
) -> Drawing:
    """Loss over training: a line per seed, faint, and their mean with its interval."""
    known = [line for line in lines if line["n"]]
    step = max(len(known) / MOST_LINES, 1.0)
    shown = [known[int(i * step)] for i in range(min(len(known), MOST_LINES))]
    figure = new_figure(6.6, 3.4)
    axes = figure.subplots()
    epochs = found[EPOCH].values
    alone = len(epochs) < 2
    for line, colour in zip(shown, colours(len(shown)), strict=True):
        where = {names[axis.name]: _at(found[names[axis.name]], line["at"][axis.name]) for axis in plan.axes}
        each = found["loss_curve"].isel(where).transpose(SEED, EPOCH).values
        there = np.isfinite(each).any(axis=0)
        rows = [column[np.isfinite(column)].tolist() for column in each[:, there].T]
        means, halves = np.array([np.mean(row) for row in rows]), np.array([half(row) for row in rows])
        for seed in each:
            axes.plot(epochs, seed, color=colour, linewidth=0.7, alpha=0.5, marker="." if alone else None)
        name = ", ".join(label(each) for each in line["at"].values())
        axes.plot(epochs[there], means, color=colour, label=name, marker="_" if alone else None)
        axes.fill_between(epochs[there], means - halves, means + halves, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel("epochs of training")
    axes.set_ylabel("loss, mean over populations")
    axes.legend(title=", ".join(names.values()), loc="center left", bbox_to_anchor=(1.01, 0.5))
    save(figure, folder / "figures" / "sweep-curves")
    return Drawing(
        name="sweep-curves",
        title="Loss over training",
        caption="Faint: every seed; line: mean over seeds, shaded its 95 % interval by Student's t where there are three or more.",
    )


def _at(dim: xr.DataArray, wanted: Any) -> int:
    return [str(each) for each in dim.values.tolist()].index(str(wanted))

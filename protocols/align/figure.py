"""The figure of an alignment: populations from left to right, the variants side by side."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...recordings.plot_style import GREY, colours, new_figure, styled
from .table import lines

MARKERS = {"none": "o", "objective": "s", "backprop": "^"}  # by what B was fitted to
PANELS = {"cosine": "cosine with the gradient", "norm_ratio": "norm ratio to the gradient"}


@styled
def alignment(runs: Sequence[tuple[str, xr.Dataset]]) -> Figure:
    """Cosine and norm ratio over populations, at the initialisation and at the last checkpoint.

    Args:
        runs: label and dataset (fit_b, step, population) of every run.
    """
    trained = [(label, found) for label, found in runs if found.sizes["step"] > 1]
    columns = [("initialisation", 0, runs), *([(_late(trained), -1, trained)] if trained else [])]
    figure = new_figure(1.8 + 3.0 * len(columns), 4.9)
    grid = figure.subplots(2, len(columns), sharex=True, sharey="row", squeeze=False)
    shades = dict(zip([label for label, _ in runs], colours(len(runs)), strict=True))
    for column, (title, position, chosen) in enumerate(columns):
        grid[0, column].set_title(title)
        for row, name in enumerate(PANELS):
            axes = grid[row, column]
            axes.axhline(1, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)))
            _marks(axes, name, [(label, found.isel(step=[position])) for label, found in chosen], shades)
            axes.set_xticks(*_ticks(runs[0][1]))
    for row, name in enumerate(PANELS):
        grid[row, 0].set_ylabel(PANELS[name])
    for axes in grid[0]:
        axes.axhline(0, color=GREY, linewidth=0.7)
    if any(np.isfinite(line.get_ydata()).any() for line in grid[1, 0].lines[1:]):
        grid[1, 0].set_yscale("log")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(3, len(names)))
    return figure


def _marks(axes: Axes, name: str, runs: Sequence[tuple[str, xr.Dataset]], shades: dict[str, str]) -> None:
    """Means with standard errors; no line joins populations, which are no values of one quantity."""
    drawn = [(label, line) for label, found in runs for line in lines([(label, found)])]
    for i, (label, (full, fit, found)) in enumerate(drawn):
        values, errors = found[name].values[0], found[f"{name}_se"].values[0]
        # side by side, so that no bar hides another
        places = np.arange(len(values)) + min(0.2, 0.7 / len(drawn)) * (i - (len(drawn) - 1) / 2)
        axes.errorbar(
            places, values, yerr=np.nan_to_num(errors), label=full, color=shades[label], linestyle="none",
            marker=MARKERS[fit], markersize=4.5, capsize=2, elinewidth=0.9,
        )  # fmt: skip


def _late(trained: Sequence[tuple[str, xr.Dataset]]) -> str:
    steps = {int(found["step"].values[-1]) for _, found in trained}
    return f"after {steps.pop():,} steps" if len(steps) == 1 else "last checkpoint"


def _ticks(found: xr.Dataset) -> tuple[list[int], list[str]]:
    names = [str(name) for name in found["population"].values]
    return list(range(len(names))), names

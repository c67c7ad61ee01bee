"""Tuning to gratings: curves of the best tuned units with their fits, and what the populations prefer."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...plot_style import COLOURS, GREY, label, new_figure, styled
from .axes import wrapped
from .populations import best_of, populations_of, unit_name, units_of

UNITS = 4


@styled
def tuned(dataset: xr.Dataset, *, units: int = UNITS) -> Figure:
    """A row per population: tuning curves of its best tuned units, their preferred orientations, selectivity and phase modulation.

    Args:
        dataset: of a tuning analysis: curve (orientation, unit), fitted (angle, unit), preferred_orientation, selectivity, fit_r2, and where
            phases were shown phase_modulation.
        units: curves of each.
    """
    order = populations_of(dataset)
    phases = "phase_modulation" in dataset
    columns = units + 2 + phases
    figure = new_figure(1.72 * columns + 0.3, 1.75 * len(order) + 0.45)
    grid = figure.subplots(len(order), columns, squeeze=False)
    for i, (row, population) in enumerate(zip(grid, order, strict=True)):
        places = units_of(dataset, population)
        last = i == len(order) - 1
        best = best_of(dataset, places, _score(dataset, places), units)
        for axes, position in zip(row[:units], best, strict=False):
            _curve(axes, dataset, int(position))
        for spare in row[len(best) : units]:
            spare.set_visible(False)
        row[0].set_ylabel(f"{population}\n{wrapped(label(dataset['curve']), 22)}", fontsize=8)
        _counts(row[units], dataset["preferred_orientation"].values[places], np.linspace(0, 180, 13), COLOURS[0])
        row[units].set_xticks([0, 90, 180])
        _counts(row[units + 1], _shares(dataset, places), np.linspace(0, 1, 21), COLOURS[2])
        row[units].set_ylabel("units")
        if phases:
            known = dataset["phase_modulation"].values[places]
            _counts(row[units + 2], np.clip(known, 0, 2), np.linspace(0, 2, 21), COLOURS[3])
            row[units + 2].axvline(1, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        for axes, text in zip(row, _titles(units, phases), strict=True):
            if last:
                axes.set_xlabel(text, fontsize=8)
    return figure


def _titles(units: int, phases: bool) -> list[str]:
    return ["orientation (degree)"] * units + ["preferred\norientation (degree)", "selectivity\n1 − CV"] + ["phase modulation\nF1/F0 (2: or more)"] * phases  # fmt: skip


def _shares(dataset: xr.Dataset, places: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(dataset["selectivity"].values[places])


def _score(dataset: xr.Dataset, places: NDArray[Any]) -> NDArray[np.float64]:
    """How selective a unit is, of those whose fit holds and that answer as strongly as half of the others; amplitude without rates."""
    amplitude = np.asarray(dataset["amplitude"].values[places], dtype=np.float64)
    selective = np.asarray(dataset["selectivity"].values[places], dtype=np.float64)
    quality = np.nan_to_num(dataset["fit_r2"].values[places], nan=-1)
    score = selective if np.isfinite(selective).any() else amplitude
    typical = float(np.median(amplitude[quality > 0.5])) if (quality > 0.5).any() else 0.0
    good = (quality > 0.5) & (amplitude >= typical)
    return np.asarray(np.where(good, score, score - 10) + np.where(quality > -1, 0, np.nan))


def _curve(axes: Axes, dataset: xr.Dataset, position: int) -> None:
    axes.plot(dataset["orientation"].values, dataset["curve"].values[:, position], "o", markersize=3, color=COLOURS[6])
    axes.plot(dataset["angle"].values, dataset["fitted"].values[:, position], color=COLOURS[3])
    axes.axvline(float(dataset["preferred_orientation"].values[position]), color=GREY, linewidth=0.7, linestyle=(0, (4, 3)))  # fmt: skip
    axes.set_xlim(-6, float(dataset["angle"].values[-1]) + 6)
    axes.set_xticks(np.linspace(0, float(dataset["angle"].values[-1]), 3))
    axes.set_title(unit_name(dataset, position).removeprefix("unit "), fontsize=7)
    axes.tick_params(labelsize=7)


def _counts(axes: Axes, values: NDArray[Any], edges: NDArray[Any], colour: str) -> None:
    axes.hist(values[np.isfinite(values)], edges.tolist(), color=colour)
    axes.tick_params(labelsize=7)

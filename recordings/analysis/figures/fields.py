"""Receptive fields: the maps of the clearest units of every population."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...plot_style import new_figure, styled
from .populations import best_of, populations_of, unit_name, units_of

UNITS = 6
P = 0.01
MARGIN = 2  # pixels around a field that are shown with it


@styled
def fields(dataset: xr.Dataset, *, units: int = UNITS) -> Figure:
    """Receptive fields of the strongest units, a row of maps per population, each map on a scale of its own.

    Args:
        dataset: of `receptive_fields` for several populations.
        units: of each.
    """
    order = populations_of(dataset)
    figure = new_figure(1.45 * units + 0.9, 1.75 * len(order) + 0.5)
    grid = figure.subplots(len(order), units, squeeze=False)
    image = None
    for row, population in zip(grid, order, strict=True):
        places = units_of(dataset, population)
        best = best_of(dataset, places, _score(dataset, places), units)
        window = _window(dataset, best)
        for axes, position in zip(row, best, strict=False):
            image = _map(axes, dataset, position, window)
        for spare in row[len(best) :]:
            spare.set_visible(False)
        shown = next((axes for axes in row if axes.get_visible()), None)
        if shown is not None:
            shown.set_ylabel(f"{population}\n{_seen(dataset, places)}", fontsize=8)
    if image is not None:
        bar = figure.colorbar(image, ax=grid, shrink=0.6, aspect=30, ticks=[-1, 0, 1])
        bar.ax.set_yticklabels(["−peak", "0", "peak"])
        bar.set_label("kernel h, of the largest |h| of the unit")
    figure.supxlabel("column of the image (pixel), rows downwards; above each map: unit (channel, row, column)", fontsize=8)  # fmt: skip
    return figure


def _score(dataset: xr.Dataset, places: NDArray[Any]) -> NDArray[np.float64]:
    """Strength of the field; where p is known, of units with p < 0.01 first."""
    kernels = dataset["kernel"].values[places].reshape(len(places), -1)
    strength = np.linalg.norm(kernels, axis=1)
    p = dataset["p"].values[places]
    strength = np.where(np.isfinite(p) & (p >= P), strength - strength.max(initial=0) - 1, strength)
    return np.asarray(np.where(np.isfinite(dataset["centre_x"].values[places]), strength, np.nan))


def _seen(dataset: xr.Dataset, places: NDArray[Any]) -> str:
    """How many units have a field, on two lines."""
    p = dataset["p"].values[places]
    if np.isfinite(p).any():
        return f"{int((p < P).sum())} of {len(places)} units\nwith p < {P}"
    return f"{int(np.isfinite(dataset['centre_x'].values[places]).sum())} of {len(places)} units\nanswer some place"


def _window(dataset: xr.Dataset, units: list[int]) -> tuple[int, int]:
    """Half the height and width that hold the fields of some units: small ones are shown larger."""
    height, width = dataset.sizes["y"], dataset.sizes["x"]
    size = dataset["diameter"].values[units]
    size = size[np.isfinite(size)]
    reach = int(np.ceil(1.5 * float(np.median(size)))) + MARGIN if len(size) else max(height, width)
    return min(reach, height), min(reach, width)


def _map(axes: Axes, dataset: xr.Dataset, position: int, window: tuple[int, int]):  # type: ignore[no-untyped-def]
    kernel = dataset["kernel"].values[position]
    peak = float(np.abs(kernel).max()) or 1.0
    image = axes.imshow(kernel / peak, cmap="PuOr_r", vmin=-1, vmax=1, interpolation="nearest")
    y, x = (float(dataset[name].values[position]) for name in ("centre_y", "centre_x"))
    low_x, high_x = _range(x, window[1], kernel.shape[1])
    low_y, high_y = _range(y, window[0], kernel.shape[0])
    axes.set_xlim(low_x - 0.5, high_x - 0.5)
    axes.set_ylim(high_y - 0.5, low_y - 0.5)
    axes.set_xticks([low_x, high_x - 1])
    axes.set_yticks([low_y, high_y - 1])
    axes.tick_params(labelsize=7, length=2)
    name = unit_name(dataset, position).removeprefix("unit ")
    axes.set_title(name, fontsize=7)
    return image


def _range(centre: float, reach: int, size: int) -> tuple[int, int]:
    span = min(2 * reach + 1, size)
    low = int(np.clip(round(centre) - reach, 0, size - span))
    return low, low + span

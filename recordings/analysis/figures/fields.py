"""Receptive fields: the maps of the clearest units of every population."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...plot_style import new_figure, styled
from .populations import populations_of, unit_name, units_of

UNITS = 6
MARGIN = 2  # pixels around a field that are shown with it


@styled
def fields(dataset: xr.Dataset, *, units: int = UNITS) -> Figure:
    """Receptive fields of the units with the largest |z|, a row of maps per population, each on a scale of its own.

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
        strength = np.nan_to_num(dataset["peak_z"].values[places], nan=-1)
        best = places[np.argsort(-strength, kind="stable")]
        window = _window(dataset, best[:units])
        for axes, position in zip(row, best, strict=False):
            if np.isfinite(dataset["peak_z"].values[position]):
                image = _map(axes, dataset, int(position), window)
            else:
                axes.set_visible(False)
        for spare in row[len(best) :]:
            spare.set_visible(False)
        shown = next((axes for axes in row if axes.get_visible()), None)
        if shown is not None:
            known = dataset["p"].values[places]
            seen = int((known < 0.01).sum())
            shown.set_ylabel(f"{population}\n{seen} of {len(places)} units\nwith p < 0.01", fontsize=8)
    if image is not None:
        bar = figure.colorbar(image, ax=grid, shrink=0.6, aspect=30, ticks=[-1, 0, 1])
        bar.ax.set_yticklabels(["−peak", "0", "peak"])
        bar.set_label("kernel h, of the largest |h| of the unit")
    figure.supxlabel("column of the image (pixel), rows downwards; title: unit (channel, row, column), largest |z|", fontsize=8)  # fmt: skip
    return figure


def _window(dataset: xr.Dataset, units: NDArray[Any]) -> tuple[int, int]:
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
    axes.set_title(f"{name}\nz = {float(dataset['peak_z'].values[position]):.1f}", fontsize=7)
    return image


def _range(centre: float, reach: int, size: int) -> tuple[int, int]:
    span = min(2 * reach + 1, size)
    low = int(np.clip(round(centre) - reach, 0, size - span))
    return low, low + span

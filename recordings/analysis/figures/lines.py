"""What is followed over training: one line per population, one panel per measure and group."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...plot_style import colours, label, panels, styled
from .axes import wrapped


@styled
def lines(dataset: xr.Dataset, shown: Sequence[tuple[str, xr.DataArray]], *, axis: str = "step", columns: int = 3) -> Figure:  # fmt: skip
    """Lines over windows of training.

    Args:
        dataset: with the coordinate `axis` (window).
        shown: title and values (population, window) of each panel.
        axis: what stands along x.
        columns: panels of a row.
    """
    figure, axes = panels(len(shown), columns=columns, width=3.1, height=2.5)
    populations = list(dict.fromkeys(str(name) for _, values in shown for name in values["population"].values))
    shades = dict(zip(populations, colours(len(populations)), strict=True))
    x = dataset[axis].values.astype(float)
    for panel, (title, values) in zip(axes, shown, strict=True):
        for name in map(str, values["population"].values):
            y = values.sel(population=name).values.astype(float)
            panel.plot(x, y, color=shades[name], marker="o" if np.isfinite(y).sum() < 40 else "", markersize=3, label=name)  # fmt: skip
        panel.set_title(title)
        panel.set_ylabel(wrapped(label(values)))
        panel.set_xlabel(label(dataset[axis]))
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(6, len(names)))
    return figure

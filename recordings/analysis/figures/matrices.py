"""Square measures: of populations with each other, or of stretches of training."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...plot_style import label, new_figure, styled
from .axes import wrapped

WRITTEN = 12  # rows up to which every number stands in its cell


@styled
def matrices(shown: Sequence[tuple[str, xr.DataArray]], *, axes_named: tuple[str, str] = ("", ""), columns: int = 3) -> Figure:  # fmt: skip
    """Some matrices side by side, every number in its cell where they are small.

    Args:
        shown: title and matrix (row, column) of each, with coordinates that name rows and columns.
        axes_named: what stands at the axes, rows first.
        columns: matrices of a row.
    """
    count = len(shown)
    size = max(matrix.sizes[matrix.dims[0]] for _, matrix in shown)
    side = min(4.6, max(2.4, 0.46 * size + 1.1))
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = new_figure(columns * (side + 0.9), rows * (side + 0.5) + 0.3)
    grid = figure.subplots(rows, columns, squeeze=False)
    for spare in grid.flat[count:]:
        spare.set_visible(False)
    for axes, (title, matrix) in zip(grid.flat, shown, strict=False):
        _one(figure, axes, title, matrix, axes_named)
    return figure


def _one(figure: Figure, axes: Axes, title: str, matrix: xr.DataArray, at: tuple[str, str]) -> None:
    values = matrix.values.astype(float)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    image = axes.imshow(values, cmap="cividis", vmin=min(0.0, low), vmax=high if high > 0 else 1.0)
    axes.set_title(title)
    for axis, dim, name in ((axes.yaxis, 0, at[0]), (axes.xaxis, 1, at[1])):
        along = matrix.dims[dim]
        ticks = [_tick(value) for value in matrix[along].values]
        step = max(1, -(-len(ticks) // WRITTEN))
        axis.set_ticks(range(0, len(ticks), step), ticks[::step])
        axis.set_label_text(name)
    # by the length of what is written, not by how many: ten words below each other overlap, ten digits do not
    axes.tick_params(axis="x", rotation=45 if max(map(len, map(_tick, matrix[matrix.dims[1]].values))) > 2 else 0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if max(values.shape) <= WRITTEN:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                red, green, blue, _ = image.cmap(image.norm(value))
                dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
                text = f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")  # no minus zero
                axes.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    figure.colorbar(image, ax=axes, label=wrapped(label(matrix), 34), shrink=0.8)


def _tick(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)

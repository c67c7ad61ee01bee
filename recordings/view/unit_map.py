"""The map of a population: a tile for each channel, and in it each recorded unit at its place."""

import math
from typing import Any

import numpy as np
from bokeh.models import BasicTicker, ColorBar, ColumnDataSource, HoverTool, LinearColorMapper
from bokeh.plotting import figure
from numpy.typing import NDArray

from .source import Units

PLAIN, UNKNOWN, CHOSEN = "#8899aa", "#dddddd", "#d1495b"
MOST = 2500  # marks that a browser draws again at every click; more units than that are one image


def mosaic(units: Units) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where units are drawn: x to the right and y down from the top left corner, the tiles of the channels side by side."""
    channels, rows, cols = units.shape
    across = max(1, math.ceil(math.sqrt(channels * rows / cols)))
    wide, high = cols + max(1, cols // 8), rows + max(1, rows // 8)
    if rows == cols == 1:  # a dense population: channels are neighbours
        wide = high = 1
    return (units.channel % across) * wide + units.col, (units.channel // across) * high + units.row


class UnitMap:
    """Figure and columns of the map of one run.

    Args:
        name: of its figure in the document.
    """

    def __init__(self, name: str) -> None:
        self.mapper = LinearColorMapper(palette="Viridis256", nan_color=UNKNOWN)
        columns = ("x", "y", "unit_id", "channel", "row", "col", "value", "fill")
        self.marks = ColumnDataSource({name: [] for name in columns})
        self.pixels = ColumnDataSource({name: [] for name in ("image", "x", "y", "w", "h")})
        self.tiles = ColumnDataSource({name: [] for name in ("x", "y", "w", "h")})
        self.chosen = ColumnDataSource({"x": [], "y": []})
        plot = figure(
            title="recorded units", name=name, width=340, height=340, sizing_mode="stretch_width", max_width=460,
            aspect_ratio=1, match_aspect=True, tools="pan,wheel_zoom,reset", toolbar_location="right",
        )  # fmt: skip
        plot.toolbar.logo = None
        plot.axis.visible = False
        plot.grid.visible = False
        plot.y_range.flipped = True  # rows from the top, as in an image
        plot.rect("x", "y", "w", "h", source=self.tiles, fill_color="#f3f4f6", line_color="#d5d9de", line_width=0.5)
        plot.image_rgba("image", "x", "y", "w", "h", source=self.pixels)
        marks = plot.scatter("x", "y", source=self.marks, marker="square", size=7, fill_color="fill", line_color=None)
        ring = {"fill_color": None, "line_color": CHOSEN, "line_width": 2.5}
        plot.scatter("x", "y", source=self.chosen, marker="square", size=13, **ring)
        said = [("unit", "@unit_id"), ("channel, row, column", "@channel, @row, @col"), ("value", "@value")]
        plot.add_tools(HoverTool(renderers=[marks], tooltips=said))
        self.bar = ColorBar(color_mapper=self.mapper, ticker=BasicTicker(desired_num_ticks=4), height=8, visible=False)
        plot.add_layout(self.bar, "below")
        self.figure = plot
        self._units: Units | None = None
        self._x, self._y = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def show(self, units: Units, title: str) -> None:
        """Lay out a population."""
        channels, rows, cols = units.shape
        self._units = units
        self._x, self._y = mosaic(units)
        every, corner = np.arange(channels if rows * cols > 1 else 0), np.zeros(channels, np.int64)
        left, top = mosaic(Units(every, every, corner[: len(every)], corner[: len(every)], units.shape))
        self.tiles.data = {
            "x": left + (cols - 1) / 2, "y": top + (rows - 1) / 2, "w": np.full(len(left), cols), "h": np.full(len(left), rows),
        }  # fmt: skip
        recorded, total = len(units.unit_id), channels * rows * cols
        self.figure.title.text = f"{title}: {recorded:,} of {total:,} units recorded"
        self.colour(None, "")

    def colour(self, values: NDArray[np.float64] | None, label: str) -> None:
        """Colour the units by a number of each; None for all alike."""
        units = self._units
        if units is None:
            return
        fill = np.full(len(units.unit_id), PLAIN, dtype=object) if values is None else self._colours(values)
        few = len(fill) <= MOST
        value = np.full(len(fill), np.nan) if values is None else values
        marks = {
            "x": self._x, "y": self._y, "unit_id": units.unit_id, "channel": units.channel, "row": units.row,
            "col": units.col, "value": value, "fill": fill,
        }  # fmt: skip
        self.marks.data = {name: column if few else [] for name, column in marks.items()}
        self.pixels.data = {name: [] for name in self.pixels.data} if few else self._image(fill)
        self.bar.visible = values is not None
        self.bar.title = label

    def choose(self, index: int | None) -> None:
        """Mark a unit; None for none."""
        some = [] if index is None else [index]
        self.chosen.data = {"x": self._x[some], "y": self._y[some]}

    def at(self, x: float, y: float) -> int | None:
        """Place of the recorded unit nearest to a point of the figure; None where nothing is recorded."""
        if not len(self._x):
            return None
        return int(np.argmin((self._x - x) ** 2 + (self._y - y) ** 2))

    def _colours(self, values: NDArray[np.float64]) -> NDArray[Any]:
        seen = values[np.isfinite(values)]
        low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
        self.mapper.low, self.mapper.high = low, high if high > low else low + 1e-12
        palette = np.array([*self.mapper.palette, UNKNOWN], dtype=object)
        share = (values - low) / max(high - low, 1e-12) * 255
        return np.asarray(
            palette[np.where(np.isfinite(values), np.clip(np.nan_to_num(share), 0, 255), 256).astype(int)]
        )

    def _image(self, fill: NDArray[Any]) -> dict[str, Any]:
        """The marks as an image of one pixel for each, clear where nothing was recorded."""
        width, height = int(self._x.max()) + 1, int(self._y.max()) + 1
        words, place = np.unique(fill.astype(str), return_inverse=True)
        numbers = np.array([0xFF000000 | int(w[5:7] + w[3:5] + w[1:3], 16) for w in words], dtype=np.uint32)
        image = np.zeros((height, width), np.uint32)
        image[self._y, self._x] = numbers[place]
        return {"image": [image], "x": [-0.5], "y": [-0.5], "w": [width], "h": [height]}

"""What learning did, step by step: losses, scores and their distribution, and every other number of the tables that grow along `step`."""

from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import Column, ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..errors import RecordingError
from .source import METRICS, UPDATES, Source, described, nearest, pixel_columns
from .traces import COLOURS

BINS = 40
MOST_LINES = 12
MOST_ROWS = 20_000  # of the steps that are read for a line; beyond, evenly spaced ones


class Learning:
    """Figures of the training of one run.

    Args:
        steps: range of steps in view, shared with others.
    """

    def __init__(self, steps: Range1d) -> None:
        self.steps = steps
        self.column = Column(children=[], sizing_mode="stretch_width", spacing=4)
        self.at = Span(dimension="height", line_color="#444444", line_dash="dotted")
        self._laid: tuple[int, str] | None = None
        self._distributions: dict[str, tuple[Any, list[tuple[str, ColumnDataSource]]]] = {}
        self._histograms: Any = None

    def show(self, source: Source, population: str, step: int) -> str:
        """Draw the tables of a population, with a mark at a step; returns what could not be drawn, or nothing."""
        if self._laid != (id(source), population):
            try:
                self._lay(source, population)
            except RecordingError as error:
                self.column.children = []
                return str(error)
            self._laid = (id(source), population)
        self.at.location = step
        self._distribute(source, population, step)
        return "" if self.column.children else "this recording has no tables of training"

    def _lay(self, source: Source, population: str) -> None:
        figures = []
        path = f"{UPDATES}/{population}"
        if METRICS in source.tree.children:
            metrics = source.table(METRICS)
            names = [str(name) for name, each in metrics.data_vars.items() if each.dims[:1] == ("step",)]
            # losses, which have one line a population, above what is one number
            figures += [self._lines(metrics, name) for name in sorted(names, key=lambda name: -metrics[name].ndim)]
        self._distributions = {}
        if UPDATES in source.tree.children and population in source.tree[UPDATES].children:
            table = source.table(path)
            flat = [str(name) for name, each in table.data_vars.items() if each.dims == ("step",)]
            figures += [self._lines(table, name) for name in flat]
            self._histograms, self._made = self._histogram(table)
            figures = [*figures[:1], *([self._histograms] if self._made else []), *figures[1:]]
        else:
            self._made = {}
        self.column.children = figures

    def _lines(self, table: xr.Dataset, name: str) -> Any:
        variable = table[name]
        signal = described(name, variable)
        every = max(1, -(-variable.sizes["step"] // MOST_ROWS))
        steps = np.asarray(table["step"], dtype=np.float64)[::every]
        values = np.asarray(variable.data[::every], dtype=np.float64).reshape(len(steps), -1)
        plot = figure(
            height=190, sizing_mode="stretch_width", x_range=self.steps, title=signal.long_name, min_border_left=62,
            x_axis_label="training step", y_axis_label=signal.symbol or (signal.units if signal.units != "1" else None),
            tools="xpan,xwheel_zoom,box_zoom,reset",
        )  # fmt: skip
        if len(steps):
            self.steps.update(start=float(steps[0]), end=float(max(steps[-1], steps[0] + 1)))
        plot.toolbar.logo = None
        names = self._names(variable)
        for i in range(min(values.shape[1], MOST_LINES)):
            x, y = thinned(steps, values[:, i])
            label = {"legend_label": names[i]} if values.shape[1] > 1 else {}
            plot.line(
                x, y, color=COLOURS[i % len(COLOURS)], line_dash="solid" if i < len(COLOURS) else "dashed", **label
            )
        plot.add_tools(HoverTool(tooltips=[("step", "@x"), (signal.long_name, "@y")], mode="mouse"))
        if plot.legend:
            plot.add_layout(plot.legend[0], "right")
            plot.legend[0].label_text_font_size = "8pt"
            plot.legend[0].spacing = 0
        plot.add_layout(self.at)
        plot.yaxis.ticker.desired_num_ticks = 4
        return plot

    def _names(self, variable: xr.DataArray) -> list[str]:
        if variable.ndim == 1:
            return [""]
        dim = variable.dims[1]
        return (
            [str(each) for each in np.asarray(variable[dim])]
            if dim in variable.coords
            else list(map(str, range(variable.shape[1])))
        )

    def _histogram(self, table: xr.Dataset) -> tuple[Any, dict[str, ColumnDataSource]]:
        names = [str(name) for name, each in table.data_vars.items() if each.ndim == 2 and each.dims[0] == "step"]
        plot = figure(
            height=210, sizing_mode="stretch_width", title="distribution over the rows of the batch", min_border_left=62,
            y_axis_label="rows", tools="pan,wheel_zoom,reset",
        )  # fmt: skip
        plot.toolbar.logo = None
        made = {}
        for i, name in enumerate(names):
            made[name] = ColumnDataSource({"left": [], "right": [], "top": []})
            plot.quad(
                left="left", right="right", bottom=0, top="top", source=made[name], fill_color=COLOURS[i % len(COLOURS)],
                fill_alpha=0.45, line_color=COLOURS[i % len(COLOURS)], legend_label=described(name, table[name]).long_name,
            )  # fmt: skip
        if plot.legend:
            plot.legend[0].click_policy = "hide"
            plot.legend[0].label_text_font_size = "8pt"
        return plot, made

    def _distribute(self, source: Source, population: str, step: int) -> None:
        if not self._made:
            return
        path = f"{UPDATES}/{population}"
        table = source.table(path)
        steps = np.asarray(table["step"])
        if not len(steps):
            return
        row = nearest(steps, step)
        values = {name: source.rows(path, name, row, row + 1)[0].astype(np.float64) for name in self._made}
        edges = edges_of(list(values.values()))
        for name, made in self._made.items():
            counts, _ = np.histogram(values[name][np.isfinite(values[name])], edges)
            made.data = {"left": edges[:-1], "right": edges[1:], "top": counts}
        self._histograms.title.text = f"distribution over the rows of the batch at step {int(steps[row]):,}"


def edges_of(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Borders of the same bins for all of these values."""
    seen = np.concatenate([each[np.isfinite(each)] for each in values]) if values else np.zeros(0)
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    return np.linspace(low, high if high > low else low + 1e-6 + abs(low) * 1e-6, BINS + 1)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], most: int = 1000) -> tuple[NDArray[Any], NDArray[Any]]:
    """A line in few points: the smallest and the largest of each stretch, so that no extreme is lost."""
    if len(y) <= most:
        return x, y
    found = pixel_columns(0, y, most // 2)
    places = np.interp(found["x"], np.arange(len(x)), x)
    return places.repeat(2), np.stack([found["low"], found["high"]], 1).ravel()

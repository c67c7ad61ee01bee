"""A replay with spiking neurons: the raster of a trial, the potentials of a unit in it, and what the rate network said."""

from html import escape
from typing import Any

import numpy as np
from bokeh.models import Column, ColumnDataSource, Div, HoverTool, Range1d
from bokeh.plotting import figure

from . import raster
from .source import Source
from .traces import COLOURS
from .unit_map import CHOSEN, PLAIN


class Replays:
    """Figures of the replays of one run.

    Args:
        name: of the columns of the spikes in the document.
    """

    def __init__(self, name: str) -> None:
        names = ("time", "row", "unit_id", "colour")
        self.spikes = ColumnDataSource({name: [] for name in names})
        self.spikes.name = name
        self.chosen = ColumnDataSource({"low": [], "high": []})
        self.table = Div(sizing_mode="stretch_width")
        self.time = Range1d(0, 500)
        self.tapped: Any = None  # called with a unit_id
        plot = figure(
            height=240, sizing_mode="stretch_width", x_range=self.time, title="spikes", min_border_left=62,
            y_axis_label="unit of the circuit", tools="xpan,xwheel_zoom,box_zoom,reset",
        )  # fmt: skip
        plot.toolbar.logo = None
        plot.hstrip("low", "high", source=self.chosen, fill_color=CHOSEN, fill_alpha=0.12, line_color=None)
        marks = plot.scatter(
            "time", "row", source=self.spikes, marker="dash", angle=np.pi / 2, size=9, color="colour", line_width=1.6
        )
        plot.add_tools(HoverTool(renderers=[marks], tooltips=[("unit", "@unit_id"), ("time", "@time{0.0} ms")]))
        plot.on_event("tap", self._tap)
        self.raster = plot
        self._lines = ColumnDataSource({"time": []})
        self.potentials = Column(children=[], sizing_mode="stretch_width", spacing=0)
        self.column = Column(self.raster, self.potentials, self.table, sizing_mode="stretch_width")
        self._names: list[str] = []
        self._units: Any = np.zeros(0)

    def show(self, source: Source, replay: str, number: int, unit_id: int) -> str:
        """Draw a trial of a replay; returns which unit's potentials are shown, in words."""
        trial = raster.trial(source, replay, number)
        found = np.flatnonzero(trial.unit_id == unit_id)
        row = int(found[0]) if found.size else 0
        self._units = trial.unit_id
        colour = np.where(trial.row == row, CHOSEN, PLAIN).astype(object)
        self.spikes.data = {"time": trial.time, "row": trial.row, "unit_id": trial.unit_id[trial.row], "colour": colour}
        self.chosen.data = {"low": [row - 0.5], "high": [row + 0.5]}
        count = len(trial.unit_id)
        self.raster.y_range.update(start=-0.5, end=count - 0.5)
        self.raster.title.text = (
            f"{len(trial.time):,} spikes of {count} units; {trial.told} (click: potentials of a unit)"
        )
        self._potentials(source, replay, number, row)
        self._read(source, replay, number, row, int(trial.unit_id[row]))
        return "" if found.size else f"unit {unit_id} is not of this circuit; potentials of unit {trial.unit_id[row]}"

    def clear(self, why: str) -> None:
        """Show nothing, and say why."""
        self.spikes.data = {name: [] for name in self.spikes.data}
        self.raster.title.text = why
        self.potentials.children, self._names = [], []
        self.table.text = ""

    def _potentials(self, source: Source, replay: str, number: int, row: int) -> None:
        time, values, signals = raster.potentials(source, replay, number, row)
        if [signal.name for signal in signals] != self._names:
            self._names = [signal.name for signal in signals]
            self._lines.data = {"time": time, **values}
            figures = []
            for i, signal in enumerate(signals):
                last = i == len(signals) - 1
                plot = figure(
                    height=125 + 25 * last, sizing_mode="stretch_width", x_range=self.time, title=signal.long_name, min_border_left=62,
                    y_axis_label=f"{signal.name} ({signal.units})", x_axis_label="time in the window (ms)" if last else None,
                    tools="xpan,xwheel_zoom,box_zoom,reset", toolbar_location="above" if last else None,
                )  # fmt: skip
                plot.toolbar.logo = None
                plot.line("time", signal.name, source=self._lines, color=COLOURS[i % len(COLOURS)])
                plot.yaxis.ticker.desired_num_ticks = 4
                plot.title.text_font_style = "normal"
                figures.append(plot)
            self.potentials.children = figures
            if len(time):
                self.time.update(start=float(time[0]), end=float(time[-1]))
        else:
            self._lines.data = {"time": time, **values}

    def _read(self, source: Source, replay: str, number: int, row: int, unit_id: int) -> None:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td class='number'>{value:.4g}</td><td>{escape('' if units == '1' else units)}</td></tr>"
            for name, value, units in raster.readings(source, replay, number, row)
        )
        self.table.text = f"<b>unit {unit_id} in this trial, beside the rate network</b><table>{rows}</table>"

    def _tap(self, event: Any) -> None:
        row = round(event.y)
        if self.tapped is not None and 0 <= row < len(self._units):
            self.tapped(int(self._units[row]))

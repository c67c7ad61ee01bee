"""Signals of one unit over trials: a small figure for each, one below the other, on one axis.

A trial is a dot and nothing joins two of them: those of one batch were not lived one after another. Where there are more than a page has
columns, a column shows the extremes and the mean of the trials in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import Column, ColumnDataSource, HoverTool, NumeralTickFormatter, Range1d, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from .overview import Stretch, columns, stretches
from .source import POINTS, Signal, borders, pixel_columns

COLOURS = ("#2364aa", "#d1495b", "#3d9970", "#b8860b", "#7b5ea7", "#4f5d75")
MOST_BORDERS = 100
HEIGHT = 118


class Traces:
    """Figures of the signals of one run.

    Args:
        trials: range of trials in view, shared with others.
        name: of the columns of the dots in the document.
    """

    def __init__(self, trials: Range1d, name: str) -> None:
        self.trials = trials
        self.dots, self.bars, self.borders = (ColumnDataSource({}) for _ in range(3))
        self.dots.name = name
        self.borders.data = {"x": []}
        self.column = Column(children=[], sizing_mode="stretch_width", spacing=0)
        self.tapped: Any = None  # called with a trial
        self.figures: dict[str, Any] = {}
        self.stop = 0  # the first trial behind those in view
        self._signals: list[Signal] = []
        self._chosen = [Span(dimension="height", line_color="#444444", line_width=1, line_dash="dotted")]

    def lay(self, signals: Sequence[Signal], hover: Sequence[str]) -> None:
        """Make the figures of these signals; nothing happens where they are there."""
        if list(signals) == self._signals:
            return
        self._signals = list(signals)
        names = [signal.name for signal in signals]
        self.dots.data = {name: [] for name in ("trial", "colour", *hover, *names)}
        self.bars.data = {"x": []} | {f"{name}_{of}": [] for name in names for of in ("low", "mean", "high")}
        self.figures = {signal.name: self._figure(signal, hover, signal is signals[-1]) for signal in signals}
        self.column.children = list(self.figures.values())

    def show(
        self, start: int, stop: int, values: Mapping[str, NDArray[np.float64]], told: Mapping[str, NDArray[Any]]
    ) -> None:
        """Draw trials `start` to `stop`.

        Args:
            start, stop: trials.
            values: of each signal.
            told: coordinates of the trials.
        """
        count = stop - start
        few = count <= POINTS
        words = told.get("phase")
        colour = self._colours(words, count)
        dots = {"trial": np.arange(start, stop), "colour": colour, **told, **values}
        self.dots.data = {name: dots.get(name, np.full(count, np.nan)) if few else [] for name in self.dots.data}
        drawn: dict[str, Any] = {"x": []}
        for name, each in values.items():
            found = pixel_columns(start, each) if not few else {}
            drawn |= {f"{name}_{of}": found.get(of, []) for of in ("low", "mean", "high")}
            drawn["x"] = found.get("x", [])
        if len(drawn["x"]) or len(self.bars.data["x"]):
            self.bars.data = drawn
        places = borders(told["step"]) if "step" in told else np.zeros(0, np.int64)
        lines = start + places - 0.5 if len(places) <= MOST_BORDERS else np.zeros(0)
        if not np.array_equal(lines, self.borders.data["x"]):  # what has not changed is not sent again
            self.borders.data = {"x": lines}
        self.stop = stop

    def mark(self, trial: int) -> None:
        """Draw a line at the trial whose stimulus is shown."""
        for line in self._chosen:
            line.location = trial

    def _colours(self, words: NDArray[Any] | None, count: int) -> list[str]:
        if words is None:
            return [COLOURS[0]] * count
        colours = by_word(words)
        return [colours[str(word)] for word in words]

    def _figure(self, signal: Signal, hover: Sequence[str], last: bool) -> Any:
        plot = figure(
            height=HEIGHT + 26 * last, sizing_mode="stretch_width", x_range=self.trials, min_border_left=58,
            tools="xpan,xwheel_zoom,box_zoom,reset", toolbar_location="above" if last else None,
            title=signal.label, y_axis_label=signal.symbol or None, output_backend="canvas",
        )  # fmt: skip
        plot.toolbar.logo = None
        plot.vspan(x="x", source=self.borders, line_color="#c9ced6", line_width=1)
        plot.segment("x", f"{signal.name}_low", "x", f"{signal.name}_high", source=self.bars, line_color="#9db4cf")
        plot.scatter("x", f"{signal.name}_mean", source=self.bars, size=2, color=COLOURS[0])
        dots = plot.scatter("trial", signal.name, source=self.dots, size=5, color="colour", alpha=0.85)
        tips = [
            ("trial", "@trial"),
            (signal.long_name, f"@{{{signal.name}}}"),
            *((name, f"@{{{name}}}") for name in hover),
        ]
        plot.add_tools(HoverTool(renderers=[dots], tooltips=tips, mode="mouse"))
        plot.add_layout(self._chosen[0])
        plot.yaxis.ticker.desired_num_ticks = 4
        plot.title.text_font_size = "9.5pt"
        plot.title.text_font_style = "normal"
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
        if last:
            plot.xaxis.axis_label = "trial, a row of the recording"
        else:
            plot.xaxis.major_label_text_font_size = "0pt"
        plot.on_event("tap", self._tap)
        return plot

    def _tap(self, event: Any) -> None:
        if self.tapped is not None:
            self.tapped(round(event.x))


def by_word(words: NDArray[Any]) -> dict[str, str]:
    """A colour for each word; the first of the alphabet has the first."""
    return {word: COLOURS[i % len(COLOURS)] for i, word in enumerate(sorted(set(map(str, words))))}


class Overview:
    """The whole recording of one signal of the unit, as far as it has been read."""

    def __init__(self) -> None:
        self.source = ColumnDataSource({name: [] for name in ("start", "middle", "stop", "low", "mean", "high")})
        self.window = ColumnDataSource({"left": [], "right": []})
        self.tapped: Any = None
        plot = figure(
            height=HEIGHT, sizing_mode="stretch_width", tools="reset", toolbar_location=None, title="whole recording",
            min_border_left=58, x_range=Range1d(0, 1),
        )  # fmt: skip
        plot.toolbar.logo = None
        plot.quad(
            left="start",
            right="stop",
            bottom="low",
            top="high",
            source=self.source,
            fill_color="#b9cbe0",
            line_color=None,
        )
        plot.scatter("middle", "mean", source=self.source, size=2.5, color=COLOURS[0])
        plot.vstrip("left", "right", source=self.window, fill_color=COLOURS[1], fill_alpha=0.15, line_color=COLOURS[1])
        plot.title.text_font_size = "9.5pt"
        plot.title.text_font_style = "normal"
        plot.yaxis.ticker.desired_num_ticks = 3
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
        plot.on_event("tap", self._tap)
        self.figure = plot

    def name(self, label: str, trials: int) -> None:
        """Say which signal it is, and how much of it is read."""
        read = sum(stop - start for start, stop in stretches(trials))
        part = "" if read >= trials else f", {read:,} of {trials:,} trials, evenly spread"
        self.figure.title.text = f"whole recording: {label}{part} (click: go there)"
        self.figure.x_range.update(start=0, end=max(trials, 1))

    def show(self, found: list[Stretch]) -> None:
        """Draw what has been read so far."""
        self.source.data = columns(found)

    def mark(self, start: int, stop: int) -> None:
        """Where the window lies that is in view."""
        if self.window.data["left"] != [start] or self.window.data["right"] != [stop]:
            self.window.data = {"left": [start], "right": [stop]}

    def _tap(self, event: Any) -> None:
        if self.tapped is not None:
            self.tapped(round(event.x))

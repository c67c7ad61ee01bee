"""One run on the page: its map, its traces, its training, results and replays, all of one unit at one moment."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from bokeh.models import Column, Div, InlineStyleSheet, Range1d, Row
from bokeh.plotting import figure
from numpy.typing import NDArray

from . import raster
from .catalogue import Catalogue
from .learning import Learning
from .links import Shown
from .overview import Stretch, walk
from .replays import Replays
from .result_plots import drawn
from .source import Signal, Source, Units
from .traces import Overview, Traces, by_word
from .tuning import of_units, piece
from .unit_map import UnitMap

MOST_SIGNALS = 8
TURN = 0.05  # seconds of reading at a time; a click in between is answered after them
NO_IMAGE = "The recording holds no image of it; <code>apical record RUN own --images</code> shows the run its own images and keeps them."


@dataclass(frozen=True, slots=True)
class Ranges:
    """What the sides share, so that they move together."""

    trials: Range1d
    steps: Range1d


class Side:
    """Everything drawn of one run.

    Args:
        number: 0 on the left, 1 on the right; it ends the names in the document.
        catalogue: the runs.
        ranges: shared with the other side.
        choose: called with a unit_id when one is clicked.
        go: called with the trial that is clicked, and whether the window goes there.
    """

    def __init__(
        self,
        number: int,
        catalogue: Catalogue,
        ranges: Ranges,
        choose: Callable[[int], None],
        go: Callable[[int, bool], None],
    ) -> None:
        self.catalogue = catalogue
        self.map, self.traces, self.overview = (
            UnitMap(f"map-{number}"),
            Traces(ranges.trials, f"dots-{number}"),
            Overview(),
        )
        self.learning, self.replays = Learning(ranges.steps), Replays(f"spikes-{number}")
        self.results = Column(children=[], sizing_mode="stretch_width")
        # stand outside of Bokeh's layout, which every change of a text would lay out anew
        self.head, self.note = "", ""
        self.seen, self.legend = (Div(sizing_mode="stretch_width", margin=(0, 5)) for _ in range(2))
        self.image = figure(
            width=150, height=150, tools="", toolbar_location=None, visible=False, match_aspect=True, title="stimulus"
        )
        self.image.axis.visible = False
        self.image.grid.visible = False
        self._pixels = self.image.image_rgba(image=[], x=0, y=0, dw=1, dh=1)
        self._choose, self._go = choose, go
        for event in ("tap", "doubletap"):  # two clicks in quick succession are two choices
            self.map.figure.on_event(event, self._clicked)
        self.traces.tapped = lambda trial: go(trial, False)
        self.overview.tapped = lambda trial: go(trial, True)
        self.replays.tapped = choose
        about = Column(self.map.figure, self.image, self.seen, sizing_mode="stretch_width")
        over_trials = Column(self.overview.figure, self.legend, self.traces.column, sizing_mode="stretch_width")
        about.stylesheets = [
            InlineStyleSheet(css=":host { flex: 1 1 300px !important; max-width: 480px; min-width: 0; }")
        ]
        self.tabs = {
            "trials": over_trials, "training": self.learning.column, "results": self.results, "replay": self.replays.column,
        }  # fmt: skip
        tabs = Column(*self.tabs.values(), sizing_mode="stretch_width")
        tabs.stylesheets = [InlineStyleSheet(css=":host { flex: 3 1 400px !important; min-width: 0; }")]
        body = Row(
            about,
            tabs,
            sizing_mode="stretch_width",
            stylesheets=[InlineStyleSheet(css=":host { flex-wrap: wrap; gap: 8px; }")],
        )
        self.column = Column(body, sizing_mode="stretch_width", name=f"side{number}")
        self.source: Source | None = None
        self.units: Units | None = None
        self.signals: list[Signal] = []
        self.walked: Iterator[Stretch] | None = None
        self._mapped: tuple[Any, ...] = ()
        self._walk_key: tuple[Any, ...] = ()
        self._stretches: list[Stretch] = []

    def show(self, run: str, shown: Shown) -> None:
        """Draw what is shown of a run; what cannot be is said in a line above it.

        Raises:
            RecordingError: a recording that cannot be read.
        """
        source = self.catalogue.open(run, shown.recording)
        self.source = source
        notes: list[str] = []
        self.head = run
        self.units, self.signals, index = None, [], None
        if shown.population in source.populations:
            self.units = units = source.units(shown.population)
            self.signals = source.signals(shown.population)[:MOST_SIGNALS]
            index = units.index(shown.unit)
            if index is None:
                notes.append(
                    f"unit {shown.unit} of {shown.population} was not recorded in {run}: choose one on the map"
                )
            else:
                self.head = f"{run}: {shown.population}, {units.name(index)}"
            self._map(source, shown, run, units, index)
        else:
            notes.append(f"{run} has no population {shown.population or '(none)'} in its recording {shown.recording}")
        for name, column in self.tabs.items():
            column.visible = name == shown.tab
        self.walked = None
        draw = {"trials": self._trials, "training": self._training, "results": self._results, "replay": self._replay}
        notes += draw[shown.tab](source, shown, index)
        self.note = "; ".join(notes)
        self._stimulus(source, shown)

    def refine(self) -> bool:
        """Read some more of the overview; whether there is more to read."""
        if self.walked is None or self.source is None:
            return False
        done, ends = True, time.monotonic() + TURN
        for stretch in self.walked:
            self._stretches.append(stretch)
            if time.monotonic() > ends:
                done = False
                break
        self.overview.show(self._stretches)
        if done:
            self.walked = None
        return not done

    def _map(self, source: Source, shown: Shown, run: str, units: Units, index: int | None) -> None:
        key = (id(source), shown.population)
        coloured = (*key, shown.colour, (shown.at, shown.span) if shown.colour == "mean" else None)
        if self._mapped[:2] != key:
            self.map.show(units, f"{shown.population}")
        if self._mapped != coloured:
            self._colour(source, shown)
        self._mapped = coloured
        self.map.choose(index)

    def _colour(self, source: Source, shown: Shown) -> None:
        if shown.colour == "mean" and self.signals:
            signal = next((each for each in self.signals if each.per_unit and each.name == "rate"), self.signals[0])
            stop = min(shown.at + min(shown.span, 256), source.trials(shown.population))
            values = source.rows(f"activity/{shown.population}", signal.name, shown.at, stop)
            self.map.colour(
                np.nanmean(values.astype(np.float64), axis=0), f"mean {signal.label}, {stop - shown.at} trials in view"
            )
        elif shown.colour and shown.colour != "mean":
            values_ = of_units(source, shown.colour, shown.population)
            self.map.colour(values_, shown.colour.replace("/", ": ") if values_ is not None else "")
        else:
            self.map.colour(None, "")

    def _trials(self, source: Source, shown: Shown, index: int | None) -> list[str]:
        if self.units is None:
            self.traces.column.children, self.traces._signals = [], []
            return []
        count = source.trials(shown.population)
        start = min(max(shown.at, 0), max(count - 1, 0))
        stop = min(start + shown.span, count)
        told = source.coordinates(shown.population, start, stop)
        self.traces.lay(self.signals, tuple(told))
        values = {
            signal.name: source.read(shown.population, signal.name, index or 0, start, stop)
            for signal in self.signals
            if index is not None or not signal.per_unit
        }
        missing = {signal.name: np.full(stop - start, np.nan) for signal in self.signals if signal.name not in values}
        self.traces.show(start, stop, values | missing, told)
        self.traces.mark(shown.trial if shown.trial >= 0 else start)
        self.overview.mark(start, stop)
        self._begin_overview(source, shown, index, count)
        self.legend.text = _legend(told)
        return []

    def _begin_overview(self, source: Source, shown: Shown, index: int | None, count: int) -> None:
        signal = next((each for each in self.signals if each.per_unit and "apical" in each.name), None)
        signal = signal or next((each for each in self.signals if each.per_unit), None)
        if signal is None or index is None:
            return
        key = (id(source), shown.population, index, signal.name)
        self.overview.name(signal.label, count)
        if key != self._walk_key:
            self._walk_key, self._stretches = key, []
            self._walker = walk(source, shown.population, signal.name, index)
        self.walked = self._walker

    def _training(self, source: Source, shown: Shown, index: int | None) -> list[str]:
        step = self.step(shown)
        said = self.learning.show(source, shown.population, step)
        return [said] if said else []

    def step(self, shown: Shown) -> int:
        """Training step of the first trial in view."""
        if self.source is None or shown.population not in self.source.populations:
            return shown.at
        told = self.source.coordinates(shown.population, shown.at, shown.at + 1)
        return int(told["step"][0]) if len(told.get("step", ())) else shown.at

    def _results(self, source: Source, shown: Shown, index: int | None) -> list[str]:
        if not shown.result:
            self.results.children = []
            return [f"the recording {shown.recording} holds no results; apical analyse writes them"]
        if shown.result.rpartition("/")[0] not in source.tree:
            self.results.children = []
            return [f"no result {shown.result} in the recording {shown.recording}"]
        self.results.children = [drawn(piece(source, shown.result, shown.population, shown.unit))]
        return []

    def _replay(self, source: Source, shown: Shown, index: int | None) -> list[str]:
        if shown.replay not in source.replays:
            self.replays.clear("no replay here: apical replay makes one")
            return []
        last = raster.count(source, shown.replay) - 1
        if last < 0:
            self.replays.clear("this replay has no trial yet")
            return []
        said = self.replays.show(source, shown.replay, min(max(shown.window, 0), last), shown.unit)
        return [said] if said else []

    def _stimulus(self, source: Source, shown: Shown) -> None:
        self.image.visible = False
        self.seen.text = ""
        if shown.population not in source.populations or shown.tab != "trials":
            return
        trial = shown.trial if shown.trial >= 0 else shown.at
        told = source.coordinates(shown.population, trial, trial + 1)
        if not len(next(iter(told.values()), ())):
            return
        words = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(_short(value[0]))}</td></tr>" for name, value in told.items()
        )
        number = int(told["stimulus_id"][0]) if "stimulus_id" in told else -1
        image = source.image(number) if number >= 0 else None
        self.seen.text = f"<b>trial {trial:,}</b> (click a trial to see another)<table>{words}</table>" + (
            f"<p>{NO_IMAGE}</p>" if image is None else ""
        )
        if image is not None:
            flat = np.ascontiguousarray(image[::-1]).view(np.uint32)[..., 0]
            height, width = flat.shape
            self._pixels.data_source.data = {"image": [flat]}
            self._pixels.glyph.update(dw=width, dh=height)
            self.image.title.text = f"stimulus {number}"
            self.image.visible = True

    def _clicked(self, event: Any) -> None:
        index = self.map.at(event.x, event.y)
        if index is not None and self.units is not None:
            self._choose(int(self.units.unit_id[index]))


def _legend(told: Mapping[str, NDArray[Any]]) -> str:
    """What colours and lines mean, as HTML."""
    words = by_word(told["phase"]) if "phase" in told else {}
    dots = [f"<span style='color:{colour}'>&#9679;</span> {escape(word)}" for word, colour in words.items()]
    lines = [
        "<span style='color:#9aa2ad'>&#9474;</span> next training step: trials of one batch are no glances in a row"
    ]
    return "&ensp;".join((dots if len(dots) > 1 else []) + (lines if "step" in told else []))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)

"""The page of a session: what can be chosen, and both sides drawn after what is chosen."""

import time
from dataclasses import replace
from typing import Any

from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import (
    Button,
    Column,
    ColumnDataSource,
    CustomJS,
    InlineStyleSheet,
    RadioButtonGroup,
    Range1d,
    Row,
    Select,
    Slider,
    Spinner,
    TextInput,
)
from jinja2 import Environment, PackageLoader

from ..errors import RecordingError
from . import raster
from .catalogue import Catalogue
from .links import SPANS, TABS, Shown, read_link
from .side import Ranges, Side
from .tuning import variables

PAUSE = 250  # ms between two turns of reading the whole recording
WAIT = 25  # ms in which further movements of a slider are one
NONE = "(none)"
# texts of the page, each into the element of its name
WORDS = """
for (const [name, told] of Object.entries(words.data)) {
  const place = document.getElementById(name)
  if (place == null) continue
  place.textContent = told[0]
  place.hidden = !told[0]
  if (name.startsWith("head")) place.parentElement.hidden = !told[0]
}
"""
# of the address in the browser; the page is not loaded again
ADDRESS = "const query = cb_obj.value; history.replaceState(null, '', location.pathname + (query ? '?' + query : ''))"


def show(document: Document, catalogue: Catalogue) -> None:
    """Fill a new page; what its address shows is read first."""
    request = document.session_context.request if document.session_context else None
    shown, notes = read_link(request.arguments if request else {})
    document.title = f"apical view: {', '.join(catalogue.runs)}"
    # named after the package, which this file may be a part of under another name
    loader = PackageLoader(__package__.rpartition(".")[0], "templates")
    document.template = Environment(loader=loader, autoescape=False).get_template("view.html")
    Page(document, catalogue, shown, notes)


class Page:
    """Controls, and one side for each of up to two runs.

    Args:
        document: of the session.
        catalogue: the runs.
        shown: what is shown first.
        notes: what of the address could not be read.
    """

    def __init__(self, document: Document, catalogue: Catalogue, shown: Shown, notes: list[str]) -> None:
        self.document, self.catalogue, self.shown = document, catalogue, shown
        ranges = Ranges(Range1d(0, 1), Range1d(0, 1))
        self._trials = ranges.trials
        self.sides = [Side(number, catalogue, ranges, self._choose, self._go) for number in range(2)]
        self._pending: dict[str, Any] = {}
        self._busy = self._refining = False
        self.message = ""
        self.words = ColumnDataSource({})
        write = CustomJS(args={"words": self.words}, code=WORDS)
        self.words.js_on_change("data", write)
        document.js_on_event("document_ready", write)
        self.address = TextInput(value="", visible=False, name="address")
        self.address.js_on_change("value", CustomJS(args={"words": self.words}, code=ADDRESS))
        self._controls()
        self._arrange()
        self.update({}, notes)
        document.on_event(DocumentReady, lambda _: self._refine())

    def _controls(self) -> None:
        runs = self.catalogue.runs
        self.run = self._select("run", "run", runs)
        self.beside = self._select("beside it", "beside", [("", NONE), *((run, run) for run in runs)])
        self.recording = self._select("recording", "recording", [])
        self.population = self._select("population", "population", [])
        self.span = self._select("trials in view", "span", [(str(n), f"{n:,}") for n in SPANS])
        self.colour = self._select("units coloured by", "colour", [])
        self.result = self._select("result", "result", [])
        self.replay = self._select("replay", "replay", [])
        self.unit = Spinner(title="unit", low=0, step=1, value=0, width=100)
        self.unit.on_change(
            "value", lambda _, __, value: self._changed(**({} if value is None else {"unit": int(value)}))
        )
        self.at = Slider(title="trial", name="at", start=0, end=1, value=0, step=1, sizing_mode="stretch_width")
        self.at.on_change("value", lambda _, __, value: self._changed(at=int(value), trial=-1))
        self.window = Slider(title="trial of the replay", start=0, end=1, value=0, step=1, sizing_mode="stretch_width")
        self.window.on_change("value", lambda _, __, value: self._changed(window=int(value)))
        self.tab = RadioButtonGroup(name="tab", labels=list(TABS), active=0)
        self.tab.on_change("active", lambda _, __, value: self._changed(tab=TABS[value]))
        self.again = Button(label="read again", width=100)
        self.again.on_click(self._read_again)

    def _select(self, title: str, name: str, options: list[Any]) -> Select:
        select = Select(title=title, options=options, width=170)
        kind = type(getattr(Shown(), name))
        select.on_change("value", lambda _, __, value: self._changed(**{name: kind(value)}))
        return select

    def _arrange(self) -> None:
        wrap = InlineStyleSheet(css=":host { flex-wrap: wrap; gap: 6px 12px; align-items: end; }")
        first = Row(
            self.run, self.beside, self.recording, self.population, self.unit, self.span, self.colour, self.result, self.replay, self.again,
            sizing_mode="stretch_width", stylesheets=[wrap],
        )  # fmt: skip
        controls = Column(
            first,
            self.tab,
            self.at,
            self.window,
            self.address,
            sizing_mode="stretch_width",
            name="controls",
        )
        for root in (controls, *(side.column for side in self.sides)):
            self.document.add_root(root)

    def _changed(self, **changes: Any) -> None:
        """A control was moved: drawn once for all movements of a moment."""
        if self._busy or not changes:
            return
        if not self._pending:
            self.document.add_timeout_callback(self._draw_pending, WAIT)
        self._pending |= changes

    def _draw_pending(self) -> None:
        changes, self._pending = self._pending, {}
        self.update(changes)

    def _choose(self, unit_id: int) -> None:
        self.update({"unit": unit_id})

    def _go(self, trial: int, window: bool) -> None:
        self.update({"at": max(trial - self.shown.span // 2, 0), "trial": trial} if window else {"trial": trial})

    def _read_again(self) -> None:
        self.catalogue.forget()
        self.update({})

    def update(self, changes: dict[str, Any], notes: list[str] | None = None) -> None:
        """Draw what is shown after these changes; an error is told on the page."""
        said = list(notes or [])
        try:
            self.shown = self._whole(replace(self.shown, **changes), said)
            for side, run in zip(self.sides, (self.shown.run, self.shown.beside), strict=True):
                side.column.visible = bool(run)
                if run:
                    side.show(run, self.shown)
            # one range for both, also where one run has fewer trials
            stop = max(side.traces.stop for side in self.sides if side.column.visible)
            self._trials.update(start=self.shown.at - 0.5, end=max(stop, self.shown.at + 1) - 0.5)
        except RecordingError as error:
            said.append(str(error))
        self.message = "; ".join(said)
        self._tell()
        self.address.value = self.shown.query
        self._clicked = time.monotonic()
        self._refine_later()

    def _whole(self, shown: Shown, said: list[str]) -> Shown:
        """What is shown, with the first of everything in place of what is empty or not there; the controls follow."""
        shown = replace(shown, run=self._one(shown.run, self.catalogue.runs, "run", said))
        if shown.beside:
            shown = replace(shown, beside=self._one(shown.beside, self.catalogue.runs, "beside", said))
        recordings = self.catalogue.recordings(shown.run)
        shown = replace(shown, recording=self._one(shown.recording, recordings, "recording", said))
        source = self.catalogue.open(shown.run, shown.recording)
        shown = replace(shown, population=self._one(shown.population, source.populations, "population", said))
        trials, units = 0, None
        if shown.population:
            units, trials = source.units(shown.population), source.trials(shown.population)
            if shown.unit < 0 and len(units.unit_id):
                shown = replace(shown, unit=int(units.unit_id[0]))
        top = max(trials - shown.span, 0)
        shown = replace(shown, at=min(max(shown.at, 0), top))
        if not shown.at <= shown.trial < shown.at + shown.span:
            shown = replace(shown, trial=-1)
        results = variables(source)
        shown = replace(
            shown,
            result=self._one(shown.result, results, "result", said),
            replay=self._one(shown.replay, source.replays, "replay", said),
        )
        last = max(raster.count(source, shown.replay) - 1, 0) if shown.replay else 0
        shown = replace(shown, window=min(max(shown.window, 0), last))
        known = ["", "mean", *results]
        shown = replace(shown, colour=self._one(shown.colour, known, "colour", said))
        self._follow(shown, recordings, source.populations, results, source.replays, top, last)
        return shown

    def _follow(
        self,
        shown: Shown,
        recordings: list[str],
        populations: list[str],
        results: list[str],
        replays: list[str],
        top: int,
        last: int,
    ) -> None:
        """Set the controls to what is shown, without being told of it again."""
        self._busy = True
        try:
            self.recording.options, self.population.options = recordings, populations
            self.result.options, self.replay.options = results, replays
            self.colour.options = [("", "nothing"), ("mean", "mean in view"), *((name, name) for name in results)]
            for name in ("run", "beside", "recording", "population", "colour", "result", "replay"):
                getattr(self, name).value = getattr(shown, name)
            self.span.value, self.unit.value, self.tab.active = str(shown.span), shown.unit, TABS.index(shown.tab)
            self.at.update(end=max(top, 1), value=shown.at, disabled=top == 0)
            self.at.title = self._where(shown)
            self.window.update(end=max(last, 1), value=shown.window, visible=shown.tab == "replay")
            self.beside.visible = len(self.catalogue.runs) > 1
            self.result.visible, self.replay.visible = shown.tab == "results", shown.tab == "replay"
            self.at.visible = shown.tab in ("trials", "training")
        finally:
            self._busy = False

    def _where(self, shown: Shown) -> str:
        source = self.catalogue.open(shown.run, shown.recording)
        told = source.coordinates(shown.population, shown.at, shown.at + 1) if shown.population else {}
        words = [f"{name} {float(told[name][0]):.4g}" for name in ("step", "epoch") if len(told.get(name, ()))]
        return ", ".join(["first trial in view", *words]) + ": trial"

    def _one(self, name: str, known: list[str], field: str, said: list[str]) -> str:
        if name in known:
            return name
        first = known[0] if known else ""
        if name:
            said.append(
                f"{field}: expected one of {', '.join(filter(None, known)) or '(none)'}, got {name!r}; shown is {first or 'none'}"
            )
        return first

    def _tell(self) -> None:
        """Put the words of the page into their places, which are the template's."""
        words = {"message": [self.message]}
        for number, side in enumerate(self.sides):
            here = side.column.visible
            words |= {f"head{number}": [side.head if here else ""], f"note{number}": [side.note if here else ""]}
        if words != self.words.data:
            self.words.data = words

    def _refine_later(self) -> None:
        if not self._refining and any(side.walked is not None for side in self.sides):
            self._refining = True
            self.document.add_timeout_callback(self._refine, PAUSE)

    def _refine(self) -> None:
        """Read some more of the whole recordings, in turns, so that a click is answered in between."""
        self._refining = False
        if time.monotonic() - self._clicked < PAUSE / 1000:  # somebody is clicking
            self._refine_later()
            return
        try:
            for side in self.sides:
                side.refine()
        except RecordingError as error:
            self.message = str(error)
            self._tell()
            return
        self._refine_later()

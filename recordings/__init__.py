"""Room `recordings` of Apical: what is kept of a run, as a zarr store that opens in xarray.

>>> from apical import recordings
>>> recording = recordings.open("runs/demo")                        # doctest: +SKIP
>>> recording["activity/conv1"]["apical"].sel(unit=3).plot()        # doctest: +SKIP

Names are imported on first use, so that neither zarr nor matplotlib is loaded before it is needed.
"""

if __name__ == "recordings":
    raise ImportError("import apical.recordings, not recordings: this folder is a room of the namespace package apical")

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import RecordingError

if TYPE_CHECKING:
    from .earlier import as_recorded
    from .figures import Figures, Shown, draw_all
    from .places import recordings_of
    from .reader import open
    from .recording import Recording, summary
    from .replay_store import ReplayStore, open_replay
    from .report import write_report
    from .results import write_results
    from .schema import SCHEMA_VERSION, Table, Variable
    from .sections import Drawing, Section, TextTable, write_section
    from .side_by_side import write_side_by_side
    from .tables import activity_table, metrics_table, updates_table
    from .words import PLAIN, words_of
    from .writer import Writer

__all__ = [
    "PLAIN",
    "SCHEMA_VERSION",
    "Drawing",
    "Figures",
    "Recording",
    "RecordingError",
    "ReplayStore",
    "Section",
    "Shown",
    "Table",
    "TextTable",
    "Variable",
    "Writer",
    "activity_table",
    "as_recorded",
    "draw_all",
    "metrics_table",
    "open",
    "open_replay",
    "recordings_of",
    "summary",
    "updates_table",
    "words_of",
    "write_report",
    "write_results",
    "write_section",
    "write_side_by_side",
]

_HOMES = {
    "PLAIN": "words",
    "words_of": "words",
    "as_recorded": "earlier",
    "SCHEMA_VERSION": "schema",
    "Table": "schema",
    "Variable": "schema",
    "Writer": "writer",
    "activity_table": "tables",
    "metrics_table": "tables",
    "updates_table": "tables",
    "open": "reader",
    "recordings_of": "places",
    "Recording": "recording",
    "summary": "recording",
    "ReplayStore": "replay_store",
    "open_replay": "replay_store",
    "draw_all": "figures",
    "Shown": "figures",
    "Figures": "figures",
    "write_report": "report",
    "write_results": "results",
    "Drawing": "sections",
    "Section": "sections",
    "TextTable": "sections",
    "write_section": "sections",
    "write_side_by_side": "side_by_side",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

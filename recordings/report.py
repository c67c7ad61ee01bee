"""The report of a run: one HTML file that needs no other file, no network and no JavaScript.

What the recording itself shows comes from this room; everything else from the sections that analyses have left in the run's folder.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from markupsafe import Markup

from .captions import caption, dendrite_of, safe
from .errors import RecordingError
from .figures import Figures, draw_all
from .outcome import LATE, results
from .own_recordings import own_recordings
from .pages import write_html
from .reader import open as open_recording
from .sections import Drawing, Section, TextTable, read_sections
from .stores import refusing

FACTS = (
    "status", "created", "command", "start", "stimulus", "seeds", "device", "dtype", "host", "versions", "git", "config_sha256",
)  # fmt: skip
FOLDED = ("traces_", "drives")  # figures that are closed at first, but for the first of them


def write_report(run_dir: Path, figures: Figures | None = None) -> Path:
    """Write ``run_dir/report.html``: summary, what was run, results, every section of an analysis, every figure, the configuration.

    Args:
        run_dir: folder with ``recording.zarr`` and, after analyses, sections.
        figures: what :func:`draw_all` returned; without it the figures are drawn.

    Raises:
        RecordingError: there is no recording in the folder, a section is damaged, or the report cannot be written.
    """
    run_dir = Path(run_dir)
    figures = draw_all(run_dir) if figures is None else figures
    with open_recording(run_dir) as recording:
        own, config = sections_of(run_dir, recording, figures), recording.attrs.get("config", {})
    parts = [laid_out(section, run_dir, figures) for section in own]
    content = {
        "title": run_dir.resolve().name,
        "parts": parts,
        "width": 62,
        "configurations": [(run_dir.name, json.dumps(config, indent=2, ensure_ascii=False))],
    }
    return write_html(run_dir / "report.html", "report.html", content)


def sections_of(run_dir: Path, recording: xr.DataTree, figures: Figures) -> list[Section]:
    """All sections of a report in their order: of the recording, then of the analyses.

    Args:
        run_dir: folder of the run.
        recording: its recording.
        figures: drawn of it.

    Raises:
        RecordingError: signals or a section cannot be read.
    """
    with refusing(run_dir, "readable signals", "restore the recording from a copy"):
        head, rows = results(recording)
    found = read_sections(run_dir)
    said = [f"{section.title}: {section.summary[0]}" for section in found if section.summary]
    late = (
        f"Means over the last {LATE:.0%} of the recorded steps; the first loss is the mean over the first {LATE:.0%}."
    )
    outcome = Section(
        name="results", title="Results", summary=(*_state(recording), *said, late if rows else "No steps are recorded."),
        tables=(TextTable(head=tuple(head), rows=tuple(map(tuple, rows))),) if rows else (),
    )  # fmt: skip
    facts = Section(
        name="run", title="What was run",
        tables=(TextTable(head=("", "value"), rows=tuple(facts_of(recording.attrs)), numbers=False),),
    )  # fmt: skip
    drawn = Section(
        name="figures", title="Training",
        figures=tuple(Drawing(name=name, title=title_of(name), folded=_folds(name, figures)) for name in figures),
        notes=tuple(f"{name} is left out: {reason}" for name, reason in sorted(figures.skipped.items())),
    )  # fmt: skip
    rows_of = tuple((name, f"{rows:,}") for name, rows in recording.attrs["committed"].items())
    tables = TextTable(head=("table", "committed rows"), rows=rows_of, title="Tables", folded=len(rows_of) > 12)
    further = own_recordings(run_dir)
    kept = Section(name="recording", title="Recording", tables=(tables,) if further is None else (tables, further))
    return [outcome, facts, *found, drawn, kept]


def laid_out(section: Section, run_dir: Path, figures: Figures) -> dict[str, Any]:
    """A section as the template shows it; a figure whose file is gone is left out.

    Args:
        section: what an analysis has said.
        run_dir: folder whose `figures` hold its drawings.
        figures: those of the recording, which are captioned by its words.
    """
    shown, notes = [], list(section.notes)
    for drawing in section.figures:
        path = figures.get(drawing.name, run_dir / "figures" / f"{drawing.name}.png")
        if not path.is_file():
            notes.append(
                f"{drawing.title} is left out: expected {path.name} in {path.parent.name}, got none; make it again"
            )
            continue
        shown.append(
            {
                "title": drawing.title,
                "images": [encoded(path)],
                "caption": _caption(drawing, figures),
                "folded": drawing.folded,
            }
        )
    return {
        "anchor": section.name, "title": section.title, "summary": [safe(text) for text in section.summary],
        "command": section.command, "tables": section.tables, "figures": shown, "notes": [safe(text) for text in notes],
    }  # fmt: skip


def _caption(drawing: Drawing, figures: Figures) -> Markup:
    if drawing.name in figures:
        return caption(drawing.name, figures.words, figures.smoothed)
    return safe(drawing.caption)


def encoded(path: Path) -> str:
    """A file as text in base64.

    Raises:
        RecordingError: it cannot be read.
    """
    try:
        return base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise RecordingError(f"report.figure: expected to read {path}, got {error}; draw it again") from error


def title_of(name: str) -> str:
    """Title of a figure of a recording."""
    title = f"Traces of {name.removeprefix('traces_')}" if name.startswith("traces_") else name
    kind, dendrite = dendrite_of(title)
    return kind[0].upper() + kind[1:] + (f" ({dendrite})" if dendrite else "")


def _folds(name: str, figures: Mapping[str, Path]) -> bool:
    if not name.startswith(FOLDED):
        return False
    return name == "drives" or name != next(other for other in figures if other.startswith("traces_"))


def _state(recording: xr.DataTree) -> Sequence[str]:
    config: Mapping[str, Any] = recording.attrs.get("config") or {}
    rule, stimulus = (config.get(group, {}).get("name") for group in ("rule", "stimulus"))
    if not rule:
        return [f"Status: {recording.attrs.get('status', 'unknown')}."]
    seen = f" on {stimulus}" if stimulus else ""
    return [
        f"Rule {rule}{seen}, seed {config.get('seed', 'unknown')}; status: {recording.attrs.get('status', 'unknown')}."
    ]


def facts_of(attributes: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """What was run, by name."""
    known = [(name.replace("_", " "), told(attributes[name])) for name in FACTS if name in attributes]
    parts = [(f"resumed at step {part.get('step')}", told(part)) for part in attributes.get("resumed", [])]
    return [(name, text) for name, text in [*known, *parts] if text]


def told(value: Any) -> str:
    """A JSON value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {told(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(told(part) for part in value)
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    return str(value)

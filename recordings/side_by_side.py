"""Several runs on one page: what differs between them, their results and their figures side by side."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from markupsafe import Markup

from .captions import caption
from .errors import RecordingError
from .figures import Figures
from .outcome import number, outcome
from .pages import write_html
from .reader import open as open_recording
from .report import encoded, facts_of, laid_out, sections_of, title_of, told
from .sections import Section, TextTable
from .stores import refusing

MOST = 4  # runs that fit beside each other
NUMBERS = {
    "loss_first": "loss, first tenth", "loss_last": "loss, last tenth", "gate_fixation": "open gates, first phase",
    "gate_saccade": "open gates, second phase", "basal_change": "|ΔW| of a step", "apical_change": "|ΔB| of a step",
    "separation": "P(first phase scores above second)",
}  # fmt: skip


def write_side_by_side(runs: Mapping[Path, Figures], path: Path) -> Path:
    """Write a page that shows several runs beside each other.

    Args:
        runs: what :func:`draw_all` returned, by folder of the run, in the order of the columns.
        path: of the page.

    Raises:
        RecordingError: fewer than two runs or more than four, one without a recording, or the page cannot be written.
    """
    if not 2 <= len(runs) <= MOST:
        raise RecordingError(f"inspect.runs: expected 2 to {MOST} runs side by side, got {len(runs)}; leave some out")
    names = names_of(list(runs))
    with ExitStack() as stack:
        recordings = [stack.enter_context(open_recording(run)) for run in runs]
        configs = [recording.attrs.get("config", {}) for recording in recordings]
        parts = [
            _part(_differences(names, recordings)),
            _part(_outcomes(names, list(runs), recordings)),
            _drawn(names, list(runs.values())),
        ]
        for name, (run, figures), recording in zip(names, runs.items(), recordings, strict=True):
            for section in sections_of(run, recording, figures):
                if section.name not in ("figures", "results", "run", "recording"):
                    part = laid_out(section, run, figures)
                    parts.append({**part, "anchor": f"{name}-{part['anchor']}", "title": f"{part['title']} – {name}"})
    content = {
        "title": " beside ".join(names),
        "parts": parts,
        "width": 90,
        "configurations": [
            (name, json.dumps(config, indent=2, ensure_ascii=False))
            for name, config in zip(names, configs, strict=True)
        ],
    }
    return write_html(path, "report.html", content)


def names_of(runs: Sequence[Path]) -> list[str]:
    """The shortest ends of their paths by which runs are told apart."""
    parts = [run.resolve().parts for run in runs]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    raise RecordingError(f"inspect.runs: expected different runs, got {runs[0]} twice; give another")


def differences(recordings: Sequence[xr.DataTree]) -> list[tuple[str, list[str]]]:
    """Facts and settings that are not the same in all runs, by name, one text per run."""
    flat = [{**dict(facts_of(recording.attrs)), **_flat(recording.attrs.get("config", {}))} for recording in recordings]
    names = list(dict.fromkeys(name for each in flat for name in each))
    rows = [(name, [each.get(name, "–") for each in flat]) for name in names]
    return [(name, texts) for name, texts in rows if len(set(texts)) > 1]


def _flat(config: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[before + name] = told(value) or "none"
    return found


def _differences(names: Sequence[str], recordings: Sequence[xr.DataTree]) -> Section:
    rows = tuple((name, *texts) for name, texts in differences(recordings))
    return Section(
        name="differences", title="What differs",
        summary=() if rows else ("Facts and settings are the same.",),
        tables=(TextTable(head=("", *names), rows=rows, numbers=False),) if rows else (),
    )  # fmt: skip


def _outcomes(names: Sequence[str], runs: Sequence[Path], recordings: Sequence[xr.DataTree]) -> Section:
    found = []
    for run, recording in zip(runs, recordings, strict=True):
        with refusing(run, "readable signals", "restore the recording from a copy"):
            found.append(outcome(recording))
    joined = xr.concat(found, "run", join="outer", coords="minimal", compat="override")
    rows = []
    for population in joined["population"].values:
        for quantity, label in NUMBERS.items():
            values = joined[quantity].sel(population=population).values
            if np.isfinite(values).any():
                rows.append((str(population), label, *map(number, values)))
    table = TextTable(head=("population", "quantity", *names), rows=tuple(rows), numbers=False)
    return Section(
        name="results", title="Results", summary=("Means over the last tenth of the recorded steps.",),
        tables=(table,) if rows else (),
    )  # fmt: skip


def _drawn(names: Sequence[str], drawn: Sequence[Figures]) -> dict[str, Any]:
    """Figures of one name beside each other."""
    shown = []
    for name in dict.fromkeys(name for figures in drawn for name in figures):
        captions = {
            run: caption(name, figures.words, figures.smoothed)
            for run, figures in zip(names, drawn, strict=True)
            if name in figures
        }
        shown.append(
            {
                "title": title_of(name),
                "images": [encoded(figures[name]) if name in figures else None for figures in drawn],
                "caption": _joined(captions),
                "folded": name.startswith("traces_"),
            }
        )
    told = _part(Section(name="figures", title="Training", summary=(f"From left to right: {', '.join(names)}.",)))
    return {**told, "figures": shown}


def _part(section: Section) -> dict[str, Any]:
    return laid_out(section, Path(), Figures())


def _joined(captions: Mapping[str, Markup]) -> Markup:
    """One caption where all runs have the same, else each after the name of its run: rules have words of their own."""
    if len(set(captions.values())) == 1:
        return next(iter(captions.values()))
    return Markup("<br>").join(Markup("<b>{}</b>: {}").format(name, text) for name, text in captions.items())

"""The report of a run: one HTML file that needs no other file, no network and no JavaScript."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .captions import caption, dendrite_of
from .errors import RecordingError
from .figures import Figures, draw_all, read_probe, read_replay, tables_of
from .pages import write_html
from .plot_factors import separation
from .plot_learning import joint
from .reader import open as open_recording
from .stores import refusing

LATE = 0.1  # the part of the run whose mean stands in the table of results
FACTS = (
    "status", "created", "command", "stimulus", "seeds", "device", "dtype", "host", "versions", "git", "config_sha256",
)  # fmt: skip
Row = list[str]


def write_report(run_dir: Path, figures: Figures | None = None) -> Path:
    """Write ``run_dir/report.html``: what was run, its results, every figure with its equation, the configuration.

    Args:
        run_dir: folder with ``recording.zarr`` and, after a read-out, ``probe.json``.
        figures: what :func:`draw_all` returned; without it the figures are drawn.

    Raises:
        RecordingError: there is no recording in the folder, or the report cannot be written.
    """
    run_dir = Path(run_dir)
    figures = draw_all(run_dir) if figures is None else figures
    with open_recording(run_dir) as recording:
        with refusing(run_dir, "readable signals", "restore the recording from a copy"):
            results = _results(recording)
        content = {
            "title": run_dir.resolve().name,
            "facts": _facts(recording.attrs),
            "results": results,
            "late": f"{LATE:.0%}",
            "rows": [(name, _count(rows)) for name, rows in recording.attrs["committed"].items()],
            "probe": _probe(run_dir),
            "replay": _replay(run_dir),
            "figures": [_figure(name, path) for name, path in figures.items()],
            "skipped": sorted(figures.skipped.items()),
            "config": json.dumps(recording.attrs.get("config", {}), indent=2, ensure_ascii=False),
        }
    return write_html(run_dir / "report.html", "report.html", content)


def _facts(attributes: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """What was run, by name."""
    known = [(name.replace("_", " "), _text(attributes[name])) for name in FACTS if name in attributes]
    parts = [(f"resumed at step {part.get('step')}", _text(part)) for part in attributes.get("resumed", [])]
    return [(name, text) for name, text in [*known, *parts] if text]


def _text(value: Any) -> str:
    """A JSON value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(_text(part) for part in value)
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    return str(value)


def _results(recording: xr.DataTree) -> tuple[Row, list[Row]]:
    """Head and rows of the table of results, one row per population; a column without any value is left out."""
    losses = _losses(recording)
    updates = tables_of(recording, "updates")
    names = list(dict.fromkeys([*losses, *updates]))
    columns: dict[str, list[float]] = {
        "loss, first": [losses.get(name, (np.nan, np.nan))[0] for name in names],
        "loss, last": [losses.get(name, (np.nan, np.nan))[1] for name in names],
    }
    for variable, head in (
        ("gate_fixation", "open gates, fixation"),
        ("gate_saccade", "open gates, saccade"),
        ("basal_change", "|ΔW|"),
        ("apical_change", "|ΔB|"),
    ):
        columns[head] = [_late(updates.get(name), variable) for name in names]
    columns["P(fixation > saccade)"] = [_separation(updates.get(name)) for name in names]
    kept = {head: values for head, values in columns.items() if np.isfinite(values).any()}
    rows = [[name, *(_number(values[index]) for values in kept.values())] for index, name in enumerate(names)]
    return ["population", *kept], rows if kept else []


def _losses(recording: xr.DataTree) -> dict[str, tuple[float, float]]:
    """Mean loss of every population over the first and the last part of the run."""
    if "metrics" not in recording.children or not recording["metrics"].sizes["step"]:
        return {}
    loss = recording["metrics"].to_dataset()["loss"]
    count = max(1, round(LATE * loss.sizes["step"]))
    first, last = (loss.isel(step=part).values.mean(axis=0) for part in (slice(0, count), slice(-count, None)))
    names = [str(name) for name in loss["population"].values]
    return {name: (float(a), float(b)) for name, a, b in zip(names, first, last, strict=True)}


def _tail(table: xr.Dataset | None, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The last part of a variable, flat; empty where the table has none of it."""
    if table is None or name not in table:
        return np.empty(0)
    count = max(1, round(LATE * table.sizes["step"]))
    return np.asarray(table[name].isel(step=slice(-count, None)).values, dtype=np.float64).ravel()


def _late(table: xr.Dataset | None, name: str) -> float:
    values = _tail(table, name)
    return float(values.mean()) if values.size else np.nan


def _separation(table: xr.Dataset | None) -> float:
    fixation, saccade = _tail(table, "score_fixation"), _tail(table, "score_saccade")
    return separation(fixation, saccade) if fixation.size and saccade.size else np.nan


def _number(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "–"


def _probe(run_dir: Path) -> tuple[Row, list[Row], str] | None:
    """Head, rows and size of the read-out, or nothing where there is none."""
    try:
        probe = read_probe(run_dir)
    except RecordingError:
        return None  # the figure's reason stands in the list of what was left out
    rows = [*probe.get("layers", {}).items(), (joint(probe), probe)]
    table = [[str(name), _percent(row.get("accuracy")), _percent(row.get("accuracy_random"))] for name, row in rows]
    table.append(["pixels", _percent(probe.get("accuracy_pixels")), ""])
    if "accuracy_head" in probe:
        table.append(["the network's own output", _percent(probe["accuracy_head"]), ""])
    counts = f"{_count(probe.get('n_train'))} training and {_count(probe.get('n_test'))} test images"
    size = f"{probe.get('read_out', 'linear')} read-out, {counts}"
    return ["layer", "accuracy (%)", "with random weights (%)"], table, size


def _replay(run_dir: Path) -> dict[str, Any] | None:
    """Checks of the last replay with spikes, and what they do not show.

    Raises:
        RecordingError: `replay.json` is damaged.
    """
    replay = read_replay(run_dir)
    try:
        return None if replay is None else _told(replay)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(
            f"run.replay: expected checks, circuit, settings and risks in {run_dir / 'replay.json'}, got others ({error!r}); "
            "replay the run again"
        ) from error


def _told(replay: Mapping[str, Any]) -> dict[str, Any]:
    circuit, settings = replay["circuit"], replay["settings"]
    what = (
        f"{circuit['units']} neurons of {circuit['population']} with {circuit['inputs']} inputs and {circuit['contexts']} context neurons "
        f"({circuit['source']}); {circuit['trials']} trials of {settings['duration']:g} ms, level {settings['level']}, pool {settings['pool']}, "
        f"time constants {settings['tau']:g} ms, {len(settings['seeds'])} seed(s)"
    )
    # results of earlier versions have neither
    power = replay.get("mutants")
    table = [] if power is None else [[m["name"], m["what"], "; ".join(m["rejected_by"])] for m in power["mutants"]]
    return {
        "what": what, "rows": _checks(replay["checks"]), "self_tests": _checks(replay.get("self_tests", [])), "mutants": table,
        "risks": replay["risks"],
    }  # fmt: skip


def _checks(checks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "cells": [
                check["name"],
                check["what"],
                _value(check["value"]),
                _interval(check["interval"]),
                check["criterion"],
            ],
            "passed": check["passed"],
            "reason": check.get("reason", ""),
        }
        for check in checks
    ]


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _interval(ends: Sequence[float | None]) -> str:
    low, high = (_value(end) for end in ends)
    return low if low == high else f"{low} to {high}"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "an unknown number of"


def _percent(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "–"


def _figure(name: str, path: Path) -> dict[str, Any]:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    title = f"Traces of {name[7:]}" if name.startswith("traces_") else name.replace("read_outs", "read-outs")
    title = (
        title.replace("replay_fi_curve", "replay: f-I curve")
        .replace("replay_", "replay: ")
        .replace("spike_", "closed loop: ")
    )
    kind, dendrite = dendrite_of(title)
    title = kind[0].upper() + kind[1:] + (f" ({dendrite})" if dendrite else "")
    return {"title": title, "data": data, "caption": caption(name), "folded": name.startswith("traces_")}

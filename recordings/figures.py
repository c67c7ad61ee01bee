"""All figures of a run, drawn from its recording and its read-outs into ``RUN/figures``."""

import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from .errors import RecordingError
from .plot_dendrites import potentials, traces
from .plot_factors import gates, scores
from .plot_learning import changes, learning, read_outs
from .plot_style import save
from .reader import open as open_recording
from .seal import unsealed
from .stores import refusing

logger = logging.getLogger(__name__)

LOOP = ("spike_raster", "spike_learning")  # of a closed loop, drawn when it was run


class Figures(dict[str, Path]):
    """Path of the PNG by name of the figure; the PDF lies beside it.

    Attributes:
        skipped: reason by name of a figure that the run has no data for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped: dict[str, str] = {}


def draw_all(run_dir: Path) -> Figures:
    """Draw every figure that a run has the data for, as PNG and PDF into ``run_dir/figures``.

    Args:
        run_dir: folder with ``recording.zarr`` and, after a read-out, ``probe.json``.

    Raises:
        RecordingError: there is no recording in the folder.
    """
    run_dir = Path(run_dir)
    drawn = Figures()
    with open_recording(run_dir) as recording:
        for name, draw in _figures(recording, run_dir):
            try:
                with refusing(run_dir, "readable signals", "restore the recording from a copy"):
                    figure = draw()
            except RecordingError as reason:
                drawn.skipped[name] = str(reason)
                logger.info("figure %s skipped: %s", name, reason)
                continue
            drawn[name] = save(figure, run_dir / "figures" / name)
    drawn.update(replay_figures(run_dir))
    drawn.update({name: path for name in LOOP if (path := run_dir / "figures" / f"{name}.png").is_file()})
    return drawn


def replay_figures(run_dir: Path) -> dict[str, Path]:
    """Figures of the last replay, which was drawn when it was made; none where there was no replay."""
    replay = read_replay(run_dir)
    names = replay.get("figures", {}) if replay else {}
    found = {str(name): run_dir / "figures" / f"{name}.png" for name in names}
    return {name: path for name, path in found.items() if path.is_file()}


def read_replay(run_dir: Path) -> dict[str, Any] | None:
    """Contents of ``replay.json``; None where the run was not replayed.

    Raises:
        RecordingError: the file is damaged.
    """
    path = run_dir / "replay.json"
    if not path.exists():
        return None
    try:
        replay = unsealed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordingError(f"run.replay: expected JSON in {path}, got {error}; replay the run again") from error
    if not isinstance(replay.get("figures", {}), dict | list):
        raise RecordingError(f"run.replay: expected a replay in {path}, got {_brief(replay)}; replay the run again")
    return replay


def _figures(recording: xr.DataTree, run_dir: Path) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name of every figure a recording may have, in the order of the report, and how to draw it."""
    activity, updates = tables_of(recording, "activity"), tables_of(recording, "updates")
    yield "learning", lambda: learning(_table(recording, "metrics"))
    yield "read_outs", lambda: read_outs(read_probe(run_dir))
    for suffix in dendrites(activity, updates):
        yield f"scores{suffix}", partial(scores, updates, suffix=suffix)
        yield f"gates{suffix}", partial(gates, updates, suffix=suffix)
        yield f"potentials{suffix}", partial(potentials, activity, suffix=suffix)
    yield "changes", partial(changes, updates)
    for population, table in reversed(activity.items()):
        yield f"traces_{population}", partial(traces, table)


def tables_of(recording: xr.DataTree, kind: str) -> dict[str, xr.Dataset]:
    """The tables ``activity/...`` or ``updates/...`` by population, in the order of the recording."""
    if kind not in recording.children:
        return {}
    return {name: node.to_dataset() for name, node in recording[kind].children.items()}


def read_probe(run_dir: Path) -> dict[str, Any]:
    """Contents of ``probe.json``.

    Raises:
        RecordingError: the run has no read-out, or the file is damaged.
    """
    path = run_dir / "probe.json"
    if not path.exists():
        raise RecordingError(f"run.probe: expected {path}, got no such file; run `apical probe {run_dir}` first")
    try:
        probe = unsealed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordingError(f"run.probe: expected JSON in {path}, got {error}; run the read-out again") from error
    if not _is_read_out(probe):
        raise RecordingError(f"run.probe: expected a read-out in {path}, got {_brief(probe)}; run the read-out again")
    return dict(probe)


def _is_read_out(probe: Any) -> bool:
    """Whether it has the parts that are shown; the numbers themselves are checked where they are drawn."""
    if not isinstance(probe, dict) or "accuracy" not in probe:
        return False
    layers, names = probe.get("layers", {}), [probe.get(name, []) for name in ("together", "populations")]
    if not isinstance(layers, dict) or not all(isinstance(row, dict) for row in layers.values()):
        return False
    return all(isinstance(part, list) for part in names) and all(
        isinstance(probe.get(size, 0), int) for size in ("n_train", "n_test")
    )


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _table(recording: xr.DataTree, path: str) -> xr.Dataset:
    if path not in recording.children:
        raise RecordingError(f"recording.{path}: expected this table, got none; record it to see this figure")
    return recording[path].to_dataset()


def dendrites(activity: dict[str, xr.Dataset], updates: dict[str, xr.Dataset]) -> list[str]:
    """Suffix of the variables of each apical dendrite, the one without first: ``["", "_feedback"]``."""
    names = {str(name) for tables in (activity, updates) for table in tables.values() for name in table}
    found = {
        name.removeprefix(stem)
        for name in names
        for stem in ("neuromodulator", "gate_fixation")
        if name.startswith(stem)
    }
    return sorted(found | {""})

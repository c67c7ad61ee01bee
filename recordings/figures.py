"""The figures of a recording, drawn into ``RUN/figures``."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from .errors import RecordingError, unknown_name
from .plot_dendrites import potentials, traces
from .plot_factors import gates, scores
from .plot_learning import changes, learning
from .plot_style import SMOOTHED, save
from .reader import open as open_recording
from .stores import refusing
from .words import words_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of a recording is drawn.

    Args:
        populations: names; None for all.
        units: positions along `unit` of the traces, or how many: those whose rate varies most.
        trials: how many trials traces show.
        first: the first of them; None for the last ones recorded.
    """

    populations: Collection[str] | None = None
    units: int | Sequence[int] = 4
    trials: int = 48
    first: int | None = None


class Figures(dict[str, Path]):
    """Path of the PNG by name of the figure; the PDF lies beside it.

    Attributes:
        skipped: reason by name of a figure that the run has no data for.
        words: what the rule calls its signals.
        smoothed: whether curves over training are running means.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped: dict[str, str] = {}
        self.words: dict[str, str] = {}
        self.smoothed = False


def draw_all(run_dir: Path, shown: Shown | None = None) -> Figures:
    """Draw every figure that a recording has the data for, as PNG and PDF into ``run_dir/figures``.

    Args:
        run_dir: folder with ``recording.zarr``.
        shown: of which populations, units and trials; all populations and the last trials without it.

    Raises:
        RecordingError: there is no recording in the folder, or it has no such population.
    """
    run_dir, shown = Path(run_dir), shown or Shown()
    drawn = Figures()
    with open_recording(run_dir) as recording:
        activity, updates = tables_of(recording, "activity"), tables_of(recording, "updates")
        drawn.words = words_of(*activity.values(), *updates.values())
        drawn.smoothed = any(node.sizes.get("step", 0) >= SMOOTHED for node in recording.children.values()) or any(
            table.sizes["step"] >= SMOOTHED for table in updates.values()
        )
        for name, draw in _figures(recording, shown):
            try:
                with refusing(run_dir, "readable signals", "restore the recording from a copy"):
                    figure = draw()
            except RecordingError as reason:
                drawn.skipped[name] = str(reason)
                logger.info("figure %s skipped: %s", name, reason)
                continue
            drawn[name] = save(figure, run_dir / "figures" / name)
    return drawn


def _figures(recording: xr.DataTree, shown: Shown) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name of every figure a recording may have, in the order of the report, and how to draw it."""
    activity = _chosen(tables_of(recording, "activity"), shown)
    updates = _chosen(tables_of(recording, "updates"), shown)
    yield "learning", lambda: learning(_table(recording, "metrics"))
    for suffix in dendrites(activity, updates):
        yield f"scores{suffix}", partial(scores, updates, suffix=suffix)
        yield f"gates{suffix}", partial(gates, updates, suffix=suffix)
        yield f"potentials{suffix}", partial(potentials, activity, suffix=suffix)
    yield "changes", partial(changes, updates)
    yield "drives", partial(changes, updates, kind="drive")
    for population, table in reversed(activity.items()):
        yield f"traces_{population}", partial(traces, table, units=shown.units, trials=shown.trials, first=shown.first)


def _chosen(tables: dict[str, xr.Dataset], shown: Shown) -> dict[str, xr.Dataset]:
    if shown.populations is None or not tables:
        return tables
    for name in shown.populations:
        if name not in tables:
            raise unknown_name("inspect.population", name, tables)
    return {name: table for name, table in tables.items() if name in shown.populations}


def tables_of(recording: xr.DataTree, kind: str) -> dict[str, xr.Dataset]:
    """The tables ``activity/...`` or ``updates/...`` by population, in the order of the recording."""
    if kind not in recording.children:
        return {}
    return {name: node.to_dataset() for name, node in recording[kind].children.items()}


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

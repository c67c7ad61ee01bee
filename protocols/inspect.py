"""`apical inspect`: figures of the dendritic signals of runs, and their reports."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from ..models.engine import checkpoint
from ..recordings import Drawing, Figures, Section, Shown, draw_all, write_report, write_section, write_side_by_side
from ..recordings.captions import KERNELS
from ..recordings.plot_kernels import kernels
from ..recordings.plot_style import save
from .documents import add_missing_sections
from .errors import ConfigError
from .runs.folder import RunFolder
from .runs.foreign import read_only

PAGE = "side-by-side.html"


def inspect_run(run: Path, shown: Shown | None = None) -> dict[str, Any]:
    """Draw every figure that the recording of a run allows, and write RUN/report.html with all that was done with the run.

    Args:
        run: folder of the run.
        shown: which populations, units and trials are drawn.

    Raises:
        ConfigError: no run there.
        RecordingError: its recording cannot be read, or it has no such population.
        CheckpointError: its newest checkpoint is damaged.
    """
    figures = _drawn(run, shown)
    report = write_report(run, figures)
    return {"run": str(run), "figures": {name: str(path) for name, path in figures.items()}, "report": str(report)}


def inspect_runs(runs: Sequence[Path], out: Path | None = None, shown: Shown | None = None) -> dict[str, Any]:
    """Write a page that shows several runs beside each other, and the report of each.

    Args:
        runs: their folders, in the order of the columns.
        out: of the page; None for `side-by-side.html` in the first run.
        shown: see `inspect_run`.

    Raises:
        ConfigError: a run is missing or given twice.
        RecordingError: a recording cannot be read, or there are too many.
        CheckpointError: a checkpoint is damaged.
    """
    if len({run.resolve() for run in runs}) < len(runs):
        raise ConfigError(
            f"inspect.runs: expected different runs, got one twice: {', '.join(map(str, runs))}; leave it out"
        )
    drawn = {run: _drawn(run, shown) for run in runs}
    page = write_side_by_side(drawn, out or runs[0] / PAGE)
    reports = [write_report(run, figures) for run, figures in drawn.items()]
    return {"runs": [str(run) for run in runs], "page": str(page), "reports": [str(report) for report in reports]}


def _drawn(run: Path, shown: Shown | None) -> Figures:
    folder = RunFolder(run)
    if read_only(folder):
        folder.settings()
    add_missing_sections(run)
    figures = draw_all(run, shown)
    _hand_in_kernels(folder)
    return figures


def _hand_in_kernels(folder: RunFolder) -> None:
    """The section of the first population's kernels, where it has some on the image."""
    stored = checkpoint.found(folder.checkpoints)
    if not stored:
        return
    weights = checkpoint.stored_weights(stored[-1])
    found = next(((n, w) for n, w in sorted(weights.items()) if w.dim() == 4 and w.shape[1] in (1, 3)), None)
    if found is None:
        return
    name, weight = found
    population = name.rpartition(".")[0]
    array = xr.DataArray(weight.float().numpy(), dims=("unit", "channel", "y", "x"), attrs={"population": population})
    save(kernels(array), folder.path / "figures" / "kernels")
    write_section(
        folder.path,
        Section(
            name="kernels", title="First-layer kernels", order=5,
            figures=(Drawing(name="kernels", title=f"Kernels of {population}", caption=KERNELS),),
        ),
    )  # fmt: skip

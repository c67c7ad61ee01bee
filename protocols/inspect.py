"""`apical inspect`: figures of the dendritic signals of a run, and its report."""

from pathlib import Path
from typing import Any

from ..recordings import draw_all, write_report
from .documents import add_missing_sections
from .runs.folder import RunFolder


def inspect_run(run: Path) -> dict[str, Any]:
    """Draw every figure that the recording of a run allows, and write RUN/report.html with all that was done with the run.

    Raises:
        ConfigError: no run there.
        RecordingError: its recording cannot be read.
    """
    RunFolder(run).settings()
    add_missing_sections(run)
    figures = draw_all(run)
    report = write_report(run, figures)
    return {"run": str(run), "figures": {name: str(path) for name, path in figures.items()}, "report": str(report)}

"""`apical inspect` as a function of plain arguments."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError
from .functions import Folder, Where
from .result import Result
from .run import folder_of


def inspect(
    run: Where,
    *others: Where,
    out: Folder | None = None,
    populations: Sequence[str] | None = None,
    units: int | Sequence[int] = 4,
    trials: int = 48,
    first: int | None = None,
) -> Result:
    """Draw the dendritic signals of a run and write its report; with further runs, a page that shows them side by side; `apical inspect`.

    Args:
        run: the run.
        others: further ones, up to three.
        out: of the page of several runs; by default `side-by-side.html` in the first.
        populations: of which figures are drawn; None for all.
        units: how many units traces show, those whose rate varies most, or their positions among the recorded ones.
        trials: how many trials traces show.
        first: the first of them; None for the last ones recorded.
    """
    from ...recordings import Shown
    from ..inspect import inspect_run, inspect_runs

    shown = Shown(populations=populations, units=units, trials=trials, first=first)
    if others:
        folders = [folder_of(each) for each in (run, *others)]
        return Result("inspect", inspect_runs(folders, None if out is None else Path(out), shown))
    if out is not None:
        raise ConfigError(
            "inspect.out: expected several runs for a page of its own, got one; its report is RUN/report.html"
        )
    return Result("inspect", inspect_run(folder_of(run), shown))

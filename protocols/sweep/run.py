"""The sweep itself: what is done is kept, what failed is tried again, what is left is given to workers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Interrupted, ProtocolError
from ..progress import bar as progress_bar
from ..progress import beside
from ..settings.load import to_yaml
from ..settings.places import check_there, located
from ..signals import handled, interrupt
from . import manifest as stored
from .cell import kept
from .folder import DIVERGED, DONE, FAILED, READ, SweepFolder
from .plan import Cell, Plan
from .spec import load, with_workers
from .workers import workers_of

RETRIES = 2
AGAIN = "interrupted; repeat the same command to go on: what was trained is kept"


@dataclass(frozen=True, slots=True)
class Means:
    """By whom and with what cells are done.

    Attributes:
        workers: side by side on this machine; 0 for this process.
        threads: CPU threads of a cell.
        memory: of a worker, such as `4GiB`; None for any.
        scheduler: address of a dask scheduler whose workers are taken instead.
        dashboard: whether the page of the cluster is told.
        retries: how often a cell is tried again that failed otherwise than by its settings.
        data_dir: folder of the data sets.
    """

    workers: int = 1
    threads: int = 1
    memory: str | None = None
    scheduler: str | None = None
    dashboard: bool = False
    retries: int = RETRIES
    data_dir: Path | None = None

    def __post_init__(self) -> None:
        for name, least in (("workers", 0), ("threads", 1), ("retries", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(
                    f"sweep.{name}: expected a number from {least}, got {value!r}; for example {name}={max(least, 1)}"
                )


def sweep(
    spec: str | Mapping[str, Any],
    out: Path | None = None,
    means: Means | None = None,
    *,
    overrides: Sequence[str] = (),
    dry_run: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Do every cell of a sweep that is not done, then write its table, figures and page.

    Args:
        spec: path of a YAML file, the mapping that such a file holds, or the folder of a sweep to go on with.
        out: folder; None for runs/sweep-NAME.
        means: by whom and with what.
        overrides: `a.b=c` texts for every cell.
        dry_run: say what would be done, and do nothing.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: sweep (folder), name, cells (by status), rows (a cell each), summary (a point each), failed (reason by cell),
        files. Of a dry run: cells, rows and what is known of the cost.

    Raises:
        ConfigError: settings that no cell could have, or a folder with another sweep, before the first cell starts.
        ProtocolError: every cell failed.
        Interrupted: SIGINT, SIGTERM or SIGHUP; cells in hand are kept up to a checkpoint.
    """
    means = means or Means()
    plan, folder, cells = _begin(spec, out, overrides, means)
    if dry_run:
        from .dry import dry

        return dry(plan, folder, cells, means)
    failed = execute(plan, folder, means, cells, progress=progress)
    from .page import write_results

    result = write_results(folder)
    if not result["cells"].get(DONE) and not result["cells"].get(DIVERGED):
        raise ProtocolError(
            f"{folder.path}: expected at least one finished cell, got none; {next(iter(failed.values()), '')}"
        )
    return result


def _begin(
    spec: str | Mapping[str, Any], out: Path | None, overrides: Sequence[str], means: Means
) -> tuple[Plan, SweepFolder, list[Cell]]:
    """The plan, the folder and the cells that words name."""
    if isinstance(spec, str) and Path(spec).is_dir():
        folder = SweepFolder(Path(spec))
        if out is not None and out.resolve() != folder.path.resolve():
            raise ConfigError(f"--out: expected none beside the folder of a sweep, got {out}; it goes on in {spec}")
        manifest = stored.read(folder)
        if overrides:
            raise ConfigError(
                f"--set: expected none for a sweep that goes on, got {overrides[0]!r}; its settings stand in {folder.manifest}"
            )
        return manifest.plan, folder, stored.cells_of(manifest)
    plan = with_workers(load(spec, overrides), means.workers)
    return plan, SweepFolder(out or Path("runs") / f"sweep-{plan.name}"), plan.cells()


def execute(
    plan: Plan,
    folder: SweepFolder,
    means: Means,
    cells: Sequence[Cell],
    *,
    progress: bool = True,
    adopt: Callable[[SweepFolder, Cell], None] | None = None,
    unit: str = "cell",
) -> dict[str, str]:
    """Do the cells of a plan that are not done.

    Args:
        plan: what is to be done.
        folder: where.
        means: by whom and with what.
        cells: of the plan.
        progress: show a bar.
        adopt: brings the result of an earlier version into today's form, cell by cell.
        unit: what a cell is called.

    Returns:
        Reason by name of the cells that failed.

    Raises:
        ConfigError: as in `sweep`; nothing is started.
        Interrupted: as in `sweep`.
    """
    for cell in cells:
        check_there(cell.config)
    with folder.alone():
        before = stored.read(folder) if folder.manifest.is_file() else None
        manifest = stored.extended(before, plan, cells)
        folder.make()
        if adopt is not None:
            for cell in cells:
                adopt(folder, cell)
        waiting = [cell for cell in cells if not _finished(folder, cell)]
        stored.write(folder, manifest)
        tasks = [_task(folder, plan, cell, means) for cell in waiting]
        lasting = {cell.name: cell.config.training.epochs for cell in cells}
        readings = _on_the_way(folder, tasks, manifest.plan.read_at, lasting)
        return _work_off(folder, plan, readings + tasks, len(cells) - len(waiting), means, progress, unit)


def _finished(folder: SweepFolder, cell: Cell) -> bool:
    """Whether a cell is done; raises ConfigError where another one is, or its result is damaged."""
    path = folder.result(cell.name)
    if not path.is_file():
        return False
    if folder.read_result(cell.name).get("hash") != cell.hash:
        raise ConfigError(
            f"{path}: expected a cell of these settings and this budget, got one of others; remove it to run {cell.name} again, "
            f"or {stored.ELSEWHERE}"
        )
    return True


def _task(folder: SweepFolder, plan: Plan, cell: Cell, means: Means) -> dict[str, Any]:
    config = located(cell.config)
    threads = config.training.threads or means.threads
    config = config.model_copy(update={"training": config.training.model_copy(update={"threads": threads})})
    return {
        "folder": str(folder.path.resolve()), "cell": cell.name, "hash": cell.hash, "at": dict(cell.at), "config": to_yaml(config),
        "data_dir": None if means.data_dir is None else str(means.data_dir.resolve()), "seconds": plan.budget.seconds,
        "do": list(plan.do), "retries": means.retries, "sources": dict(cell.sources), "until": None,
    }  # fmt: skip


def _on_the_way(
    folder: SweepFolder, tasks: Sequence[dict[str, Any]], epochs: Sequence[int], lasting: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Read-outs that are left, epoch by epoch over all cells, so that these can be compared long before one is done; `lasting`: epochs by cell."""
    asked = [{**task, "until": until} for until in epochs for task in tasks if until < lasting[task["cell"]]]
    return [task for task in asked if kept(folder, task) is None]


def _work_off(
    folder: SweepFolder, plan: Plan, tasks: list[dict[str, Any]], done: int, means: Means, progress: bool, unit: str
) -> dict[str, str]:
    """Give tasks to workers; returns the reasons of those that failed."""
    failed: dict[str, str] = {}
    if not tasks:
        return failed
    bar = progress_bar(progress, unit, done + len(tasks), initial=done)

    def tell(in_hand: int) -> None:
        bar.set_postfix_str(f"{in_hand} in hand, {len(failed)} failed")

    try:
        with handled(interrupt), bar:
            _measure_kernels(tasks)
            with workers_of(
                means.workers, threads=means.threads, memory=means.memory, scheduler=means.scheduler, dashboard=means.dashboard,
                retries=means.retries,
            ) as workers:  # fmt: skip
                for outcome in workers.results(tasks, tell):
                    if outcome["status"] == FAILED:
                        failed[outcome["cell"]] = outcome["error"]
                        beside(f"{outcome['cell']}: {outcome['error']}")
                    elif outcome["status"] in (DONE, READ, DIVERGED):
                        failed.pop(outcome["cell"], None)  # what failed on the way, and no more
                    else:
                        raise KeyboardInterrupt
                    bar.update()
    except KeyboardInterrupt as error:
        raise Interrupted(AGAIN) from error
    return failed


def _measure_kernels(tasks: Sequence[Mapping[str, Any]]) -> None:
    """Let this machine choose its kernels once, before workers begin: each would measure for itself, and two choices differ in last bits."""
    import torch

    from ...models.engine import choose
    from ..stimuli.cache import cache_directory

    choose("auto", torch.device("cpu"), cache_directory())

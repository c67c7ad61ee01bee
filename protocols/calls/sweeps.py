"""Many runs at once as functions of plain arguments: each does what the command of its name does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..settings.load import texts
from .fields import numbers
from .functions import Folder
from .result import Result

EPOCHS = 3  # of a comparison that is given no budget


def sweep(
    spec: Folder | Mapping[str, Any],
    out: Folder | None = None,
    *,
    workers: int = 1,
    threads: int = 1,
    memory: str | None = None,
    scheduler: str | None = None,
    retries: int = 2,
    dashboard: bool = False,
    dry_run: bool = False,
    changes: Mapping[str, Any] | None = None,
    data_dir: Folder | None = None,
    progress: bool = True,
) -> Result:
    """A run for every point of a grid, a list or draws of settings, and every seed; `apical sweep`.

    In a script, call it below ``if __name__ == "__main__":``, as workers are processes; ``apical.open(result)`` gives a Dataset over the axes.

    Args:
        spec: path of a YAML file, the mapping that it would hold, or the folder of a sweep to go on with.
        out: folder, where what is done is kept; None for runs/sweep-NAME.
        workers: cells side by side on this machine; 0 for this process.
        threads: CPU threads of a cell.
        memory: of a worker, such as `4GiB`; None for any.
        scheduler: address of a dask scheduler whose workers are taken instead.
        retries: how often a cell is tried again that fails.
        dashboard: tell the address of the page of the cluster.
        dry_run: list the cells, and start nothing.
        changes: of every cell's settings, dotted path to value.
        data_dir, progress: as in `train`.

    Raises:
        ConfigError: settings that no cell could have, or a folder with another sweep; nothing was started.
        ProtocolError: every cell failed.
    """
    from ..sweep.run import Means
    from ..sweep.run import sweep as call

    means = Means(workers, threads, memory, scheduler, dashboard, retries, _path(data_dir))
    source = spec if isinstance(spec, Mapping) else str(spec)
    found = call(source, _path(out), means, overrides=texts(changes or {}), dry_run=dry_run, progress=progress)
    return Result("sweep dry" if dry_run else "sweep", found)


def compare(
    data: str = "shapes",
    out: Folder | None = None,
    *,
    rules: Sequence[str] | None = None,
    only: Sequence[str] | str = (),
    seeds: Sequence[int] | int = (0, 1, 2),
    seconds: float | None = None,
    epochs: int | Literal["own"] | None = None,
    samples: int | None = None,
    read_at: Sequence[int] = (),
    jobs: int = 1,
    threads: int = 1,
    memory: str | None = None,
    scheduler: str | None = None,
    retries: int = 2,
    changes: Mapping[str, Any] | None = None,
    data_dir: Folder | None = None,
    progress: bool = True,
) -> Result:
    """Train rules side by side with equal budgets and the same read-outs; `apical compare`.

    Args:
        data: `shapes`, `cifar10`, or path of a YAML file.
        out: folder, where finished cells are kept; None for runs/compare-NAME.
        rules: entries by name; None for all.
        only: entries, rules of one's own such as `file.py:MyRule`, or YAML files of entries; run alone, shown beside all that is there.
        seeds: one run per rule and seed.
        seconds, epochs, samples: budget of every run, one of the three; 3 epochs where none is given, `own` for as many as its own settings say.
        read_at: epochs after which every run is read out on the way, all in turn.
        jobs, threads: runs side by side, and CPU threads of each.
        memory, scheduler, retries: as in `sweep`.
        changes: of every entry's settings, dotted path to value.
        data_dir, progress: as in `train`.
    """
    from ..compare.run import compare as call

    folder = Path(out) if out is not None else Path("runs") / f"compare-{Path(data).stem}"
    epochs = EPOCHS if seconds is None and epochs is None and samples is None else epochs
    found = call(
        data, folder, rules=rules, only=[only] if isinstance(only, str) else list(only), seeds=numbers(seeds), seconds=seconds,
        epochs=None if epochs == "own" else epochs, samples=samples, read_at=read_at, jobs=jobs, threads=threads, memory=memory, scheduler=scheduler, retries=retries,
        overrides=texts(changes or {}), data_dir=_path(data_dir), progress=progress,
    )  # fmt: skip
    return Result("compare", found)


def _path(folder: Folder | None) -> Path | None:
    return None if folder is None else Path(folder)

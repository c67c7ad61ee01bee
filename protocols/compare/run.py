"""The comparison itself: every rule with every seed, side by side in processes, resumable cell by cell."""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Interrupted, ProtocolError
from ..progress import bar as progress_bar
from ..progress import beside
from ..runs.files import write_json
from ..runs.provenance import machine
from ..settings.load import to_yaml
from ..signals import handled, interrupt
from . import comparison as spec
from .finished_cells import begin, cell_name, finished, keep_row, run_folder
from .page import write_page
from .processes import Processes
from .table import Cell, rows_of, summary, write_csv


def compare(
    name: str,
    out: Path,
    *,
    rules: Sequence[str] | None = None,
    seeds: Sequence[int] = (0,),
    seconds: float | None = None,
    epochs: int | None = None,
    jobs: int = 1,
    threads: int = 1,
    overrides: Sequence[str] = (),
    data_dir: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train and read out every rule with every seed, then write table, figure and page.

    Args:
        name: a comparison that comes with Apical, or a YAML file (see `spec`).
        out: folder of the comparison; cells that are finished there are kept.
        rules: labels of entries; None for all.
        seeds: one run per rule and seed.
        seconds, epochs: the budget of every run, exactly one of them.
        jobs: cells side by side.
        threads: CPU threads of one cell.
        overrides: `a.b=c` texts for every entry.
        data_dir: folder of the data sets.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: rows (rule, seed, accuracy, ...), summary (rule, mean, sd, n, ...), failed, files.

    Raises:
        ConfigError: settings that no run could have, or a folder with cells of other settings or another budget, before the first
            run starts.
        ProtocolError: every cell failed.
    """
    if (seconds is None) == (epochs is None):
        raise ConfigError("compare.budget: expected either seconds or epochs, got both or neither; for example 120s")
    entries = spec.load(name, rules, overrides)
    training: dict[str, Any] = {"threads": threads, "epochs": epochs or 100_000}
    tasks = {
        (entry.label, seed): _task(entry, seed, training, out, data_dir, seconds, jobs)
        for entry in entries
        for seed in seeds
    }
    out.mkdir(parents=True, exist_ok=True)
    budget = {"seconds": seconds, "epochs": epochs, "threads": threads, "jobs": jobs}
    failed = _run_all(tasks, out, jobs, progress)
    rows = rows_of(entries, seeds, out)
    if not rows:
        raise ProtocolError(f"{out}: expected at least one finished cell, got none; {next(iter(failed.values()), '')}")
    table = summary(entries, rows, failed)
    facts = {"comparison": name, "budget": budget, "seeds": list(seeds), "machine": machine()}
    files = {"csv": write_csv(out / "compare.csv", rows, failed), **write_page(out, facts, table, rows)}
    lost = {cell_name(*key): text for key, text in failed.items()}
    result = {**facts, "rows": rows, "summary": table, "failed": lost, "files": files}
    write_json(out / "compare.json", result)
    return result


def _task(
    entry: spec.Entry,
    seed: int,
    training: dict[str, Any],
    out: Path,
    data_dir: Path | None,
    seconds: float | None,
    jobs: int,
) -> dict[str, Any]:
    return {
        "config": to_yaml(entry.config(seed, training)),
        "out": str(run_folder(out, entry.label, seed)),
        "data_dir": None if data_dir is None else str(data_dir),
        "max_seconds": seconds,
        # in a second less is learnt beside others
        "jobs": None if seconds is None else jobs,
    }


def _run_all(tasks: dict[Cell, dict[str, Any]], out: Path, jobs: int, progress: bool) -> dict[Cell, str]:
    """Run what is not finished; seed by seed, so that an early stop leaves whole seeds. Returns failures by cell."""
    (out / "cells").mkdir(exist_ok=True)
    waiting = [key for key in sorted(tasks, key=lambda key: key[1]) if not finished(out, key, tasks[key])]
    for key in waiting:
        begin(out, key, tasks[key])
    failed = dict[Cell, str]()
    bar = progress_bar(progress, "run", len(tasks), initial=len(tasks) - len(waiting))
    # the pool waits for its threads before the pipe of the processes is taken away
    with handled(interrupt), bar, Processes() as processes, ThreadPoolExecutor(max_workers=jobs) as pool:
        futures: dict[Future[dict[str, Any]], Cell] = {pool.submit(processes.run, tasks[key]): key for key in waiting}
        try:
            pending = set(futures)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    key = futures[future]
                    try:
                        keep_row(out, key, tasks[key], future.result())
                    except ProtocolError as error:
                        failed[key] = str(error)
                        beside(f"{cell_name(*key)}: {error}")
                    bar.update()
                    bar.set_postfix_str(f"{key[0]} seed {key[1]}")
        except BaseException as error:
            for future in futures:
                future.cancel()
            processes.stop()
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted("interrupted; repeat the same command to go on: what was trained is kept") from error
            raise
    return failed

"""The comparison itself: every rule with every seed, side by side in processes, resumable cell by cell."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..bench.speed import machine
from ..config import to_yaml
from ..errors import ConfigError, ProtocolError
from . import spec
from .page import write_page
from .table import cell_file, cell_name, rows_of, summary, write_csv

CELL = "apical.protocols.compare.cell"


class Processes:
    """Cells that are running; all of them are asked to stop, and waited for, when the comparison is."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[str]] = set()
        self.stopped = False

    def run(self, task: dict[str, Any]) -> dict[str, Any]:
        """One cell; raises ProtocolError with the cell's own last line."""
        if self.stopped:
            raise KeyboardInterrupt
        process = subprocess.Popen(
            [sys.executable, "-m", CELL, json.dumps(task)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.running.add(process)
        out, err = process.communicate()
        self.running.discard(process)
        if self.stopped:
            raise KeyboardInterrupt
        if process.returncode:
            lines = [line for line in err.strip().splitlines() if line] or [f"exit code {process.returncode}"]
            raise ProtocolError(
                f"{task['out']}: expected the cell to finish, got {lines[-1]}; run the same command again"
            )
        return dict(json.loads(out.strip().splitlines()[-1]))

    def stop(self) -> None:
        """SIGTERM: a training run writes a checkpoint first."""
        self.stopped = True
        for process in list(self.running):
            process.send_signal(signal.SIGTERM)


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
        ConfigError: settings that no run could have, before the first run starts.
        ProtocolError: every cell failed.
    """
    if (seconds is None) == (epochs is None):
        raise ConfigError("compare.budget: expected either seconds or epochs, got both or neither; for example 120s")
    entries = spec.load(name, rules, overrides)
    training: dict[str, Any] = {"threads": threads, "epochs": epochs or 100_000}
    tasks = {
        (entry.label, seed): _task(entry, seed, training, out, data_dir, seconds) for entry in entries for seed in seeds
    }
    out.mkdir(parents=True, exist_ok=True)
    budget = {"seconds": seconds, "epochs": epochs, "threads": threads, "jobs": jobs}
    failed = _run_all(tasks, out, jobs, progress)
    rows = rows_of(entries, seeds, out)
    if not rows:
        raise ProtocolError(f"{out}: expected at least one finished cell, got none; {next(iter(failed.values()), '')}")
    table = summary(entries, rows)
    facts = {"comparison": name, "budget": budget, "seeds": list(seeds), "machine": machine()}
    files = {"csv": write_csv(out / "compare.csv", rows), **write_page(out, facts, table, rows)}
    result = {**facts, "rows": rows, "summary": table, "failed": failed, "files": files}
    (out / "compare.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def _task(
    entry: spec.Entry, seed: int, training: dict[str, Any], out: Path, data_dir: Path | None, seconds: float | None
) -> dict[str, Any]:
    return {
        "config": to_yaml(entry.config(seed, training)),
        "out": str(out / "runs" / cell_name(entry.label, seed)),
        "data_dir": None if data_dir is None else str(data_dir),
        "max_seconds": seconds,
    }


def _run_all(tasks: dict[tuple[str, int], dict[str, Any]], out: Path, jobs: int, progress: bool) -> dict[str, str]:
    """Run what is not finished; seed by seed, so that an early stop leaves whole seeds. Returns failures by cell."""
    (out / "cells").mkdir(exist_ok=True)
    waiting = [key for key in sorted(tasks, key=lambda key: key[1]) if not _done(out, key, tasks[key])]
    processes, failed = Processes(), dict[str, str]()
    bar = tqdm(
        total=len(tasks),
        initial=len(tasks) - len(waiting),
        unit="run",
        file=sys.stderr,
        disable=None if progress else True,
    )
    with bar, ThreadPoolExecutor(max_workers=jobs) as pool:
        futures: dict[Future[dict[str, Any]], tuple[str, int]] = {
            pool.submit(processes.run, tasks[key]): key for key in waiting
        }
        try:
            pending = set(futures)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    key = futures[future]
                    try:
                        _keep(out, key, tasks[key], future.result())
                    except ProtocolError as error:
                        failed[cell_name(*key)] = str(error)
                    bar.update()
                    bar.set_postfix_str(f"{key[0]} seed {key[1]}")
        except BaseException:
            for future in futures:
                future.cancel()
            processes.stop()
            raise
    return failed


def _keep(out: Path, key: tuple[str, int], task: dict[str, Any], row: dict[str, Any]) -> None:
    path = cell_file(out, *key)
    document = {"rule": key[0], "seed": key[1], **row, "config": task["config"], "budget": task["max_seconds"]}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document))
    partial.replace(path)


def _done(out: Path, key: tuple[str, int], task: dict[str, Any]) -> bool:
    """Whether the cell is finished; one of other settings or another budget is refused, not mixed in.

    Raises:
        ConfigError: the folder holds a cell of that name with other settings.
    """
    path = cell_file(out, *key)
    if not path.is_file():
        return False
    document = json.loads(path.read_text())
    if document["config"] != task["config"] or document["budget"] != task["max_seconds"]:
        raise ConfigError(
            f"{path}: expected a cell of these settings and this budget, got one of others; choose another --out"
        )
    return True

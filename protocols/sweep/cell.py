"""One cell of a sweep, in a worker: trained or trained on, read out, and its result written there.

A worker is given plain settings and makes everything of them itself, rules of the user's own too. The client only reads what lies in the
folder, so that nothing is lost with a client, and with a worker no more than what was learnt since the last checkpoint.
"""

import contextlib
import io
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError, exit_code_of, told
from ..settings.yaml import merge, parse
from .folder import DIVERGED, DONE, FAILED, READ, SweepFolder
from .plan import ALIGN, PROBE

STOPPED = "stopped"
LOOK = 0.5  # seconds between two looks at a cell that another worker still has
COST = ("macs_per_image", "bytes_per_image")
BATCHES = 8  # on which alignment is measured, where there are as many
# what is kept of a read-out on the way
READING = (
    "epochs", "steps", "samples", "seconds", "loss", "losses", "accuracy", "accuracy_random", "accuracy_pixels", "layers", "layers_random",
    "alignment", "images_per_second", "peak_memory_bytes", *COST,
)  # fmt: skip


def work(task: Mapping[str, Any], asked: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Do a cell, unless it is done, and write its result or how it failed.

    Args:
        task: folder (of the sweep), cell (its name), hash, at, config (YAML text), data_dir (or null), seconds (or null), do, retries,
            sources (checksum by setting, as the client saw them), until (epochs after which it is read out on the way; null for the end).
        asked: whether to stop; training then ends at a checkpoint.

    Returns:
        cell, status (done, read, diverged, failed or stopped) and error (where it failed).
    """
    folder, name = SweepFolder(Path(task["folder"])), str(task["cell"])
    with contextlib.ExitStack() as stack:
        if not _wait_for(stack, folder, name, asked):
            return {"cell": name, "status": STOPPED}
        if status := kept(folder, task):
            return {"cell": name, "status": status}
        for attempt in range(1, int(task["retries"]) + 2):
            said = io.StringIO()
            try:
                with contextlib.redirect_stderr(said):
                    _same_sources(task)
                    found = _done(folder, name, task, asked)
                    _same_sources(task)  # what was edited in the meantime may have been computed with
                _keep(folder, task, found, _lines(said))
                return {"cell": name, "status": found["status"]}
            except KeyboardInterrupt:
                if not asked():
                    raise
                return {"cell": name, "status": STOPPED}
            except (Exception, SystemExit) as error:  # a word from outside may call sys.exit, which ends no worker
                failure = _failure(error, task, attempt)
                folder.keep_failure(name, failure)
                # settings are no better the next time
                if isinstance(error, Exception) and exit_code_of(error) == ConfigError.exit_code:
                    break
    return {"cell": name, "status": FAILED, "error": failure["error"]}


def kept(folder: SweepFolder, task: Mapping[str, Any]) -> str | None:
    """Status of what lies in the folder, where it is what the task would come to: a result, or a read-out on the way.

    Args:
        folder: of the sweep.
        task: see `work`.
    """
    name, mark = str(task["cell"]), str(task["hash"])
    found = folder.read_result(name) if folder.result(name).is_file() else {}
    if found.get("hash") == mark:
        return str(found["status"])
    read = (each["asked"] for each in folder.read_readings(name, mark))
    return READ if task["until"] is not None and task["until"] in read else None


def _keep(folder: SweepFolder, task: Mapping[str, Any], found: Mapping[str, Any], notes: list[str]) -> None:
    name, mark = str(task["cell"]), str(task["hash"])
    if found["status"] == READ:
        folder.keep_reading(
            name, mark, {"asked": task["until"], **{key: found[key] for key in READING if key in found}}
        )
        return
    document = {"cell": name, "hash": mark, "at": task["at"], **found, "notes": notes}
    folder.keep_result(name, document | {"readings": folder.read_readings(name, mark)})


def _wait_for(stack: contextlib.ExitStack, folder: SweepFolder, name: str, asked: Callable[[], bool]) -> bool:
    """Have the cell for oneself; false where one is asked to stop before."""
    from ..locks import Taken

    while not asked():
        try:
            stack.enter_context(folder.cell_alone(name))
            return True
        except Taken:
            time.sleep(LOOK)
    return False


def _same_sources(task: Mapping[str, Any]) -> None:
    """Refuse to compute with other code than the hash of the cell is of.

    Raises:
        ConfigError: a source was changed since the client looked at it.
    """
    from ..runs.foreign import SHORT, sources
    from ..settings import load as settings

    if not task["sources"]:
        return
    found = sources(settings.validate(parse(str(task["config"]), f"cell {task['cell']}")))
    for setting, mark in task["sources"].items():
        now = found.get(setting, {})
        if now.get("sha256") != mark:
            raise ConfigError(
                f"{setting}: expected {now.get('file', 'a source')} of sha256 {mark[:SHORT]}, with which the sweep began, got "
                f"{now.get('sha256', 'none')[:SHORT]}; put it back as it was, or begin another sweep with --out"
            )


def _failure(error: Exception | SystemExit, task: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    if isinstance(error, SystemExit):
        ours = False
        sentence = f"expected code that returns or raises, got one that left the process (SystemExit: {error.code}); its traceback says where"
    else:
        ours = exit_code_of(error) is not None
        sentence = told(error) if ours else f"{type(error).__name__}: {told(error)}"
    return {
        "cell": task["cell"], "hash": task["hash"], "at": task["at"], "attempts": attempt, "error": " ".join(sentence.split()),
        "traceback": "" if ours else "".join(traceback.format_exception(error)), "host": socket.gethostname(),
    }  # fmt: skip


def _lines(said: io.StringIO) -> list[str]:
    return [line for line in said.getvalue().splitlines() if line.strip()]


def _done(folder: SweepFolder, name: str, task: Mapping[str, Any], asked: Callable[[], bool]) -> dict[str, Any]:
    from ..runs.folder import RunFolder
    from ..settings import load as settings
    from ..train.diverging import DivergedError

    run = RunFolder(folder.run(name))
    config = settings.validate(parse(str(task["config"]), f"cell {name}"))
    if run.config.is_file() and settings.identity(run.settings()) != settings.identity(config):
        raise ConfigError(
            f"{run.path}: expected a run of this cell's settings, got one of others; remove it, or choose another --out"
        )
    own: dict[str, Any] = {"config": settings.to_yaml(config), "host": socket.gethostname()}
    _forget_peak_memory()
    try:
        trained = _trained(run.path, config, task, asked)
    except DivergedError as error:
        lasting: dict[str, Any] = {"accuracy": None, "accuracy_random": None, "accuracy_pixels": None, "layers": {}}
        return {
            "status": DIVERGED,
            "error": str(error),
            **lasting,
            **_learnt(run, config.training.batch, error.result),
            **own,
        }
    found = {"status": DONE if task["until"] is None else READ, **_learnt(run, config.training.batch, trained)}
    if PROBE in task["do"]:
        found |= _read_out(run.path, task) | _cost(folder, config, task)
    if ALIGN in task["do"]:
        n, batch = config.stimulus.n_train, config.training.batch
        found |= _aligned(run.path, task, BATCHES if n is None else max(2, min(BATCHES, n // batch)))
    return found | own


def _data_dir(task: Mapping[str, Any]) -> Path | None:
    return None if task["data_dir"] is None else Path(task["data_dir"])


def _trained(out: Path, config: Any, task: Mapping[str, Any], asked: Callable[[], bool]) -> dict[str, Any]:
    """Train, or go on training; empty where the seconds of the budget are spent."""
    from ..runs.folder import RunFolder
    from ..settings import load as settings
    from ..train.run import train
    from ..train.stops import stopping_when

    stored, budget = RunFolder(out), task["seconds"]
    before = _spent(stored)
    if budget is not None and before >= budget:
        return {}
    if budget is not None:
        config = settings.validate(merge(settings.resolve(config), {"training": {"max_seconds": budget - before}}))
    with stopping_when(asked):
        found = train(
            config, out, data_dir=_data_dir(task), resume=stored.config.is_file(), until=task["until"], progress=False
        )
    wanted = config.training.epochs if task["until"] is None else task["until"]
    if budget is None and found["epochs"] < wanted:
        raise KeyboardInterrupt
    return found


def _spent(run: Any) -> float:
    """Seconds of training up to the newest checkpoint of an interrupted cell."""
    from ...models.engine import checkpoint

    found = checkpoint.found(run.checkpoints) if run.config.is_file() else []
    return checkpoint.read_state(found[-1]).seconds if found else 0.0


def _learnt(run: Any, batch: int, trained: Mapping[str, Any]) -> dict[str, Any]:
    """What the lines of metrics.jsonl tell of the whole run, also of parts before this one."""
    from ..runs.metrics import INTERRUPTED, read

    lines = read(run.metrics).lines if run.metrics.is_file() else []
    last = lines[-1] if lines else trained
    whole = [line for line in lines if not line.get(INTERRUPTED)]
    steps, seconds = int(last.get("step", trained.get("steps", 0))), float(last.get("seconds") or 0.0)
    return {
        "loss": last.get("loss"), "losses": last.get("losses") or {}, "steps": steps, "epochs": last.get("epoch", trained.get("epochs", 0.0)),
        "samples": steps * batch, "seconds": seconds, "images_per_second": steps * batch / seconds if seconds else None,
        "peak_memory_bytes": trained.get("peak_memory_bytes", last.get("peak_memory_bytes")),
        "curve": {"epoch": [line["epoch"] for line in whole], "loss": [line["loss"] for line in whole]},
    }  # fmt: skip


def _read_out(out: Path, task: Mapping[str, Any]) -> dict[str, Any]:
    from ..probe.run import probe

    read = probe(out, data_dir=_data_dir(task), again=True, progress=False)
    return {
        **{name: read[name] for name in ("accuracy", "accuracy_random", "accuracy_pixels")},
        "layers": {name: found["accuracy"] for name, found in read["layers"].items()},
        "layers_random": {name: found["accuracy_random"] for name, found in read["layers"].items()},
    }


def _cost(folder: SweepFolder, config: Any, task: Mapping[str, Any]) -> dict[str, Any]:
    """What a step costs, counted once per cell."""
    from ..runs.cost import cost_of

    for before in folder.read_readings(str(task["cell"]), str(task["hash"])):
        return {name: before.get(name) for name in COST}
    counted = cost_of(config, _data_dir(task))
    return dict(zip(COST, (counted.macs, counted.bytes), strict=True))


def _aligned(out: Path, task: Mapping[str, Any], batches: int) -> dict[str, Any]:
    """Cosine of the local change with the backprop gradient by population, at the newest checkpoint."""
    from ..align import Plan, align

    found = align([out], Plan(batches=batches, last=True), data_dir=_data_dir(task), progress=False)
    ((_, steps),) = found["cosine"].items()
    return {"alignment": dict(zip(found["layers"], list(steps.values())[-1], strict=True))}


def _forget_peak_memory() -> None:
    """Let the peak of this process begin anew, as a worker does several cells; Linux alone can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

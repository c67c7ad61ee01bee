"""Who does the cells: this process, workers on this machine, or those of any dask scheduler.

A worker is a process with one cell at a time. On this machine scheduler and workers listen on the loopback interface alone, and end with the
client, also with one that was killed. Nothing but plain settings is sent.
"""

import hashlib
import importlib
import logging
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConfigError, ProtocolError
from ..progress import beside, notice
from .cell import kept, work
from .folder import DIVERGED, DONE, FAILED, READ, SweepFolder
from .remote import begin, end, remote_work

if TYPE_CHECKING:  # a sweep in this process goes without it
    from distributed import Client

Task = Mapping[str, Any]
Tell = Callable[[int], None]
LOOK = 1.0  # seconds after which the cells in hand are counted again
ENDING = 60.0  # seconds that workers have to write a checkpoint
STARTING, ANSWERING = 120.0, 20.0  # seconds that a cluster of this machine, or a scheduler elsewhere, has to answer
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Workers(Protocol):
    """Whoever does cells."""

    def results(self, tasks: Sequence[Task], tell: Tell) -> Iterator[dict[str, Any]]:
        """Do the cells; what each came to, in the order in which they end.

        Args:
            tasks: see `cell.work`.
            tell: called with how many cells are in hand.
        """
        ...


class InProcess:
    """This process itself, cell by cell: for debugging."""

    def results(self, tasks: Sequence[Task], tell: Tell) -> Iterator[dict[str, Any]]:
        """See `Workers`."""
        for task in tasks:
            tell(1)
            yield work(task)


class Distributed:
    """Workers of a dask scheduler.

    Args:
        client: connected to it.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client

    def results(self, tasks: Sequence[Task], tell: Tell) -> Iterator[dict[str, Any]]:
        """See `Workers`."""
        folders = sorted({str(task["folder"]) for task in tasks})
        self._client.run(begin, folders)
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        named = {_key(task): task for task in tasks}
        futures = [
            self._client.submit(remote_work, dict(task), key=key, priority=-place, pure=False)
            for place, (key, task) in enumerate(named.items())
        ]
        try:
            for future in futures:
                future.add_done_callback(ended.put)
            for left in range(len(futures), 0, -1):
                future = self._next(ended, left, tell)
                yield _outcome(future, named[future.key])
        except BaseException:
            self._stop(futures, folders)
            raise

    def _next(self, ended: "queue.SimpleQueue[Any]", left: int, tell: Tell) -> Any:
        """The next future that ends, with a look at the workers now and then."""
        while True:
            tell(min(left, len(self._client.nthreads())))
            with suppress(queue.Empty):
                return ended.get(timeout=LOOK)

    def _stop(self, futures: list[Any], folders: list[str]) -> None:
        """Ask for a checkpoint of what is in hand, and wait for it; what has not begun is not begun."""
        with suppress(Exception):  # a scheduler that is gone has nobody to ask
            self._client.cancel(futures)
            self._client.run(end, folders, ENDING)


def _key(task: Task) -> tuple[str, str]:
    """The same for the same cell of the same folder, so that a scheduler never has it done twice at a time.

    All that a folder has to be done is one group of tasks, whose members a scheduler keeps waiting in their order: others it deals out at once, and a
    worker that is done early would read one cell out again before all were read out once.
    """
    place = hashlib.sha256(str(Path(task["folder"]).resolve()).encode()).hexdigest()
    until = "" if task["until"] is None else f"-{task['until']}"
    return f"apical-{place[:16]}", f"{task['cell']}-{task['hash'][:16]}{until}"


def _kept(task: Task) -> str | None:
    """Status of what the task came to, where it lies in the folder."""
    return kept(SweepFolder(Path(task["folder"])), task)


def _outcome(future: Any, task: Task) -> dict[str, Any]:
    """What a cell came to; a worker that died writes nothing, so that the client does."""
    if future.status == "finished":
        outcome = dict(future.result())
        if outcome["status"] not in (DONE, READ, DIVERGED) or _kept(task) is not None:
            return outcome
        return _failed(
            task,
            1,
            f"expected its result in {task['folder']}, got none; workers must see the same folder, at the same path",
        )
    if future.status != "error":
        raise ProtocolError(
            f"workers: expected a scheduler that keeps its cells, got one that lost {task['cell']}; repeat the command to go on"
        )
    if status := _kept(task):  # the worker died after its cell was written
        return {"cell": task["cell"], "status": status}
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        reason = (
            "its worker died time and again; where memory ran out, raise --memory, or lower --workers or training.batch"
        )
    else:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
    return _failed(task, int(task["retries"]) + 1, reason)


def _failed(task: Task, attempts: int, reason: str) -> dict[str, Any]:
    """Write how a cell failed that its worker could not tell."""
    told = {"cell": task["cell"], "hash": task["hash"], "at": task["at"], "attempts": attempts, "error": reason}
    SweepFolder(Path(task["folder"])).keep_failure(task["cell"], {**told, "traceback": "", "host": ""})
    return {"cell": task["cell"], "status": FAILED, "error": reason}


@contextmanager
def workers_of(
    count: int, *, threads: int, memory: str | None, scheduler: str | None, dashboard: bool, retries: int
) -> Iterator[Workers]:
    """Whoever does the cells, until the end of the block.

    Args:
        count: workers on this machine; 0 for this process.
        threads: CPU threads of each.
        memory: of each, such as `4GiB`, above which it is started anew; None for any.
        scheduler: address of a dask scheduler, or the file in which it wrote it; its workers are taken instead.
        dashboard: whether the cluster of this machine shows itself on a page, whose address is told.
        retries: times that a cell may lose its worker.

    Raises:
        ConfigError: options that do not go together, or a memory that is none.
        ProtocolError: no scheduler at the address, or workers that do not start.
    """
    _check(scheduler, memory, dashboard, count)
    if scheduler is None and count == 0:
        yield InProcess()
        return
    import dask

    environment = {
        "distributed.nanny.pre-spawn-environ": dict.fromkeys(ONE_THREAD, threads) | {"MALLOC_TRIM_THRESHOLD_": 65536}
    }
    scheduling = {"distributed.scheduler.allowed-failures": retries, "distributed.scheduler.worker-saturation": 1.0}
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        # its defaults enter the configuration at the first import: inside of what is set they would leave it at the end
        importlib.import_module("distributed")
        stack.enter_context(dask.config.set({**environment, **scheduling}))
        place = scheduler if scheduler is not None else stack.enter_context(_local(count, memory, dashboard))
        client = stack.enter_context(_connected(place, STARTING if scheduler is None else ANSWERING))
        if scheduler is not None:
            _look_at(client, scheduler)
        yield Distributed(client)


def _connected(place: Any, seconds: float) -> "Client":
    """A client of a cluster, or of a scheduler by its address or by the file in which it wrote it."""
    from distributed import Client

    where = {"scheduler_file": place} if isinstance(place, str) and Path(place).is_file() else {"address": place}
    try:
        return Client(**where, set_as_default=False, timeout=seconds)
    except (OSError, TimeoutError, ValueError, KeyError) as error:
        raise ProtocolError(
            f"--scheduler: expected the address of a dask scheduler, or its file, got {place!r}, where none answers ({error}); see its log"
        ) from error


def _look_at(client: "Client", scheduler: str) -> None:
    """Say what of the workers there a user may want to change; neither stops anything."""
    threads = client.nthreads()
    if not threads:
        notice(
            f"no workers at {scheduler} yet: cells begin once there are some, such as `dask worker {scheduler} --nthreads 1`"
        )
    elif max(threads.values()) > 1:
        notice(
            f"workers at {scheduler} have up to {max(threads.values())} threads and do one cell at a time; start them with --nthreads 1"
        )


def _check(scheduler: str | None, memory: str | None, dashboard: bool, count: int) -> None:
    if scheduler is not None and (memory is not None or dashboard):
        given = "--memory" if memory is not None else "--dashboard"
        raise ConfigError(
            f"{given}: expected it for workers of this machine, got --scheduler as well; set it where those are started"
        )
    if count == 0 and (memory is not None or dashboard):
        given = "--memory" if memory is not None else "--dashboard"
        raise ConfigError(
            f"{given}: expected workers, got --workers 0, which is this process; give --workers 1 or more"
        )
    if dashboard and find_spec("bokeh") is None:
        raise ConfigError("--dashboard: expected Bokeh to draw it, got none; pip install 'apical[view]'")
    if memory is not None:
        from dask.utils import parse_bytes

        try:
            size = parse_bytes(memory)
        except ValueError as error:
            raise ConfigError(f"--memory: expected a size, got {memory!r}; for example 4GiB") from error
        if size < 2**28:
            raise ConfigError(f"--memory: expected at least 256MiB for a worker, got {memory!r}; for example 4GiB")


@contextmanager
def _local(count: int, memory: str | None, dashboard: bool) -> Iterator[Any]:
    """A cluster on this machine."""
    from distributed import LocalCluster

    try:
        cluster = LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=memory or 0,
            # any free port also without a dashboard: at dask's own one a second sweep would be told of the first
            dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": dashboard}, silence_logs=logging.CRITICAL,
            preload=["apical.protocols.sweep.remote"],
        )  # fmt: skip
    except (RuntimeError, OSError, TimeoutError) as error:
        raise ProtocolError(
            f"workers: expected {count} workers to start on this machine, got none ({error}); in a script of one's own, what calls a sweep "
            'stands below `if __name__ == "__main__":`; --workers 0 goes without them'
        ) from error
    with cluster:
        if dashboard:
            beside(f"dashboard: {cluster.dashboard_link}")
        yield cluster


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave stderr to the progress of the sweep: what fails is told by the cells."""
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado", "asyncio")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)

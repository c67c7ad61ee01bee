"""Who does the cells: options that go together, a scheduler that answers, workers that do the same as this process."""

import logging
from types import SimpleNamespace

import pytest
from apical.protocols.errors import ConfigError, Interrupted, ProtocolError
from apical.protocols.sweep import remote, workers
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.run import Means, sweep
from apical.protocols.sweep.workers import workers_of
from tiny_sweeps import spec

NOTHING = {"threads": 1, "memory": None, "scheduler": None, "dashboard": False, "retries": 1}


@pytest.mark.parametrize(
    ("count", "change", "message"),
    [
        (
            2,
            {"scheduler": "tcp://127.0.0.1:1", "memory": "4GiB"},
            "--memory: expected it for workers of this machine, got --scheduler as well",
        ),
        (
            2,
            {"scheduler": "tcp://127.0.0.1:1", "dashboard": True},
            "--dashboard: expected it for workers of this machine",
        ),
        (0, {"memory": "4GiB"}, "--memory: expected workers, got --workers 0"),
        (0, {"dashboard": True}, "--dashboard: expected workers, got --workers 0"),
        (1, {"memory": "much"}, "--memory: expected a size, got 'much'; for example 4GiB"),
        (1, {"memory": "4"}, "--memory: expected at least 256MiB for a worker, got '4'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(count, change, message):
    with pytest.raises(ConfigError, match=message), workers_of(count, **{**NOTHING, **change}):
        pass


def test_a_dashboard_without_bokeh_names_the_extra(monkeypatch):
    monkeypatch.setattr(workers, "find_spec", lambda name: None)
    with (
        pytest.raises(
            ConfigError, match=r"--dashboard: expected Bokeh to draw it, got none; pip install 'apical\[view\]'"
        ),
        workers_of(1, **NOTHING | {"dashboard": True}),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_a_scheduler_that_does_not_answer_is_told(address, monkeypatch):
    monkeypatch.setattr(workers, "ANSWERING", 0.5)
    with (
        pytest.raises(
            ProtocolError,
            match=rf"--scheduler: expected the address of a dask scheduler, got '{address}', where none answers",
        ),
        workers_of(1, **NOTHING | {"scheduler": address}),
    ):
        pass


def test_workers_that_do_not_start_are_told(monkeypatch):
    import distributed

    def fails(**_):
        raise RuntimeError("bootstrapping")

    monkeypatch.setattr(distributed, "LocalCluster", fails)
    with (
        pytest.raises(
            ProtocolError,
            match=r"expected 2 workers to start on this machine, got none .*below `if __name__ == \"__main__\":`; --workers 0",
        ),
        workers_of(2, **NOTHING),
    ):
        pass
    assert logging.getLogger("distributed").level != logging.CRITICAL


TASK = {"folder": "", "cell": "a", "hash": "h", "at": {"seed": 0}, "retries": 2}


class KilledWorker(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KilledWorker(), "its worker died time and again; where memory ran out, raise --memory"),
        (ImportError("no apical here"), "ImportError: no apical here"),
    ],
)
def test_the_client_writes_down_what_a_worker_could_not(tmp_path, error, reason):
    folder = SweepFolder(tmp_path)
    folder.make()
    future = SimpleNamespace(status="error", exception=lambda: error)
    outcome = workers._outcome(future, TASK | {"folder": str(tmp_path)})
    assert outcome["status"] == folder.status("a") == "failed"
    assert folder.read_failure("a")["error"].startswith(reason)
    with pytest.raises(ProtocolError, match="got one that lost a; repeat the command to go on"):
        workers._outcome(SimpleNamespace(status="lost"), TASK)


def test_a_worker_is_asked_to_stop_and_to_begin_again(tmp_path, monkeypatch):
    import asyncio

    asked = []
    monkeypatch.setattr(remote, "work", lambda task, asked: {"stop": asked()})
    asyncio.run(remote.end(["x"], 1.0))
    assert remote.remote_work({"folder": "x"}) == {"stop": True}
    assert remote.remote_work({"folder": "y"}) == {"stop": False}
    remote.begin(["x"])
    assert remote.remote_work({"folder": "x"}) == {"stop": False}
    assert asked == []
    monkeypatch.setitem(remote._BUSY, 1, "z")
    asyncio.run(remote.end(["z"], 0.2))  # is not waited for any longer
    remote.begin(["z"])


def test_workers_compute_what_this_process_does(tmp_path):
    """One cluster: results bit for bit, its threads, its dashboard off; and Ctrl-C ends it in order."""
    here = sweep(spec(do=["train"]), tmp_path / "here", Means(workers=0), progress=False)
    there = sweep(spec(do=["train"]), tmp_path / "there", Means(workers=1), progress=False)
    assert there["cells"] == {"done": 2}
    assert [row["loss"] for row in there["rows"]] == [row["loss"] for row in here["rows"]]
    for name in ("here", "there"):
        assert "threads: 1" in SweepFolder(tmp_path / name).read_result("learning_rate=0.01-seed0")["config"]


def test_an_interruption_asks_workers_for_a_checkpoint(tmp_path, monkeypatch):
    """The client's part: futures are cancelled, workers asked; what is left is told."""
    done = []

    class Client:
        def submit(self, function, task, **_):
            return SimpleNamespace(key=_["key"], add_done_callback=lambda call: None)

        def run(self, function, *given):
            done.append((function.__name__, given))

        def cancel(self, futures):
            done.append(("cancel", len(futures)))

        def nthreads(self):
            raise KeyboardInterrupt

    class Two:
        def __enter__(self):
            return workers.Distributed(Client())

        def __exit__(self, *_):
            return None

    monkeypatch.setattr("apical.protocols.sweep.run.workers_of", lambda *_, **__: Two())
    with pytest.raises(Interrupted, match="repeat the same command"):
        sweep(spec(do=["train"]), tmp_path, Means(workers=2), progress=False)
    folder = str(tmp_path.resolve())
    assert done == [("begin", ([folder],)), ("cancel", 2), ("end", ([folder], workers.ENDING))]

"""Who does the cells: options that go together, a scheduler that answers, workers that do the same as this process."""

import json
import logging
import os
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
            match=rf"--scheduler: expected the address of a dask scheduler, or its file, got '{address}', where none answers",
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


def test_workers_take_gpus_in_turn(monkeypatch, tmp_path):
    assert [remote.device_of(str(worker), None, 2) for worker in range(3)] == ["0", "1", "0"]
    assert remote.device_of("1", "GPU-a,GPU-b", 8) == "GPU-b"
    assert [remote.device_of("1", visible, count) for visible, count in (("", 8), ("3", 8), (None, 1), (None, 0))] == [
        None
    ] * 4
    assert remote.device_of("tcp://x", None, 2) is None
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(remote, "GPUS", tmp_path)
    monkeypatch.setattr(remote.signal, "signal", lambda *_: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    remote.dask_setup(SimpleNamespace(name=3))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


def test_workers_of_a_scheduler_are_looked_at(capsys):
    workers._look_at(SimpleNamespace(nthreads=dict), "tcp://x:1")
    assert (
        "no workers at tcp://x:1 yet: cells begin once there are some, such as `dask worker" in capsys.readouterr().err
    )
    workers._look_at(SimpleNamespace(nthreads=lambda: {"a": 1, "b": 4}), "tcp://x:1")
    assert "have up to 4 threads and do one cell at a time; start them with --nthreads 1" in capsys.readouterr().err
    workers._look_at(SimpleNamespace(nthreads=lambda: {"a": 1}), "tcp://x:1")
    assert capsys.readouterr().err == ""


TASK = {"folder": "", "cell": "a", "hash": "h", "at": {"seed": 0}, "retries": 2, "until": None}


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


def finished(status):
    return SimpleNamespace(status="finished", result=lambda: {"cell": "a", "status": status})


@pytest.mark.parametrize("status", ["done", "diverged"])
def test_a_result_that_is_not_in_the_folder_is_a_failure(tmp_path, status):
    """A worker on another machine may have written it into a folder of its own of this name."""
    folder, task = SweepFolder(tmp_path), TASK | {"folder": str(tmp_path)}
    folder.make()
    for other in (None, {"hash": "of another", "status": status}):
        if other is not None:
            folder.keep_result("a", other)
        outcome = workers._outcome(finished(status), task)
        assert outcome["status"] == "failed"
        assert outcome["error"].startswith(
            f"expected its result in {tmp_path}, got none; workers must see the same folder"
        )
        assert folder.read_failure("a")["error"] == outcome["error"]
    folder.keep_result("a", {"hash": "h", "status": status})
    assert workers._outcome(finished(status), task) == {"cell": "a", "status": status}
    assert workers._outcome(finished("stopped"), TASK | {"folder": str(tmp_path / "none")})["status"] == "stopped"


def test_a_cell_that_was_written_before_its_worker_died_is_done(tmp_path):
    folder = SweepFolder(tmp_path)
    folder.make()
    folder.keep_result("a", {"hash": "h", "status": "done"})
    future = SimpleNamespace(status="error", exception=KilledWorker)
    assert workers._outcome(future, TASK | {"folder": str(tmp_path)}) == {"cell": "a", "status": "done"}
    assert folder.read_failure("a") == {}


def test_the_same_cell_of_two_folders_is_two(tmp_path):
    one, other = (workers._key(TASK | {"folder": str(tmp_path / name)}) for name in "ab")
    assert one != other
    assert one == workers._key(TASK | {"folder": str(tmp_path / "b" / ".." / "a")})


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


@pytest.mark.slow
def test_workers_of_a_scheduler_elsewhere_do_the_cells_of_two_threads_one_by_one(tmp_path, capsys):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:
        file = tmp_path / "scheduler.json"
        file.write_text(json.dumps({"address": cluster.scheduler_address, "type": "Scheduler", "id": "x"}))
        found = sweep(spec(do=["train"], seeds=2), tmp_path / "out", Means(scheduler=str(file)), progress=False)
        assert found["cells"] == {"done": 4}
        assert "do one cell at a time" in capsys.readouterr().err
        more = sweep(
            spec(do=["train"], seeds=3), tmp_path / "out", Means(scheduler=cluster.scheduler_address), progress=False
        )
    assert more["cells"] == {"done": 6}


@pytest.mark.slow
def test_a_cell_whose_worker_dies_time_and_again_is_told(tmp_path, monkeypatch):
    """A rule of one's own that ends its process, beside one that does not."""
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom apical.plasticity import ClappPP\n\n\nclass Deadly(ClappPP):\n    'Ends its process.'\n\n"
        "    def factors(self, *given, **more):\n        os._exit(9)\n"
    )
    axes = {"rule.name": ["clapp++", f"{tmp_path}/deadly.py:Deadly"]}
    found = sweep(spec(axes, do=["train"]), tmp_path / "out", Means(workers=1, retries=1), progress=False)
    assert found["cells"] == {"done": 1, "failed": 1}
    (reason,) = found["failed"].values()
    assert reason.startswith("its worker died time and again")


@pytest.mark.slow
def test_workers_compute_what_this_process_does(tmp_path):
    """Results bit for bit, and the threads that were asked for."""
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


@pytest.mark.slow
def test_two_sweeps_have_workers_side_by_side():
    """Without a word: the port of dask's own page is one for all, and who finds it taken is told so."""
    given = {"threads": 1, "memory": None, "scheduler": None, "dashboard": False, "retries": 0}
    with workers.workers_of(1, **given) as one, workers.workers_of(1, **given) as other:
        assert one is not other

"""A sweep from start to end, stopped, failed, continued and grown; in this process."""

import json

import numpy as np
import pytest
from apical.protocols.errors import ConfigError, Interrupted, ProtocolError
from apical.protocols.runs.files import write_json
from apical.protocols.sweep import cell, figures
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.run import Means, sweep
from apical.protocols.train.diverging import DivergedError
from apical.recordings.seal import unsealed
from tiny_sweeps import spec

HERE = Means(workers=0)
WALL_CLOCK = {"seconds", "images_per_second", "peak_memory_bytes"}


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Figures are made but not written, which takes longer than all else."""
    monkeypatch.setattr(figures, "save", lambda figure, stem: stem)
    monkeypatch.setattr("apical.protocols.probe.run.save", lambda figure, stem: stem)


def run(folder, *args, means=HERE, **more):
    return sweep(spec(*args, **more), folder, means, progress=False)


def numbers(result):
    return [{name: value for name, value in row.items() if name not in WALL_CLOCK} for row in result["rows"]]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "save", lambda figure, stem: stem)
        patch.setattr("apical.protocols.probe.run.save", lambda figure, stem: stem)
        return folder, run(folder, seeds=2)


def touched(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "cells").iterdir()}


def test_every_cell_is_trained_and_read_out(done):
    folder, result = done
    assert result["cells"] == {"done": 4}
    for row in result["rows"]:
        assert (row["steps"], row["epochs"], row["samples"]) == (4, 1, 64)
        assert 0 <= row["accuracy"] <= 100
        assert row["images_per_second"] > 0
        assert row["peak_memory_bytes"] > 2**20
        assert (folder / "runs" / row["cell"] / "config.yaml").is_file()
    assert [line["at"] for line in result["summary"]] == [{"optimiser.learning_rate": rate} for rate in (0.001, 0.01)]
    rates = {row["at"]["optimiser.learning_rate"]: row["loss"] for row in result["rows"] if row["at"]["seed"] == 0}
    assert rates[0.001] != rates[0.01]
    told = unsealed((folder / "cells" / "learning_rate=0.01-seed1.json").read_text())
    assert told["at"] == {"optimiser.learning_rate": 0.01, "seed": 1}
    assert told["curve"]["epoch"] == [1.0]
    assert set(told["layers"]) == set(told["losses"])


def test_what_is_done_is_kept_and_values_and_seeds_are_added_cells(done, tmp_path):
    folder, result = done
    before = touched(folder)
    again = run(folder, seeds=2)
    assert numbers(again) == numbers(result)
    assert touched(folder) == before
    more = run(folder, {"optimiser.learning_rate": [0.1, 0.001]}, seeds=[0], do=["train", "probe"])
    assert more["cells"] == {"done": 5}
    assert {name: when for name, when in touched(folder).items() if name in before} == before
    with pytest.raises(ConfigError, match=r"sweep.budget.epochs: expected none as in the manifest, got 3"):
        run(folder, budget={"epochs": 3})


def test_a_folder_goes_on_by_itself(done, monkeypatch):
    folder, _ = done
    kept = SweepFolder(folder)
    name = "learning_rate=0.001-seed0"
    first = kept.read_result(name)
    kept.result(name).unlink()
    again = sweep(str(folder), None, HERE, progress=False)
    assert set(again["cells"]) == {"done"}
    assert kept.read_result(name)["loss"] == first["loss"]
    with pytest.raises(ConfigError, match="--out: expected none beside the folder of a sweep"):
        sweep(str(folder), folder / "other", HERE)
    with pytest.raises(ConfigError, match="--set: expected none for a sweep that goes on"):
        sweep(str(folder), None, HERE, overrides=["training.batch=8"])
    with pytest.raises(ConfigError, match=r"expected the folder of a sweep with sweep.json, got none"):
        sweep(str(folder / "cells"), None, HERE)


def test_a_result_of_another_cell_is_not_taken_for_this_one(done, tmp_path):
    folder = SweepFolder(tmp_path)
    folder.make()
    name = "learning_rate=0.001-seed0"
    write_json(folder.result(name), SweepFolder(done[0]).read_result(name))
    with pytest.raises(
        ConfigError, match=rf"{name}.json: expected a cell of these settings and this budget, got one of others"
    ):
        run(tmp_path, do=["train"])
    folder.result(name).write_text("{}")
    with pytest.raises(ConfigError, match="expected a cell of these settings"):
        run(tmp_path)
    folder.result(name).write_text("{")
    with pytest.raises(ConfigError, match=rf"expected JSON, .*remove .*{name}.json to run {name} again"):
        run(tmp_path)


def test_a_run_of_other_settings_in_the_place_of_a_cell_is_refused(done, tmp_path):
    import shutil

    shutil.copytree(done[0] / "runs" / "learning_rate=0.01-seed0", tmp_path / "runs" / "learning_rate=0.001-seed0")
    result = run(tmp_path)
    (reason,) = result["failed"].values()
    assert "expected a run of this cell's settings, got one of others; remove it, or choose another --out" in reason


def test_a_cell_that_was_stopped_goes_on_from_its_checkpoint(done, tmp_path, monkeypatch):
    """Interrupted after its third step, and then continued: equal to one that was not."""
    from apical.protocols.train import loop

    steps, once = [], loop.Run._one_step

    def stops(self):
        steps.append(self.step)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return once(self)

    monkeypatch.setattr(loop.Run, "_one_step", stops)
    with pytest.raises(Interrupted, match="repeat the same command to go on: what was trained is kept"):
        sweep(spec(seeds=2), tmp_path, HERE, overrides=["training.checkpoint_every=1"], progress=False)
    assert SweepFolder(tmp_path).status("learning_rate=0.001-seed0") == "begun"
    assert SweepFolder(tmp_path).status("learning_rate=0.01-seed0") == "waiting"
    again = sweep(spec(seeds=2), tmp_path, HERE, overrides=["training.checkpoint_every=1"], progress=False)
    assert steps[3] == 2  # not from the first step
    ours = {row["cell"]: (row["loss"], row["accuracy"]) for row in again["rows"]}
    assert ours == {row["cell"]: (row["loss"], row["accuracy"]) for row in done[1]["rows"]}


def test_what_fails_is_tried_again_told_and_kept(tmp_path, monkeypatch):
    tried, real = [], cell._done

    def fails(folder, name, task, asked):
        tried.append(name)
        if name.startswith("learning_rate=0.001") or (len(tried) == 4 and "0.01" in name):
            raise ZeroDivisionError("of one's own")
        return real(folder, name, task, asked)

    monkeypatch.setattr(cell, "_done", fails)
    result = run(tmp_path, do=["train"])
    assert [name.split("-")[0] for name in tried] == ["learning_rate=0.001"] * 3 + ["learning_rate=0.01"] * 2
    assert result["cells"] == {"failed": 1, "done": 1}
    assert result["failed"] == {"learning_rate=0.001-seed0": "ZeroDivisionError: of one's own"}
    failure = SweepFolder(tmp_path).read_failure("learning_rate=0.001-seed0")
    assert (failure["attempts"], "in fails" in failure["traceback"]) == (3, True)
    assert "failed" in (tmp_path / "sweep.csv").read_text()
    assert "ZeroDivisionError: of one&#39;s own" in (tmp_path / "sweep.html").read_text()
    monkeypatch.setattr(cell, "_done", real)
    assert run(tmp_path, do=["train"])["cells"] == {"done": 2}
    assert SweepFolder(tmp_path).read_failure("learning_rate=0.001-seed0") == {}


def test_settings_that_only_a_worker_finds_wrong_are_not_tried_again(tmp_path, monkeypatch):
    tried = []

    def refuses(folder, name, task, asked):
        tried.append(name)
        raise ConfigError("data: expected a file, got none; fetch it")

    monkeypatch.setattr(cell, "_done", refuses)
    with pytest.raises(
        ProtocolError, match="expected at least one finished cell, got none; data: expected a file, got none; fetch it"
    ):
        run(tmp_path)
    assert len(tried) == 2


def test_divergence_is_a_result(tmp_path, monkeypatch):
    def diverges(*_, **__):
        error = DivergedError("train.loss: expected finite losses, got nan; lower it")
        error.result = {"steps": 3, "epochs": 0.5, "losses": {}}
        raise error

    monkeypatch.setattr("apical.protocols.train.run.train", diverges)
    tried = run(tmp_path)
    assert tried["cells"] == {"diverged": 2}
    assert tried["failed"] == {}
    assert all(row["steps"] == 3 and "expected finite losses" in row["error"] for row in tried["rows"])
    monkeypatch.setattr("apical.protocols.train.run.train", lambda *_, **__: 1 / 0)
    assert run(tmp_path)["cells"] == {"diverged": 2}  # and is not tried again


def test_two_clients_in_one_folder_are_refused(tmp_path):
    with (
        SweepFolder(tmp_path).alone(),
        pytest.raises(ConfigError, match="got one that another process is running; wait for it"),
    ):
        run(tmp_path)


def test_a_cell_that_an_orphan_still_has_is_waited_for(tmp_path, monkeypatch):
    """A worker of a killed client ends its cell: whoever comes after finds the result."""
    folder = SweepFolder(tmp_path)
    folder.make()
    task = {"folder": str(tmp_path), "cell": "a", "hash": "h", "retries": 0, "sources": {}, "until": None}
    looked = []

    def sleep(_):
        looked.append(1)
        folder.keep_result("a", {"status": "done", "hash": "h"})
        held.__exit__(None, None, None)

    held = folder.cell_alone("a")
    held.__enter__()
    monkeypatch.setattr(cell.time, "sleep", sleep)
    assert cell.work(task) == {"cell": "a", "status": "done"}
    assert looked == [1]
    with folder.cell_alone("a"):
        assert cell.work(task, asked=lambda: True) == {"cell": "a", "status": "stopped"}


def test_training_in_a_thread_stops_when_it_is_asked(tmp_path):
    from apical.protocols.settings.load import to_yaml
    from apical.protocols.sweep.spec import load

    found = load(spec(), ["training.epochs=50"]).cells()[0]
    folder = SweepFolder(tmp_path)
    folder.make()
    looked = []

    def asked():
        looked.append(1)
        return len(looked) > 9

    task = {
        "folder": str(tmp_path), "cell": "a", "hash": found.hash, "at": found.at, "config": to_yaml(found.config), "data_dir": None,
        "seconds": None, "do": ["train"], "retries": 0, "sources": {}, "until": None,
    }  # fmt: skip
    assert cell.work(task, asked)["status"] == "stopped"
    assert list((tmp_path / "runs" / "a" / "checkpoints").glob("step-*"))
    assert not folder.result("a").exists()


def test_seconds_are_spent_once(tmp_path):
    means = Means(workers=0)
    first = sweep(
        spec(budget={"seconds": 1e-3}, do=["train"]),
        tmp_path,
        means,
        overrides=["training.checkpoint_every=1"],
        progress=False,
    )
    assert [row["steps"] for row in first["rows"]] == [1, 1]
    name = first["rows"][0]["cell"]
    SweepFolder(tmp_path).result(name).unlink()
    again = sweep(str(tmp_path), None, means, progress=False)
    assert [row["steps"] for row in again["rows"]] == [1, 1]


def test_alignment_is_measured_where_it_is_asked_for(tmp_path, monkeypatch):
    import apical

    wanted = {"recording.enabled": True, "recording.rows": 4, "recording.every": 4}
    result = sweep(
        spec({"optimiser.learning_rate": [0.01]}, do=["train", "align"]), tmp_path, HERE,
        overrides=[f"{path}={json.dumps(value)}" for path, value in wanted.items()], progress=False,
    )  # fmt: skip
    assert result["failed"] == {}
    found = apical.open(tmp_path)["population_alignment"]
    assert found.dims == ("learning_rate", "seed", "population")
    assert np.isfinite(found).any()
    assert (abs(found.values[np.isfinite(found)]) <= 1.0001).all()


def test_a_dry_run_starts_nothing_and_tells_the_cost(tmp_path):
    out = tmp_path / "none"
    found = sweep(spec(seeds=2, budget={"epochs": 3}), out, HERE, dry_run=True)
    assert not out.exists()
    assert found["cells"] == {"waiting": 4}
    assert found["rows"][0]["samples"] == 192
    assert (
        found["cost"] == "4 cells are left, 768 images to show; how long that takes is told once a first cell is done."
    )
    timed = sweep(spec(seeds=2, budget={"seconds": 90}), out, Means(workers=2), dry_run=True)
    assert timed["seconds"] == 180
    assert "about 3:00 of training with 2 at a time, as the budget says" in timed["cost"]


def test_a_dry_run_of_what_is_begun_tells_what_is_left(done):
    folder, _ = done
    found = sweep(spec(seeds=3), folder, HERE, dry_run=True)
    assert found["cells"]["waiting"] == 2
    assert found["seconds"] > 0
    with pytest.raises(ConfigError, match="in the manifest"):
        sweep(spec(budget={"epochs": 3}), folder, HERE, dry_run=True)


@pytest.mark.parametrize("change", [{"workers": -1}, {"threads": 0}, {"retries": 1.5}, {"workers": True}])
def test_means_that_are_none(change):
    with pytest.raises(ConfigError, match=rf"sweep\.{next(iter(change))}: expected a number from"):
        Means(**change)


def test_images_that_are_not_there_are_refused_before_anything_starts(tmp_path):
    with pytest.raises(
        ProtocolError, match=r"stimulus.name: expected the images of the run at /nowhere, got nothing there"
    ):
        sweep(
            spec() | {"base": spec()["base"] | {"stimulus": {"name": "folder:/nowhere", "image_size": 8}}},
            tmp_path / "out",
            HERE,
        )
    assert not (tmp_path / "out").exists()

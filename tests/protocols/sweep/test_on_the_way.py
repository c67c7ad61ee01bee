"""Read-outs on the way: all cells in turn, kept through interruptions, and nothing learnt otherwise."""

import numpy as np
import pytest
from apical.protocols.errors import ConfigError, Interrupted
from apical.protocols.probe import controls
from apical.protocols.sweep import cell, figures
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.plan import Plan
from apical.protocols.sweep.results import open_sweep, status_of
from apical.protocols.sweep.run import Means, sweep
from apical.protocols.sweep.spec import load
from tiny_sweeps import spec

HERE = Means(workers=0)
ON_THE_WAY = {"budget": {"epochs": 4}, "read_at": [1, 2]}


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Figures are made but not written, which takes longer than all else."""
    monkeypatch.setattr(figures, "save", lambda figure, stem: stem)
    monkeypatch.setattr("apical.protocols.probe.run.save", lambda figure, stem: stem)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The same cells without read-outs on the way."""
    folder = tmp_path_factory.mktemp("straight")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "save", lambda figure, stem: stem)
        patch.setattr("apical.protocols.probe.run.save", lambda figure, stem: stem)
        sweep(spec(budget={"epochs": 4}), folder, HERE, progress=False)
    return folder


def weights(folder, name):
    from apical.models.engine import checkpoint

    (*_, newest) = checkpoint.found(SweepFolder(folder).run(name) / "checkpoints")
    return checkpoint.stored_weights(newest)


def test_cells_are_read_out_in_turn_and_learn_what_they_learn_without(straight, tmp_path, monkeypatch):
    turns, real = [], cell._done

    def noting(folder, name, task, asked):
        turns.append((task["until"], name))
        return real(folder, name, task, asked)

    monkeypatch.setattr(cell, "_done", noting)
    fitted, measured = [], controls.measured
    monkeypatch.setattr(controls, "measured", lambda *words: fitted.append(1) or measured(*words))
    result = sweep(spec(**ON_THE_WAY), tmp_path, HERE, progress=False)
    names = [row["cell"] for row in result["rows"]]
    assert turns == [(until, name) for until in (1, 2, None) for name in names]
    assert len(fitted) == len(names)  # controls are read out once
    for name in names:
        told, plain = (SweepFolder(folder).read_result(name) for folder in (tmp_path, straight))
        assert [each["epochs"] for each in told["readings"]] == [1, 2]
        assert all(each["accuracy_random"] == told["accuracy_random"] for each in told["readings"])
        for key in ("accuracy", "accuracy_random", "accuracy_pixels", "layers", "layers_random", "loss", "curve"):
            assert told[key] == plain[key], key
        ours, theirs = weights(tmp_path, name), weights(straight, name)
        assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)
    data = open_sweep(tmp_path)
    assert list(data.epoch.values) == [1, 2, 3, 4]
    curve = data.accuracy_curve.sel(seed=0).values
    assert np.isfinite(curve[:, [0, 1, 3]]).all()
    assert np.isnan(curve[:, 2]).all()
    assert np.array_equal(curve[:, 3], data.accuracy.sel(seed=0).values)
    by_population = data.population_accuracy_curve.sel(epoch=4, seed=0)
    assert by_population.dims == ("learning_rate", "population")
    assert np.array_equal(by_population.values, data.population_accuracy.sel(seed=0).values)
    assert "accuracy_curve" not in open_sweep(straight)


def test_an_interruption_keeps_what_was_read(tmp_path, monkeypatch):
    real, turns = cell._done, []

    def interrupted(folder, name, task, asked):
        if len(turns) == 3:
            raise KeyboardInterrupt
        turns.append((task["until"], name))
        return real(folder, name, task, asked)

    monkeypatch.setattr(cell, "_done", interrupted)
    with pytest.raises(Interrupted):
        sweep(spec(**ON_THE_WAY), tmp_path, HERE, progress=False)
    data = open_sweep(tmp_path)
    assert set(data.status.values.ravel()) == {"begun"}
    assert [row["epochs"] for row in status_of(tmp_path)["rows"]] == [2, 1]
    assert np.isfinite(data.accuracy_curve.sel(epoch=1)).all()
    assert np.isfinite(data.accuracy_curve.sel(epoch=2)).sum() == 1
    begun = list(turns)
    turns.clear()
    monkeypatch.setattr(cell, "_done", lambda *words: turns.append((words[2]["until"], words[1])) or real(*words))
    # one more epoch to read at may be asked for
    result = sweep(spec(budget={"epochs": 4}, read_at=[1, 2, 3]), tmp_path, HERE, progress=False)
    assert result["cells"] == {"done": 2}
    names = [row["cell"] for row in result["rows"]]
    asked = [(until, name) for until in (1, 2, 3, None) for name in names]
    assert turns == [each for each in asked if each not in begun]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"budget": {"epochs": 4}, "read_at": [2, 1]}, r"read_at: expected whole epochs from 1, .* got 2, 1"),
        ({"budget": {"epochs": 4}, "read_at": [0]}, r"read_at: expected whole epochs from 1, .* got 0"),
        (
            {"budget": {"epochs": 4}, "read_at": [1, 4]},
            r"read_at: expected epochs below the 4 of the longest cell, got 4",
        ),
        (
            {"budget": {"seconds": 4.0}, "read_at": [1]},
            r"read_at: expected a budget of epochs or samples, got one of sec",
        ),
        ({"budget": {"epochs": 4}, "read_at": [1], "do": ["train"]}, r"read_at: expected probe or align"),
    ],
)
def test_epochs_that_cannot_be_read_at_are_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        load(spec(**given)).cells()


def test_a_plan_of_an_earlier_version_has_none(straight):
    from apical.protocols.runs.files import write_json
    from apical.protocols.sweep.manifest import read
    from apical.recordings.seal import unsealed

    folder = SweepFolder(straight)
    told = unsealed(folder.manifest.read_text())
    del told["plan"]["read_at"]
    write_json(folder.manifest, told)
    assert read(folder).plan.read_at == Plan.__dataclass_fields__["read_at"].default == ()


def test_a_shorter_cell_is_read_out_where_it_can_be(tmp_path):
    """Also where it comes to a sweep of longer ones, whose epochs it does not reach."""
    lengths = {"axes": {"training.epochs": [2, 4]}, "budget": {}, "read_at": [1, 3]}
    result = sweep(spec(**lengths), tmp_path, HERE, progress=False)
    assert result["cells"] == {"done": 2}
    folder = SweepFolder(tmp_path)
    read = {
        row["epochs"]: [each["asked"] for each in folder.read_result(row["cell"])["readings"]] for row in result["rows"]
    }
    assert read == {2: [1], 4: [1, 3]}
    assert sweep(str(tmp_path), None, HERE, progress=False)["cells"] == {"done": 2}


def test_a_cell_that_had_gone_further_is_read_out_where_it_stands_and_once(tmp_path, monkeypatch):
    real, turns = cell._done, []

    def interrupted(folder, name, task, asked):
        if len(turns) == 2:
            raise KeyboardInterrupt
        turns.append(task["until"])
        return real(folder, name, task, asked)

    monkeypatch.setattr(cell, "_done", interrupted)
    with pytest.raises(Interrupted):
        sweep(spec(budget={"epochs": 4}, read_at=[3]), tmp_path, HERE, progress=False)
    turns.clear()
    monkeypatch.setattr(cell, "_done", lambda *words: turns.append(words[2]["until"]) or real(*words))
    sweep(spec(budget={"epochs": 4}, read_at=[1, 2, 3]), tmp_path, HERE, progress=False)
    assert turns == [1, 1, 2, 2, None, None]
    assert open_sweep(tmp_path).accuracy_curve.notnull().sum("epoch").values.tolist() == [[2], [2]]

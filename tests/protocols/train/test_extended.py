"""A finished run goes on: the run that it would have been with all epochs, its parts known, and what is refused."""

import shutil

import apical
import pytest
from apical.models.engine.checkpoint import read_state, stored_weights
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.runs.folder import RunFolder
from apical.protocols.runs.metrics import read
from apical.protocols.runs.trained import open_run
from apical.protocols.settings.load import identity
from apical.protocols.settings.parts import identities, parts
from apical.protocols.train.loop import Run
from apical.protocols.verify.run import verify
from apical.recordings import RecordingError
from apical.recordings.trimming import grow
from click.testing import CliRunner
from small_runs import make_run
from tolerances import assert_exact

MLP = {
    "network__builder": "mlp", "network__hidden": [12, 8], "network__width": 1.0, "rule__grids": [],
    "stimulus__image_size": 8, "recording__units": 4, "recording__every": 3, "training__keep_checkpoints": 99,
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("extended") / "run", **MLP)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("extended") / "long", **MLP, training__epochs=3)


@pytest.fixture
def run(done, tmp_path):
    return shutil.copytree(done, tmp_path / "run")


def extend(run, epochs, **changes):
    return apical.train(out=run, resume=True, epochs=epochs, progress=False, **changes)


def newest(run):
    return stored_weights(open_run(run).newest())


def values(run):
    """The recording without what tells the parts apart."""
    tree = apical.open(run).load()
    return {group.path: group.to_dataset(inherit=False) for group in tree.subtree}


def assert_the_same(run, long):
    assert_exact(newest(run), newest(long))
    found, expected = values(run), values(long)
    assert found.keys() == expected.keys()
    for path, table in expected.items():
        assert found[path].equals(table), path


def test_it_is_the_run_that_it_would_have_been(run, long):
    told = extend(run, 3)
    assert (told["status"], told["epochs"], told["steps"]) == ("complete", 3, 24)
    assert_the_same(run, long)
    lines = [[line["step"] for line in read(folder / "metrics.jsonl").lines] for folder in (run, long)]
    assert lines[0] == lines[1]


def test_the_run_knows_its_parts(run, done):
    extend(run, 2)
    extend(run, 4)
    config = RunFolder(run).settings()
    assert (config.training.epochs, config.training.extended) == (4, (1, 2))
    assert [part.training.epochs for part in parts(config)] == [1, 2, 4]
    states = [read_state(path) for path in open_run(run).checkpoints]
    assert {state.identity_sha256 for state in states} == identities(config)
    assert states[0].identity_sha256 == identity(RunFolder(done).settings())
    attributes = apical.open(run).attrs
    assert [(part["step"], part["epochs"]) for part in attributes["resumed"]] == [(8, 2), (16, 4)]
    assert attributes["config"]["training"]["extended"] == [1, 2]
    assert verify(run)["damaged"] == 0
    assert probe(run, progress=False)["step"] == 32


def test_a_kill_anywhere_costs_nothing(run, long, monkeypatch):
    """Between recording, settings and the first new checkpoint, and in the middle of growing."""
    count = iter(range(3))
    with monkeypatch.context() as patch:
        from apical.recordings import trimming

        resize = trimming._resize
        patch.setattr(trimming, "_resize", lambda *a: resize(*a) if next(count) < 2 else 1 / 0)
        with pytest.raises(RecordingError, match="division by zero"):
            extend(run, 2)
    assert apical.open(run)["metrics"].sizes["step"] == 3
    assert RunFolder(run).settings().training.extended == ()
    for place in ("keep", "train"):
        with monkeypatch.context() as patch:
            patch.setattr(
                RunFolder if place == "keep" else Run, place, lambda *_: (_ for _ in ()).throw(OSError("killed"))
            )
            with pytest.raises(OSError, match="killed"):
                extend(run, 3)
        assert open_run(run).network().names == ["dense1", "dense2"]
        assert apical.open(run)["metrics"].sizes["step"] == 3
    extend(run, 3)
    assert_the_same(run, long)


def test_an_extended_run_is_interrupted_and_resumed(run, long):
    extend(run, 3, changes={"training.max_seconds": 1e-9})
    assert read_state(open_run(run).newest()).step == 9
    apical.train(out=run, resume=True, changes={"training.max_seconds": None}, progress=False)
    assert_the_same(run, long)


def test_a_run_without_a_recording_goes_on(tmp_path):
    run = make_run(tmp_path / "run", **MLP, recording__enabled=False)
    assert extend(run, 2)["steps"] == 16


def test_settings_that_were_changed_are_not_taken_for_a_part(run):
    config = RunFolder(run).config
    config.write_text(config.read_text().partition("\n")[2].replace("epochs: 1\n", "epochs: 2\n"))
    with pytest.raises(ConfigError, match="the file was edited"):
        open_run(run)
    config.write_text(config.read_text().replace("extended: []", "extended: [1]"))
    assert open_run(run)


@pytest.mark.parametrize(("changes", "message"), [
    ({"optimiser__schedule": "cosine"}, r"training\.epochs: expected 1 for a run with optimiser\.schedule cosine, whose learning rate comes to 0"),
    ({"optimiser__schedule": "cooldown"}, r"schedule cooldown, .*; begin a new run with these weights: train PRESET --from RUN"),
])  # fmt: skip
def test_a_schedule_that_has_come_to_its_end_is_refused(tmp_path, changes, message):
    run = make_run(tmp_path / "run", **MLP, **changes)
    with pytest.raises(ConfigError, match=message):
        extend(run, 2)


def test_misuse_is_told(run, done, tmp_path):
    extend(run, 2)
    with pytest.raises(ConfigError, match=r"training\.epochs: expected at least 2, those of the run, got 1"):
        extend(run, 1)
    with pytest.raises(ConfigError, match=r"training\.extended: expected none for a new run"):
        apical.train(str(RunFolder(run).config), tmp_path / "new", progress=False)
    part = make_run(tmp_path / "part", **MLP, training__max_seconds=1e-9)
    with pytest.raises(
        ConfigError,
        match=r"training\.epochs: expected 1 as long as .* is not complete, got 2 at step 1 of 8; finish it",
    ):
        extend(part, 2)
    shutil.rmtree(part / "checkpoints")
    with pytest.raises(ConfigError, match="got 2 at step 0 of 8"):
        extend(part, 2)
    assert RunFolder(part).settings().training.extended == ()


def test_the_command_extends(run):
    told = CliRunner().invoke(main, ["train", "--resume", "--out", str(run), "--epochs", "2", "--quiet"])
    assert told.exit_code == 0, told.output
    assert RunFolder(run).settings().training.extended == (1,)


def test_a_table_that_is_not_there_does_not_grow(run):
    import zarr

    with pytest.raises(RecordingError, match=r"recording\.other: expected a table of this recording, got none"):
        grow(zarr.open_group(str(run / "recording.zarr"), mode="r+"), {"other": 3}, {})

"""Runs of somebody's own code: they train, keep what it was made of, and refuse another; whoever only reads is told."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from apical.models import ModelError
from apical.models.engine import Architecture, build_network
from apical.models.networks.contexts import whose
from apical.models.networks.table import build
from apical.models.optimisers.table import make
from apical.models.outside import OutsideError
from apical.plasticity import ClappPP, RuleError
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.inspect import inspect_run
from apical.protocols.probe.run import probe
from apical.protocols.runs.foreign import sources
from apical.protocols.runs.trained import open_run
from apical.protocols.settings.load import load, resume
from apical.protocols.stimuli import StimulusError
from apical.protocols.stimuli import load as load_images
from apical.protocols.train.run import train
from apical.protocols.verify.run import verify
from apical.recordings import open as open_recording

ROOM = Path(__file__).parents[2]
PLAIN = {
    "name": "plain",
    "stimulus": {"name": "mine.py:halves", "options": {"lighter": 150}},
    "network": {"builder": "mine.py:two", "options": {"scale": 0.5}},
    "rule": {"name": "mine.py:Dimly", "grids": [], "options": {"forgetting": 0.5}},
    "optimiser": {"name": "mine.py:Signs", "learning_rate": 0.001, "options": {"fade": 0.01}},
    "training": {"epochs": 2, "batch": 8, "threads": 1, "device": "cpu", "precision": "float32"},
    "recording": {"every": 2, "rows": 4, "units": 4},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the code, the settings beside it, and a finished run."""
    place = tmp_path_factory.mktemp("outside")
    shutil.copy(Path(__file__).parent / "mine.py", place)
    (place / "plain.yaml").write_text(json.dumps(PLAIN))
    train(load(str(place / "plain.yaml")), place / "run", progress=False)
    return place


@pytest.fixture
def place(trained, tmp_path):
    """A copy of it, whose run names the code of the copy."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().partition("\n")[2].replace(str(trained), str(tmp_path)))
    return tmp_path


def test_it_trains_keeps_its_sources_and_is_read_out(trained):
    run = open_run(trained / "run")
    state = run.state(run.newest())
    assert set(state.sources) == {"rule.name", "network.builder", "optimiser.name", "stimulus.name"}
    assert state.sources["rule.name"]["word"] == f"{trained}/mine.py:Dimly"
    assert {source["sha256"] for source in state.sources.values()} == {sources(run.config)["rule.name"]["sha256"]}
    with open_recording(trained / "run") as recording:
        assert recording.attrs["sources"] == state.sources
    assert run.rule.forgetting == 0.5
    assert run.presentation.rows == 1
    assert run.stimulus.shape == (1, 8, 8)
    assert [p.units for p in run.network().populations] == [16, 8]
    assert probe(trained / "run", progress=False)["accuracy"] == 100
    assert verify(trained / "run")["damaged"] == 0
    assert inspect_run(trained / "run")["figures"]


def test_where_the_code_lies_is_free(place):
    """The copy's settings name another folder, and the checkpoint is still theirs."""
    assert open_run(place / "run").config.rule.name == f"{place}/mine.py:Dimly"


def test_another_source_is_refused_by_whoever_would_run_it(place, capsys):
    run = place / "run"
    with (place / "mine.py").open("a") as file:
        file.write("# a remark\n")
    with pytest.raises(ConfigError) as caught:
        open_run(run)
    said, then = str(caught.value), open_hash(run)
    assert caught.value.exit_code == 2
    assert f"mine.py of sha256 {then[:12]}, got {place}/mine.py of another (" in said
    assert said.endswith(
        f"it was changed since; as it was it is {run}/sources/mine.py: put that back, or train a new run"
    )
    with pytest.raises(ConfigError, match="it was changed since"):
        train(resume(run), run, resume=True, progress=False)
    found = verify(run)
    assert found["damaged"] == 4
    assert "it was changed since" in next(f["reason"] for f in found["files"] if f["file"] == "rule.name")
    assert inspect_run(run)["figures"]
    assert "put that back, or train a new run; what was recorded is shown as it is" in capsys.readouterr().err


def test_the_copy_in_the_run_is_the_source_as_it_was(place):
    (place / "mine.py").write_text((place / "mine.py").read_text() + "# a remark\n")
    shutil.copy(place / "run" / "sources" / "mine.py", place / "mine.py")
    open_run(place / "run")
    with (place / "run" / "sources" / "mine.py").open("a") as copy, (place / "mine.py").open("a") as source:
        copy.write("# a remark\n")
        source.write("# another\n")
    with pytest.raises(ConfigError, match="it was changed since; restore it, or train a new run"):
        open_run(place / "run")


def test_two_files_of_one_name_are_kept_apart(place, tmp_path):
    (place / "other").mkdir()
    (place / "other" / "mine.py").write_text((place / "mine.py").read_text() + "# the other\n")
    config = load(str(place / "plain.yaml"), [f"rule.name={place}/other/mine.py:Dimly", "training.epochs=1"])
    train(config, place / "both", progress=False)
    kept = sorted(str(path.relative_to(place / "both")) for path in (place / "both" / "sources").rglob("*.py"))
    ours = open_hash(place / "run")[:12]
    assert kept == [f"sources/{ours}/mine.py", "sources/mine.py"]
    (place / "other" / "mine.py").write_text("# nothing\n" + (place / "mine.py").read_text())
    with pytest.raises(ConfigError, match=r"both/sources/mine.py: put that back"):
        open_run(place / "both")


def open_hash(run):
    state = max((run / "checkpoints").iterdir()) / "state.json"
    return json.loads(state.read_text())["sources"]["rule.name"]["sha256"]


def test_code_that_is_gone_is_missed_by_whoever_would_run_it(place, capsys):
    run = place / "run"
    (place / "mine.py").unlink()
    with pytest.raises(ConfigError) as caught:
        open_run(run)
    assert str(caught.value) == (
        f"{run}/config.yaml: expected code of the run's own at {place}/mine.py, got no such file; put it back there "
        f"({run}/sources/mine.py is a copy), or write its new place "
        "into this file and remove the first line"
    )
    assert {f["file"] for f in verify(run, repair=True)["files"] if f["state"] == "damaged"} == {
        "rule.name", "network.builder", "optimiser.name", "stimulus.name",
    }  # fmt: skip
    assert inspect_run(run)["figures"]
    assert "got no such file; " in capsys.readouterr().err


def test_a_name_that_is_gone_from_the_code_is_told(place, capsys):
    (place / "mine.py").write_text((place / "mine.py").read_text().replace("class Dimly", "class Duskily"))
    with pytest.raises(ConfigError, match="got 'Dimly'; did you mean"):
        open_run(place / "run")
    assert inspect_run(place / "run")["figures"]
    assert "got 'Dimly'; did you mean" in capsys.readouterr().err


def test_other_images_of_a_data_set_of_ones_own_are_refused(place, monkeypatch):
    monkeypatch.chdir(place)
    code = "import json\nimport mine_outside\nfrom pathlib import Path\n\ndef load(*, seed):\n"
    code += "    return mine_outside.halves(seed=seed, lighter=json.loads(Path(__file__).with_name('lighter.json').read_text()))\n"
    (place / "data.py").write_text(code)
    shutil.copy(place / "mine.py", place / "mine_outside.py")
    monkeypatch.syspath_prepend(str(place))
    (place / "lighter.json").write_text("150")
    train(load({**PLAIN, "stimulus": {"name": "data.py:load"}}, ["training.epochs=1"]), place / "read", progress=False)
    open_run(place / "read")
    (place / "lighter.json").write_text("60")
    with pytest.raises(ProtocolError) as caught:
        open_run(place / "read")
    assert str(caught.value) == (
        f"stimulus.name: expected the train and test images of the training, got others from {place}/data.py:load; restore what it reads, or "
        "train a new run"
    )


def test_a_run_that_was_stopped_goes_on(place):
    config = load(str(place / "plain.yaml"), ["training.max_seconds=0.001"])
    assert train(config, place / "stopped", progress=False)["status"] == "interrupted"
    found = train(
        resume(place / "stopped", None, ["training.max_seconds=null"]), place / "stopped", resume=True, progress=False
    )
    assert found["status"] == "complete"
    ours, theirs = (open_run(place / name).network().weights() for name in ("stopped", "run"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_context_source_of_ones_own_trains(place, monkeypatch):
    monkeypatch.chdir(place)
    settings = {**PLAIN, "rule": {"name": "clapp++", "context": "mine.py:above", "grids": []}}
    config = load(settings, ["training.epochs=1"])
    train(config, place / "above", progress=False)
    run = open_run(place / "above")
    assert set(run.state(run.newest()).sources) >= {"rule.context"}
    assert "d1.above.apical" in run.network().weights()  # no path in the name of a weight
    with open_recording(place / "above") as recording:
        assert "apical" in recording["activity/d1"].to_dataset()


def test_a_context_source_that_is_nobody_is_refused(mine):
    assert whose(f"{mine}above", 0, 3) == 1
    with pytest.raises(ModelError, match=r"network.sources: expected a position from 0 to 2 from .*beyond, got 3"):
        whose(f"{mine}beyond", 0, 3)
    rule = ClappPP(context=(f"{mine}above", "above"))
    with pytest.raises(ModelError, match="expected sources of different names"):
        build_network(Architecture("mlp", (1, 8, 8), hidden=(4, 4)), rule, seed=0)
    with pytest.raises(RuleError, match=r"ClappPP.context: expected one of lateral, dfb, both, got ''"):
        ClappPP(context=())


def test_what_a_builder_of_ones_own_does_wrong_is_told(mine):
    def built(name, **words):
        return build(Architecture(f"{mine}{name}", (1, 8, 8), **words), torch.Generator().manual_seed(0))

    assert [p.units for p in built("two").populations] == [16, 8]  # its own default
    assert [p.units for p in built("two", hidden=(4,)).populations] == [4]
    with pytest.raises(
        OutsideError,
        match=r"network.builder: expected .*raising to be built, got LookupError: no such layer \(.*mine.py, line \d+\)",
    ):
        built("raising")
    with pytest.raises(
        OutsideError, match="expected a builder of a Network of populations for this rule, got one of NoneType from"
    ):
        built("nothing")
    with pytest.raises(
        OutsideError,
        match="expected a builder of the blocks and the channels that leave each for this rule, got one of Network",
    ):
        build(Architecture(f"{mine}two", (1, 8, 8)), torch.Generator().manual_seed(0), blocks=True)
    with pytest.raises(ModelError, match=r"network.builder: expected one of vgg6, .*, got 'two'"):
        build(Architecture("two", (1, 8, 8)), torch.Generator())


def test_what_an_optimiser_of_ones_own_lacks_is_told(mine):
    def made(name, rate=0.1, **settings):
        return make(f"{mine}{name}", ClappPP(), learning_rate=rate, factors={}, settings=settings)

    assert (made("Signs", fade=0.5).fade, made("Signs", momentum=0.5).momentum) == (0.5, 0.5)
    with pytest.raises(
        OutsideError,
        match="has no register and no advance and no apply and no tensors and no restore and no learning_rate",
    ):
        made("NoOptimiser")
    with pytest.raises(OutsideError, match="to be made, got LookupError: too fast"):
        made("NoOptimiser", rate=2.0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 3", "expected train and test, each an ImageSet or"),
        ("return (1, 2, 3)", "got a tuple of 3; return train, test"),
        ("return (images, labels), images", "got ndarray; return (images, labels) twice"),
        ("return (images, labels[:2]), (images, labels)", "load.train.labels: expected one for each of 4 images"),
        ("return (images.astype(float), labels), (images, labels)", "images: expected uint8, got float64"),
        ("return (images, labels * 0.5), (images, labels)", "labels: expected integers (N,), got float64"),
        ("return (images, labels), (images[:, :4, :4], labels)", "test_images: expected (1, 8, 8) as of training, got (1, 4, 4)"),
        ("raise LookupError('no\\nfile')", "to be loaded, got LookupError: no file ("),
    ],
)  # fmt: skip
def test_what_a_data_set_of_ones_own_does_wrong_is_told(tmp_path, body, said):
    code = (
        "import numpy as np\nimages, labels = np.zeros((4, 8, 8), np.uint8), np.arange(4) % 2\n\ndef load():\n    "
        + body
    )
    (tmp_path / "data.py").write_text(code + "\n")
    with pytest.raises(StimulusError) as caught:
        load_images(f"{tmp_path}/data.py:load")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_data_set_of_ones_own_may_be_image_sets_or_a_whole_stimulus(tmp_path):
    (tmp_path / "data.py").write_text(
        "from apical.protocols.stimuli import load\n\ndef sets(*, seed):\n    found = load('shapes', image_size=8, n_train=4, n_test=4, seed=seed)\n"
        "    return found.train, found.test\n\ndef whole(*, n_train, image_size):\n    return load('shapes', image_size=8, n_train=n_train, n_test=4)\n"
        "from apical.protocols.stimuli.datasets.row import DataSet\nROW = DataSet(description='', loader=sets, crops=(0.5, 1.0), flip=0.0)\n"
        "RELATIVE = DataSet(description='', loader='datasets.npz:load_npz')\n"
    )
    sets = load_images(f"{tmp_path}/data.py:sets", n_train=2)
    assert (len(sets.train), len(sets.test), sets.settings.flip) == (2, 4, 0.5)
    assert load_images(f"{tmp_path}/data.py:ROW").settings.flip == 0.0
    assert len(load_images(f"{tmp_path}/data.py:whole", n_train=3, image_size=8).train) == 3
    with pytest.raises(StimulusError, match="crop_scale: expected none"):
        load_images(f"{tmp_path}/data.py:whole", n_train=3, image_size=8, crop_scale=(0.5, 1.0))
    with pytest.raises(OutsideError, match="expected a DataSet whose loader is the function itself"):
        load_images(f"{tmp_path}/data.py:RELATIVE")
    with pytest.raises(StimulusError, match="stimulus: expected one of shapes"):
        load_images("data")

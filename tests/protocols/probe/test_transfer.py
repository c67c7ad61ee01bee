"""A run read out on other data: fitted on these, seen as the run sees, kept beside the run's own read-out, and what is refused."""

import json

import apical
import numpy as np
import pytest
import torch
from apical.protocols.command.main import main
from apical.protocols.documents import add_missing_sections
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.probe import transfer
from apical.protocols.probe.run import probe
from apical.protocols.runs.trained import describe, open_run
from apical.protocols.verify.run import verify
from apical.recordings.sections import read_sections
from click.testing import CliRunner
from small_runs import make_run


def write(path, *, side=16, channels=3, classes=3, seed=0, count=60):
    """Images whose class is their brightness."""
    labels = np.arange(count) % classes
    noise = np.random.default_rng(seed).integers(0, 40, (count, side, side, channels))
    np.savez(path, images=(noise + 60 * labels[:, None, None, None]).astype(np.uint8), labels=labels)
    return f"npz:{path}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    layers = [{"conv": 4, "pool": 2}, {"dense": 6}]
    return make_run(
        tmp_path_factory.mktemp("transfer") / "run", network__builder="layers", network__layers=layers, network__width=1.0, rule__grids=[]
    )  # fmt: skip


@pytest.fixture(scope="module")
def own(run):
    """The run's own read-out, made before any other."""
    return probe(run, progress=False)


def test_it_is_fitted_on_the_others_and_stands_beside_its_own(run, own, tmp_path):
    kept = (run / "probe.json").read_bytes()
    name = write(tmp_path / "Bright ones.npz")
    found = probe(run, data=name, progress=False)
    data = found["data"]
    assert (data["name"], data["classes"], data["normalisation"], data["trained_on"]) == (name, 3, "run", "shapes")
    assert found["accuracy"] > 90 and found["accuracy_pixels"] > 50 and found["accuracy_random"] is not None
    assert found["n_train"] + found["n_test"] == 60
    assert data["slug"] == f"npz-bright-ones-{data['train'][:8]}"
    assert json.loads((run / "probes" / f"{data['slug']}.json").read_text())["accuracy"] == found["accuracy"]
    assert (run / "probe.json").read_bytes() == kept
    sections = {section.name: section for section in read_sections(run)}
    assert f"probe-{data['slug']}" in sections and "probe" in sections
    assert any(
        "normalised by mean and deviation of the run's own images" in text
        for text in sections[f"probe-{data['slug']}"].summary
    )
    assert (run / "figures" / f"read_outs_{data['slug']}.png").is_file() and (
        run / "figures" / "read_outs.png"
    ).is_file()
    assert verify(run)["damaged"] == 0
    (run / "sections" / f"probe-{data['slug']}.json").unlink()
    assert f"probe-{data['slug']}" in add_missing_sections(run)


def test_the_run_s_own_images_are_not_read(run, tmp_path, monkeypatch):
    read = []
    real = transfer.load
    monkeypatch.setattr(transfer, "load", lambda name, **words: read.append(name) or real(name, **words))
    monkeypatch.setattr("apical.protocols.runs.trained.load_stimulus", lambda *_, **__: pytest.fail("read"))
    name = write(tmp_path / "images.npz")
    assert apical.load(run).probe(name, progress=False).accuracy > 90
    assert read == [name]


def test_either_normalisation_is_as_it_says(run, tmp_path):
    name = write(tmp_path / "images.npz")
    there = [transfer.Elsewhere(name, word) for word in transfer.NORMALISATIONS]
    readings = [
        transfer.open_elsewhere(describe(run), each, "linear", device=None, data_dir=None, progress=False)[1] for each in there
    ]  # fmt: skip
    images = readings[0].train.images[:5]
    seen = [reading.presentation.still(reading.stimulus, images) for reading in readings]
    torch.testing.assert_close(seen[0], open_run(run).stimulus.still(images), rtol=0, atol=0)
    mean = readings[1].train.images.double().mean() / 255
    assert not torch.equal(*seen)
    assert abs(float(readings[1].stimulus.still(readings[1].train.images).mean())) < 0.01
    assert readings[1].stimulus.train.classes == open_run(run).stimulus.train.classes
    assert 0 < mean < 1
    assert probe(run, data=name, normalisation="data", progress=False)["data"]["normalisation"] == "data"


def test_other_sizes_are_refused_or_resized_and_grey_is_shown_in_every_colour(run, tmp_path):
    name = write(tmp_path / "grey.npz", side=12, channels=1)
    with pytest.raises(
        ConfigError, match=r"probe\.data: expected images of 16 x 16 pixels, .*, got 12 x 12 in npz:.*; add --resize"
    ):
        probe(run, data=name, progress=False)
    found = probe(run, data=name, resize=True, progress=False)
    assert found["data"]["resized"] and found["accuracy"] > 90
    grey = write(tmp_path / "same.npz", channels=1)
    assert not probe(run, data=grey, normalisation="data", progress=False)["data"]["resized"]


def test_colours_are_refused_by_a_network_of_grey_ones(tmp_path):
    small = {
        "network__builder": "mlp",
        "network__hidden": [6],
        "network__width": 1.0,
        "rule__grids": [],
        "stimulus__image_size": None,
    }
    grey = make_run(
        tmp_path / "run",
        **small,
        stimulus__name=write(tmp_path / "grey.npz", channels=1),
        stimulus__n_train=None,
        stimulus__n_test=None,
    )
    with pytest.raises(
        ConfigError, match=r"probe\.data: expected images of 1 channel, .*, got 3 in npz:.*; convert them to grey"
    ):
        probe(grey, data=write(tmp_path / "colour.npz"), other=True, progress=False)
    others = write(tmp_path / "others.npz", channels=1, seed=5, classes=2)
    with pytest.raises(
        ProtocolError, match=r"got others from npz:.*; restore its files.*; apical probe --other reads out on others"
    ):
        probe(grey, data=others, progress=False)
    assert probe(grey, data=others, other=True, progress=False)["data"]["classes"] == 2
    assert "data" not in probe(grey, data=f"npz:{tmp_path / 'grey.npz'}", progress=False)


def test_rendered_images_come_in_the_size_of_the_network(tmp_path):
    small = {
        "network__builder": "mlp",
        "network__hidden": [6],
        "network__width": 1.0,
        "rule__grids": [],
        "stimulus__image_size": None,
    }
    name = write(tmp_path / "images.npz", side=8)
    run = make_run(tmp_path / "run", **small, stimulus__name=name, stimulus__n_train=None, stimulus__n_test=None)
    there = transfer.Elsewhere("shapes")
    monkey = pytest.MonkeyPatch()
    real = transfer.load
    monkey.setattr(transfer, "load", lambda name, **words: real(name, **words, n_train=20, n_test=10))
    with monkey.context():
        _, reading, told = transfer.open_elsewhere(
            describe(run), there, "linear", device=None, data_dir=None, progress=False
        )
    monkey.undo()
    assert reading.train.shape == (3, 8, 8)
    assert told["slug"] == "shapes"


@pytest.mark.parametrize(("words", "message"), [
    ({"data": "cifar11"}, r"probe\.data: expected one of shapes, .*, got 'cifar11'; did you mean cifar10\?"),
    ({"data": "npz"}, r"probe\.data: .* got 'npz'; write npz:PATH"),
    ({"data": "cifar10", "normalisation": "mine"}, r"probe\.normalisation: expected one of run, data, got 'mine'"),
    ({"resize": True}, r"probe\.resize: expected none for the run's own images, got it with no data; name other data"),
    ({"data": "shapes", "normalisation": "run"}, r"probe\.normalisation: expected none for the run's own images"),
    ({"data": "cifar10", "read_out": "goodness"}, r"probe\.read_out: expected .* on other data, got goodness, which asks the network"),
])  # fmt: skip
def test_misuse_is_told(run, words, message):
    with pytest.raises(ConfigError, match=message):
        probe(run, progress=False, **words)


def test_the_command_reads_out_elsewhere(run, tmp_path):
    words = [
        "probe",
        str(run),
        "--data",
        write(tmp_path / "small.npz", side=12),
        "--resize",
        "--normalisation",
        "data",
        "--quiet",
        "--json",
    ]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout.splitlines()[-1])["data"]["resized"]
    shown = CliRunner().invoke(main, [word for word in words if word != "--json"]).stdout
    assert "Read-outs on npz:" in shown or "of the test images are told right" in shown

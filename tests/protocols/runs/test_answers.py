"""Images of one's own through a trained network: without those of the training, in every clear form, and what is refused."""

import shutil

import apical
import numpy as np
import pytest
import torch
from apical.models.engine import checkpoint, rates
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.readouts.features import features
from apical.protocols.runs.answers import pictures
from apical.protocols.runs.folder import RunFolder
from apical.protocols.runs.trained import describe, open_run
from click.testing import CliRunner
from small_runs import make_run

SEEN = np.random.default_rng(3).integers(0, 255, (5, 3, 16, 16), dtype=np.uint8)


def write(path):
    images = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(40) % 4)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("answers")
    write(place / "images.npz")
    layers = [{"conv": 4, "pool": 2}, {"dense": 6}]
    make_run(
        place / "run", stimulus__name=f"npz:{place / 'images.npz'}", stimulus__n_train=None, stimulus__n_test=None,
        network__builder="layers", network__layers=layers, network__width=1.0, rule__grids=[],
    )  # fmt: skip
    return place


@pytest.fixture
def bare(place, tmp_path):
    """The run where the images of its training are no longer there."""
    run = shutil.copytree(place / "run", tmp_path / "run")
    folder = RunFolder(run)
    text = folder.config.read_text().replace(str(place), str(tmp_path))
    folder.config.write_text(text.partition("\n")[2])
    return run


def test_rates_are_those_of_the_run_with_its_images(place, bare):
    opened = open_run(place / "run")
    expected = rates(opened.network(), opened.stimulus.still(torch.from_numpy(SEEN)))
    run = apical.load(bare)
    for name, rate in zip(("conv1", "dense1"), expected, strict=True):
        found = run.rates(SEEN, name)
        np.testing.assert_array_equal(found.values, rate.flatten(1).numpy())
        assert found.dims == ("trial", "unit") and found.attrs["units"] == "1"
    first = run.rates(SEEN, "conv1")
    unit = 2 * 64 + 3 * 8 + 5
    assert [int(first[name][unit]) for name in ("channel", "row", "col")] == [2, 3, 5]
    assert str(first.population[unit].values) == "conv1"
    assert run.rates(SEEN).sizes == {"trial": 5, "unit": 6}
    assert run.classes == opened.stimulus.train.classes


def test_features_are_those_of_the_read_out(place, bare):
    opened, run = open_run(place / "run"), apical.load(bare)
    images = opened.stimulus.test
    expected = features(opened.network(), opened.stimulus, images, opened.device)
    found = run.features(images.images)
    np.testing.assert_array_equal(found.values, expected.matrix.numpy())
    np.testing.assert_array_equal(found.values[:, found.population == "dense1"], expected["dense1"].numpy())
    assert list(run.features(images.images, ["dense1", "conv1"]).population.values[[0, -1]]) == ["dense1", "conv1"]
    assert run.features(images.images, "conv1").sizes["unit"] == 4 * 64


def test_a_network_is_handed_out_and_shown_patterns_without_the_images(bare):
    run = apical.load(bare)
    assert run.network.names == ["conv1", "dense1"]
    tree = run.present(SEEN, units="all", variables="rate")
    np.testing.assert_array_equal(tree["activity/conv1/rate"].values, run.rates(SEEN, "conv1").values)
    assert run.present("gratings", orientations=2, phases=1, frequencies=0.25)["activity/conv1"].sizes["trial"] == 2
    told = CliRunner().invoke(main, ["record", str(bare), "gratings", "--set", "orientations=2", "--quiet"])
    assert told.exit_code == 0, told.output
    assert (bare / "recordings" / "gratings.zarr").is_dir()


@pytest.mark.parametrize("arguments", [["own"], ["gratings", "--units", "conv1=selective:2"]])
def test_what_needs_the_images_says_where_they_are_missed(bare, arguments):
    told = CliRunner().invoke(main, ["record", str(bare), *arguments, "--quiet"])
    assert told.exit_code == 1
    assert "expected the images of the run at" in told.output
    with pytest.raises(ProtocolError, match="expected the images of the run at"):
        _ = apical.load(bare).stimulus


def test_forms_that_are_clear_say_the_same():
    shape, first = (3, 16, 16), pictures(SEEN, (3, 16, 16))
    for same in (SEEN.transpose(0, 2, 3, 1), torch.from_numpy(SEEN), SEEN.tolist() and list(SEEN)):
        assert torch.equal(pictures(same, shape), first)
    grey = SEEN[:, 0]
    assert torch.equal(pictures(grey, shape), pictures(grey[:, None], shape))
    assert torch.equal(pictures(grey, shape)[:, 1], torch.from_numpy(grey))
    assert pictures(grey, (1, 16, 16)).shape == (5, 1, 16, 16)
    wide = np.random.default_rng(1).integers(0, 255, (2, 3, 20, 30), dtype=np.uint8)
    assert pictures(wide, shape, resize=True).shape == (2, 3, 16, 16)


@pytest.mark.parametrize(("images", "message"), [
    (SEEN / 255, r"images: expected uint8 images \(n, 3, 16, 16\) or \(n, 16, 16, 3\), got torch.float64; pass the pixels as bytes"),
    (SEEN[0], r"images: expected .*, got the shape \(3, 16, 16\); write images\[None\] for one image, images\[:, None\] for grey"),
    (SEEN[0].transpose(1, 2, 0), r"got the shape \(16, 16, 3\); write images\[None\]"),
    (SEEN[0, 0], r"got the shape \(16, 16\); reshape them"),
    (SEEN[:0], r"got the shape \(0, 3, 16, 16\); reshape them"),
    (SEEN[:, :2], r"got the shape \(5, 2, 16, 16\); reshape them"),
    (np.zeros((2, 3, 16, 3), np.uint8), r"expected one axis of 3 or 1 channels, got the shape \(2, 3, 16, 3\) with two"),
    (np.zeros((2, 3, 20, 20), np.uint8), r"expected 16 x 16 pixels, as the network sees, got 20 x 20; resize=True brings them to it"),
])  # fmt: skip
def test_forms_that_are_not_clear_are_refused(images, message):
    with pytest.raises(ConfigError, match=message):
        pictures(images, (3, 16, 16))


def test_colours_are_refused_by_a_network_of_grey_ones():
    with pytest.raises(ConfigError, match=r"got the shape \(5, 3, 16, 16\); convert them to grey"):
        pictures(SEEN, (1, 16, 16))
    with pytest.raises(ConfigError, match=r"expected 12 x 16 pixels, .* got 16 x 16; resize them"):
        pictures(SEEN, (3, 16, 12), resize=True)


@pytest.mark.parametrize("call", ["rates", "features"])
def test_an_unknown_population_is_named(bare, call):
    with pytest.raises(
        ConfigError, match=r"population: expected one of conv1, dense1, got 'conv2'; did you mean conv1\?"
    ):
        getattr(apical.load(bare), call)(SEEN, "conv2")


def test_a_checkpoint_that_does_not_tell_takes_it_from_the_data_and_says_so(place, tmp_path, capsys, monkeypatch):
    run = shutil.copytree(place / "run", tmp_path / "old")
    silent = checkpoint.State(8, 0.0, {}, "")
    read = checkpoint.read_state
    monkeypatch.setattr(checkpoint, "read_state", lambda path: type(silent)(**{**_fields(read(path)), "input": {}}))
    opened = apical.load(run)
    again = apical.load(place / "run")
    found = [opened.rates(SEEN), opened.rates(SEEN)]
    said = capsys.readouterr().err
    assert said.count("does not tell how images are normalised; that is taken from npz:") == 1
    monkeypatch.undo()
    np.testing.assert_array_equal(found[1].values, again.rates(SEEN).values)
    assert describe(run).without_images() is not None


def _fields(state):
    return {name: getattr(state, name) for name in state.__slots__}

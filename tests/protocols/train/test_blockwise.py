"""Runs of networks in blocks: trained, resumed, recorded, read out, under corruption; and what is refused."""

import json
import math

import numpy as np
import pytest
import torch
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.readouts.corrupted import corrupted_read_out
from apical.protocols.readouts.fitted import ridge_read_out, standardise
from apical.protocols.readouts.neighbours import knn_read_out
from apical.protocols.runs.network import fresh_network
from apical.protocols.settings.load import load
from apical.protocols.settings.rule import make_rule
from apical.protocols.stimuli.objects.shapes import load_shapes
from apical.protocols.stimuli.views.corruptions import CORRUPTIONS, corrupt
from apical.protocols.train.run import load_stimulus, train
from apical.recordings import draw_all, write_report
from apical.recordings import open as open_recording
from safetensors.torch import load_file

SMALL = {
    "name": "small",
    "stimulus": {"name": "shapes", "image_size": 16, "n_train": 96, "n_test": 40},
    "network": {"builder": "resnet18", "width": 0.0625},
    "rule": {"name": "blockwise-barlow", "grids": [], "options": {"features": 16, "projector": [12, 12]}},
    "training": {"epochs": 2, "batch": 24, "threads": 1, "checkpoint_every": 3, "device": "cpu"},
    "recording": {"every": 1, "rows": 4, "units": 8},
    "optimiser": {"learning_rate": 0.01},
}


@pytest.fixture
def settings(tmp_path):
    def make(**changes):
        document = json.loads(json.dumps(SMALL))
        for path, value in changes.items():
            group, name = path.split("__")
            document[group][name] = value
        file = tmp_path / "small.yaml"
        file.write_text(json.dumps(document))
        return load(str(file))

    return make


def weights(run):
    last = sorted((run / "checkpoints").glob("step-*"))[-1]
    return {n: t for f in ("weights", "moments", "buffers") for n, t in load_file(last / f"{f}.safetensors").items()}


SEQUENTIAL = {**SMALL["rule"]["options"], "order": "sequential"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rule__options": SEQUENTIAL, "optimiser__schedule": "cosine"},
        {
            "rule__name": "bp-simclr",
            "rule__temperature": 0.5,
            "optimiser__name": "lars",
            "optimiser__learning_rate": 1.0,
        },
    ],
    ids=["blockwise", "sequential", "end to end"],
)
def test_resumed_equals_uninterrupted_bit_for_bit(changes, settings, tmp_path):
    result = train(settings(**changes), tmp_path / "straight", progress=False)
    assert result["status"] == "complete"
    stopped = settings(**changes, training__max_seconds=1e-3)
    assert train(stopped, tmp_path / "pieces", progress=False)["status"] == "interrupted"
    train(settings(**changes), tmp_path / "pieces", resume=True, progress=False)
    one, two = weights(tmp_path / "straight"), weights(tmp_path / "pieces")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    left, right = (open_recording(tmp_path / run)["metrics"]["loss"].values for run in ("straight", "pieces"))
    np.testing.assert_array_equal(left, right)


def test_losses_and_updates_of_every_block_are_recorded_and_no_compartments(settings, tmp_path):
    train(settings(), tmp_path / "run", progress=False)
    tree = open_recording(tmp_path / "run")
    assert tree["metrics"]["loss"].dims == ("step", "population")
    assert list(tree["metrics"]["population"].values) == ["block1", "block2", "block3", "block4"]
    assert "activity" not in tree.children
    for block in ("block1", "block4"):
        updates = tree[f"updates/{block}"]
        assert updates.sizes["step"] == 8
        assert (updates["basal_change"] > 0).all()
    figures = draw_all(tmp_path / "run")
    assert {"learning", "changes"} <= figures.keys()
    assert "potentials" in figures.skipped
    assert write_report(tmp_path / "run").exists()


def test_resting_blocks_have_no_loss_and_the_schedule_starts_with_each(settings, tmp_path):
    changes = {"rule__options": SEQUENTIAL, "optimiser__schedule": "cosine"}
    result = train(settings(**changes), tmp_path / "run", progress=False)
    assert list(result["losses"]) == ["block4"]
    metrics = open_recording(tmp_path / "run")["metrics"]
    finite = np.isfinite(metrics["loss"].values)
    np.testing.assert_array_equal(finite.argmax(1), [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(finite.sum(1), 1)
    np.testing.assert_allclose(metrics["learning_rate"].values, [0.01, 0.005] * 4)


def test_every_block_is_read_out_and_corrupted_images_too(settings, tmp_path):
    run = tmp_path / "run"
    train(settings(), run, progress=False)
    result = probe(run, corruptions=20, progress=False)
    assert list(result["layers"]) == ["block1", "block2", "block3", "block4"]
    assert list(result["corrupted"]) == list(CORRUPTIONS)
    found = [accuracy for accuracies in result["corrupted"].values() for accuracy in accuracies]
    assert len(found) == 60
    assert result["accuracy_corrupted"] == pytest.approx(sum(found) / 60)
    assert result["n_corrupted"] == 20
    assert all(0 <= accuracy <= 100 and math.isclose(accuracy % 5, 0, abs_tol=1e-9) for accuracy in found)
    assert json.loads((run / "probe.json").read_text())["corrupted"] == result["corrupted"]
    assert "corrupted" not in probe(run, layers=["block2"], progress=False)


@pytest.mark.parametrize("kind", ["ridge", "knn"])
def test_corrupted_accuracies_are_those_of_a_read_out_fitted_on_clean_images(kind):
    shapes = load_shapes(image_size=16, n_train=120, n_test=30, seed=0)
    read = lambda images: images.images.float().flatten(1) / 255  # noqa: E731

    def fit(x, labels, x_test, labels_test):
        if kind == "knn":
            return knn_read_out(x, labels, x_test, labels_test, k=3)
        return ridge_read_out(*_paired(standardise(x, x_test), labels, labels_test), [0.1])

    def _paired(features, labels, labels_test):
        return features[0], labels, features[1], labels_test

    result = corrupted_read_out(read, fit, shapes.train, shapes.test, seed=4)
    x, labels, labels_test = read(shapes.train), shapes.train.labels, shapes.test.labels
    for name, severity in (("contrast", 5), ("gaussian_noise", 2), ("jpeg", 3)):
        worse = corrupt(shapes.test.images, name, severity, seed=4).float().flatten(1) / 255
        assert result["corrupted"][name][severity - 1] == fit(x, labels, worse, labels_test).accuracy
    assert result["accuracy_uncorrupted"] == fit(x, labels, read(shapes.test), labels_test).accuracy
    assert result["accuracy_corrupted"] < result["accuracy_uncorrupted"]


@pytest.mark.parametrize(("changes", "message"), [
    ({"network__builder": "vgg6"}, r"network.builder: expected resnet18 or resnet50 for blockwise-barlow, got 'vgg6'"),
    ({"rule__name": "bp-clapp++", "rule__options": {}}, r"rule.grids: expected 9 entries for resnet18, one per population, got 0"),
    ({"rule__grids": [8, 4]}, r"rule.grids: expected none for resnet18, got \[8, 4\]; set rule.grids=\[\]"),
    ({"rule__options": {"redundency": 1.0}}, r"rule.options.redundency: expected one of .*redundancy.*unknown to blockwise-barlow; did you mean redundancy\?"),
    ({"rule__options": {"noise": -1.0}}, r"rule.options: Blockwise.noise: expected a finite number of at least 0"),
    ({"rule__name": "blockwise-simclr"}, r"rule.temperature: expected a number for blockwise-simclr, got null"),
    ({"rule__name": "bp-barlow", "rule__options": {"order": "sequential"}}, r"rule.options.order: expected one of"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_refused(changes, message, settings):
    with pytest.raises(ConfigError, match=message):
        settings(**changes)


def test_goodness_of_blocks_and_populations_of_blocks_are_refused(settings, tmp_path):
    run = tmp_path / "run"
    train(settings(), run, progress=False)
    with pytest.raises(ConfigError, match=r"probe.read_out: expected linear or knn"):
        probe(run, read_out="goodness", progress=False)
    with pytest.raises(ConfigError, match=r"probe.corruptions: expected a linear or knn read-out, got goodness"):
        probe(run, read_out="goodness", corruptions=10, progress=False)
    config = settings()
    with pytest.raises(ConfigError, match=r"network.builder: expected a network of populations, got resnet18"):
        fresh_network(config, load_stimulus(config, None, torch.device("cpu")), make_rule(config.rule))


@pytest.mark.parametrize("name", ["blockwise", "blockwise-simclr", "blockwise-vicreg", "barlow"])
def test_presets_hold(name):
    config = load(f"cifar10-{name}-narrow")
    assert config.network.builder == "resnet18"
    assert config.rule.options["noise"] == (0.0 if name == "barlow" else 0.25)

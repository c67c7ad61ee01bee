"""Forward-Forward and PhyLL from settings to read-outs: trained, recorded, and asked which label feels best."""

import json
from dataclasses import replace

import pytest
import torch
from apical.models.engine import Architecture, build_network, checkpoint
from apical.plasticity import BPForwardForward, ClappPP, ForwardForward
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.readouts.goodness import goodness_of, goodness_read_out, goodness_rule, summed
from apical.protocols.runs.network import fresh_network
from apical.protocols.settings.load import load
from apical.protocols.settings.rule import make_rule
from apical.protocols.stimuli import load as load_stimulus
from apical.protocols.stimuli.presentations.table import PRESENTATIONS
from apical.protocols.stimuli.presentations.written_labels import neutral
from apical.protocols.train.run import train
from apical.recordings import open as open_recording
from tolerances import assert_falls

DENSE = {"network": {"builder": "mlp", "hidden": [24, 16]}}
CONV = {"network": {"builder": "vgg6", "width": 0.03125}}
GRIDS = {"mlp": [], "vgg6": [4, 2, 2, 2, 1, 1]}


@pytest.fixture
def settings(tmp_path):
    def make(network, rule, **options):
        document = {
            "stimulus": {"name": "shapes", "image_size": 16, "n_train": 64, "n_test": 20},
            "rule": {"name": rule, "grids": GRIDS[network["network"]["builder"]], "options": options},
            "training": {"epochs": 3, "batch": 16, "threads": 1, "device": "cpu"},
            "recording": {"every": 2, "rows": 4, "units": 8},
            "optimiser": {"learning_rate": 0.01},
            **network,
        }
        file = tmp_path / "small.yaml"
        file.write_text(json.dumps(document))
        return load(str(file))

    return make


@pytest.mark.parametrize("network", [DENSE, CONV], ids=["mlp", "vgg6"])
@pytest.mark.parametrize("rule", ["forward-forward", "phyll"])
def test_a_run_is_recorded_and_read_out(settings, tmp_path, network, rule):
    out = tmp_path / "run"
    result = train(settings(network, rule), out, progress=False)
    names = list(result["losses"])
    tree = open_recording(out)
    activity = tree[f"activity/{names[0]}"]
    # a recorded object gives its positive and then its negative presentation
    assert activity.phase.values[:4].tolist() == [0, 1, 0, 1]
    assert (activity.neuromodulator.values[0::2] >= 0).all()
    assert (activity.neuromodulator.values[1::2] <= 0).all()
    assert (activity.stimulus_id.values[0::2] == activity.stimulus_id.values[1::2]).all()
    assert (activity.label.values[0::2] != activity.label.values[1::2]).all()
    by_goodness = probe(out, read_out="goodness", progress=False)
    assert by_goodness["together"] == (names if rule == "phyll" else names[1:])  # its authors sum all
    assert by_goodness["accuracy_pixels"] is None
    assert (by_goodness["n_train"], by_goodness["n_test"]) == (0, 20)
    assert set(by_goodness["layers"]) == set(names)


@pytest.mark.parametrize(("rule", "network", "epochs", "rate", "to"), [
    ("forward-forward", CONV, 3, 0.01, 0.75),
    ("phyll", DENSE, 16, 0.003, 0.87),
], ids=["forward-forward", "phyll"])  # fmt: skip
def test_a_run_learns(settings, tmp_path, rule, network, epochs, rate, to):
    """Chaotic, so over seeds: 0.45 of the loss of Forward-Forward is left, and 0.76 of that of PhyLL."""
    first, last = [], []
    for seed in range(3):
        config = settings(network, rule)
        changed = {
            "training": {"epochs": epochs, "checkpoint_every": 4},
            "optimiser": {"learning_rate": rate},
            "recording": {"enabled": False},
        }
        groups = {group: getattr(config, group).model_copy(update=update) for group, update in changed.items()}
        train(config.model_copy(update={"seed": seed, **groups}), tmp_path / f"run{seed}", progress=False)
        lines = (tmp_path / f"run{seed}" / "metrics.jsonl").read_text().splitlines()
        first.append(json.loads(lines[0])["loss"])
        last.append(json.loads(lines[-1])["loss"])
    assert_falls(first, last, to=to)


def test_a_batch_may_be_shown_for_several_steps(settings, tmp_path):
    """PhyLL's authors go through 25 steps on a batch: the same images and the same wrong labels, then the next ones."""
    config, out = settings(DENSE, "phyll"), tmp_path / "run"
    training = config.training.model_copy(update={"epochs": 1, "repeats": 3})
    recording = config.recording.model_copy(update={"every": 1, "rows": 32})
    result = train(config.model_copy(update={"training": training, "recording": recording}), out, progress=False)
    assert result["steps"] == 3 * 64 // 16
    activity = open_recording(out)["activity/dense1"]
    rows = zip(activity.stimulus_id.values.reshape(12, -1), activity.label.values.reshape(12, -1), strict=True)
    shown = [(sorted(seen.tolist()), sorted(labels.tolist())) for seen, labels in rows]
    assert all(shown[i] == shown[i // 3 * 3] for i in range(12))
    assert len({str(seen) for seen, _ in shown}) == 4


@pytest.mark.parametrize("rule", ["forward-forward", "phyll", "bp-forward-forward", "bp-phyll"])
def test_hybrids_need_no_labels_and_have_no_goodness_of_labels(settings, tmp_path, rule):
    out = tmp_path / "run"
    train(settings(DENSE, rule, presentation="hybrids"), out, progress=False)
    with pytest.raises(ConfigError, match=r"probe.read_out: expected linear or knn for \w+ with hybrids, got goodness"):
        probe(out, read_out="goodness", progress=False)


@pytest.mark.parametrize(("rule", "name"), [("forward-forward", "mean_rate"), ("phyll", "direction")])
def test_checkpoints_keep_the_state(settings, tmp_path, rule, name):
    config, out = settings(DENSE, rule), tmp_path / "run"
    train(config, out, progress=False)
    network = fresh_network(
        config, load_stimulus("shapes", image_size=16, n_train=64, n_test=20, seed=0), make_rule(config.rule)
    )
    begun = network.buffers[f"dense2.{name}"].clone()
    network.buffers[f"dense2.{name}"].zero_()
    checkpoint.load_network(checkpoint.found(out / "checkpoints")[-1], network)
    stored = network.state("dense2")[name]
    assert stored.norm() > 0
    assert torch.equal(stored, begun) == (name == "direction")


def test_a_linear_read_out_sees_neutral_labels(settings, tmp_path, monkeypatch):
    out, shown = tmp_path / "run", []

    def still(stimulus, images):
        shown.append(len(images))
        return neutral(stimulus, images)

    train(settings(DENSE, "forward-forward"), out, progress=False)
    monkeypatch.setitem(PRESENTATIONS, "overlay", replace(PRESENTATIONS["overlay"], still=still))
    found = probe(out, read_out="linear", progress=False)
    assert {64, 20} <= set(shown)
    assert (found["n_train"], found["n_test"]) == (64, 20)
    assert found["accuracy_pixels"] is not None


def test_the_read_out_finds_labels_that_a_population_feels():
    """One population, whose only weights let the pixel of class k excite neuron k where the image's own quadrant is bright."""
    stimulus = load_stimulus("shapes", image_size=16, n_train=40, n_test=40, seed=0)
    rule, classes = ForwardForward(peer=0.0), len(stimulus.train.classes)
    network = build_network(Architecture("mlp", (3, 16, 16), hidden=(5, 5)), rule, seed=0, classes=classes)
    bottom, top = network.populations
    bottom.relay = top.relay = None
    for population in (bottom, top):
        population.weight.zero_()
        population.bias.zero_()
    bottom.weight[0, 3] = 1.0  # pixel of class 3 in the first colour channel
    top.weight[0, 0] = 1.0
    found = goodness_read_out(network, rule, stimulus, stimulus.test, ["dense2"])
    share = 100 * (stimulus.test.labels == 3).double().mean().item()
    assert found["dense1"].accuracy == pytest.approx(share)
    assert found["all"].accuracy == pytest.approx(share)
    assert share > 0


def test_goodness_of_a_population_is_the_rules():
    rule = ForwardForward(peer=0.0)
    network = build_network(Architecture("vgg6", (1, 16, 16), 0.03125, (), (1,) * 6), rule, seed=0, classes=3)
    images = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    found = goodness_of(network, rule, images)
    population = network.populations[0]
    basal = torch.nn.functional.conv2d(
        population.relay(images, None, learning=False), population.weight, population.bias, padding=1
    )
    torch.testing.assert_close(found["conv1"], torch.relu(basal).square().sum(1).mean((1, 2)))
    assert list(found) == network.names


def test_all_but_the_first_are_summed():
    assert summed(["a", "b", "c"]) == ["b", "c"]
    assert summed(["a"]) == ["a"]


@pytest.mark.parametrize("rule", [ClappPP(), BPForwardForward(), ForwardForward(presentation="hybrids")], ids=str)
def test_rules_without_goodness_are_refused(rule):
    with pytest.raises(ConfigError, match=r"probe.read_out: expected linear or knn for .*got goodness; it needs"):
        goodness_rule(rule)


@pytest.mark.parametrize(
    "name", ["mnist-ff", "mnist-ff-narrow", "mnist-phyll", "cifar10-ff-narrow", "cifar10-phyll-narrow"]
)
def test_presets_load(name):
    config = load(name)
    assert config.rule.name in ("forward-forward", "phyll")
    assert (config.rule.options["presentation"] == "overlay") == name.startswith("mnist")

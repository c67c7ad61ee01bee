"""Supervised runs end to end: trained, recorded, resumed, read out."""

import json

import numpy as np
import pytest
import torch
import zarr
from apical.models.engine import checkpoint, rates
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.runs.network import fresh_network
from apical.protocols.settings.load import load
from apical.protocols.settings.rule import make_rule
from apical.protocols.train.run import load_stimulus, train
from apical.recordings import open as open_recording
from apical.recordings.plot_dendrites import potentials
from safetensors.torch import load_file

MLP = {"network": {"builder": "mlp", "hidden": [24, 24], "width": 1.0}, "rule": {"grids": []}}
VGG = {"network": {"builder": "vgg6", "width": 0.0625}, "rule": {"grids": [4, 2, 2, 2, 1, 1]}}
RUNS = {
    "bp-classifier mlp": ("bp-classifier", MLP),
    "fa mlp": ("fa", MLP),
    "fa vgg6": ("fa", VGG),
    "dfa mlp": ("dfa", MLP),
    "dfa vgg6": ("dfa", VGG),
    "sal": ("sal", MLP | {"network": MLP["network"] | {"areas": 3, "routing": 4}}),
}
# every rule by default, and maps with the feedback that is most its own
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in ("fa vgg6", "dfa mlp") else name for name in RUNS]


@pytest.fixture
def settings(tmp_path):
    def make(name, **training):
        rule, parts = RUNS[name]
        document = {
            "name": "small",
            "stimulus": {"name": "shapes", "image_size": 16, "n_train": 64, "n_test": 16},
            "network": parts["network"],
            "rule": parts["rule"] | {"name": rule},
            "training": {"epochs": 2, "batch": 8, "threads": 1, "checkpoint_every": 5, "device": "cpu"} | training,
            "recording": {"every": 4, "rows": 4, "units": 24},
            "optimiser": {"learning_rate": 0.003},
        }
        file = tmp_path / "small.yaml"
        file.write_text(json.dumps(document))
        return load(str(file))

    return make


def stored(run):
    last = checkpoint.found(run / "checkpoints")[-1]
    return {path.name: load_file(path) for path in last.glob("*.safetensors")}


@pytest.mark.parametrize("name", NAMES)
def test_resumed_equals_uninterrupted_bit_for_bit(name, settings, tmp_path):
    straight, pieces = tmp_path / "straight", tmp_path / "pieces"
    train(settings(name), straight, progress=False)
    assert train(settings(name, max_seconds=1e-3), pieces, progress=False)["status"] == "interrupted"
    assert train(settings(name), pieces, resume=True, progress=False)["status"] == "complete"
    one, two = stored(straight), stored(pieces)
    assert set(one) == {"weights.safetensors", "moments.safetensors"} | (
        set() if name.startswith("bp") else {"buffers.safetensors"}
    )
    for file, tensors in one.items():
        assert tensors.keys() == two[file].keys()
        assert all(torch.equal(tensor, two[file][key]) for key, tensor in tensors.items())
    left, right = (zarr.open_group(run / "recording.zarr", mode="r") for run in (straight, pieces))
    names = [key for key, array in left.members(max_depth=None) if isinstance(array, zarr.Array)]
    assert len(names) > 20
    for key in names:
        np.testing.assert_array_equal(left[key][:], right[key][:], err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_recorded_read_out_and_drawn(name, settings, tmp_path):
    run = tmp_path / "run"
    train(settings(name), run, progress=False)
    tree = open_recording(run)
    for population in tree["activity"].children:
        activity, updates = (tree[f"{kind}/{population}"].to_dataset().load() for kind in ("activity", "updates"))
        assert activity.sizes["trial"] == 4 * 4
        assert (activity.context_id.values == -1).all()
        assert ("apical" in activity) == (not name.startswith("bp"))
        assert "neuromodulator" not in activity
        assert "apical_change" not in updates
        assert (updates.basal_change.values > 0).any()
        if "apical" in activity:
            assert np.isfinite(activity.apical.values).all()
            assert np.abs(activity.apical.values).max() > 0
    result = probe(run, progress=False)
    assert result["accuracy_head"] == pytest.approx(own_accuracy(run))
    if name == "fa mlp":
        potentials({name: node.to_dataset() for name, node in tree["activity"].children.items()})


def own_accuracy(run):
    config = load(str(run / "config.yaml"))
    stimulus = load_stimulus(config, None, torch.device("cpu"))
    network = fresh_network(config, stimulus, make_rule(config.rule))
    checkpoint.load_network(checkpoint.found(run / "checkpoints")[-1], network)
    with torch.no_grad():
        top = network.populations[-1].pooled(rates(network, stimulus.still(stimulus.test.images))[-1])
        return 100 * ((top @ network.head.T).argmax(1) == stimulus.test.labels).double().mean().item()


def test_the_recorded_apical_potential_is_the_fed_back_error(settings, tmp_path):
    """All units are recorded, more than classes: their potentials must be B E with one E for all, whose classes sum to zero."""
    run = tmp_path / "run"
    train(settings("dfa mlp"), run, progress=False)
    found = open_recording(run)["activity/dense2"].to_dataset().load()
    buffers, units = stored(run)["buffers.safetensors"]["dense2.feedback"], found.unit_id.values
    span = buffers[units].double().numpy()
    assert span.shape[0] > span.shape[1]
    fitted = np.linalg.lstsq(span, found.apical.values.T.astype(float), rcond=None)[0]
    np.testing.assert_allclose(span @ fitted, found.apical.values.T, atol=1e-5)
    np.testing.assert_allclose(fitted.sum(0), 0, atol=1e-4)


@pytest.mark.parametrize(("overrides", "message"), [
    (["rule.name=sal"], "network.areas: expected at least 1 for sal, got 0; for example network.areas=16"),
    (["network.areas=4"], "network.areas, network.routing: expected 0, 8 for fa, which has no areas, got others"),
    (["network.routing=4"], "network.areas, network.routing: expected 0, 8 for fa, which has no areas, got others"),
    (["network={builder: vgg6, hidden: []}", "rule.name=sal", "rule.grids=[8,4,4,4,2,1]"],
     "network.builder: expected mlp for sal, whose areas are dense, got 'vgg6'; set network.hidden"),
    (["rule.name=sal", "network.areas=2", "rule.options={routing_rat: 1.0}"], "did you mean routing_rate"),
    (["rule.name=sal", "network.areas=2", "rule.options={routing_rate: 2.0}"], "SAL.routing_rate: expected 0 to 1, got 2.0"),
])  # fmt: skip
def test_settings_that_contradict_the_rule(overrides, message):
    with pytest.raises(ConfigError) as found:
        load("mnist-fa", overrides)
    assert message in str(found.value)


def test_the_supervised_presets_differ_in_the_rule_alone():
    for family, rules in {"mnist-{}": ("fa", "dfa"), "cifar10-{}-narrow": ("fa", "dfa")}.items():
        reference = load(family.format("bp" if family.startswith("mnist") else "classifier"))
        for rule in rules:
            other = load(family.format(rule))
            assert other.rule.name == rule
            assert other.model_copy(update={"name": reference.name, "rule": reference.rule}) == reference
    assert load("mnist-sal").network.areas == 16


def test_128_populations_fit_into_the_settings():
    config = load("mnist-sal", [f"network.hidden={[16] * 128}", "optimiser.factors=[0.0078125]"])
    assert len(config.network.hidden) == 128

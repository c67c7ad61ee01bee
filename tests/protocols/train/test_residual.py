"""A residual network from end to end: trained, resumed, recorded, read out, aligned, shown stimuli, lesioned; what it refuses."""

from types import SimpleNamespace

import pytest
import torch
from apical.protocols.align import Plan, align
from apical.protocols.errors import ConfigError
from apical.protocols.lesion.run import lesion
from apical.protocols.probe.controls import _untrained
from apical.protocols.probe.run import probe
from apical.protocols.record import RecordSettings, record
from apical.protocols.replay import ReplaySettings, replay_run
from apical.protocols.runs.trained import open_run
from apical.protocols.settings.load import load
from apical.protocols.train.run import train
from apical.recordings import open as open_recording
from safetensors.torch import load_file
from small_runs import make_run

NAMES = ["stem", *(f"block{i}" for i in range(1, 9))]
RESIDUAL = {
    "network__builder": "resnet18",
    "network__width": 0.0625,
    "network__zero_init": False,
    "rule__grids": [4, 4, 2, 2, 2, 1, 1, 1, 1],
    "stimulus__n_train": 32,
    "training__checkpoint_every": 3,
    "optimiser__learning_rate": 0.001,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("residual") / "run", **RESIDUAL)


def stored(run):
    last = sorted((run / "checkpoints").glob("step-*"))[-1]
    return {n: t for f in ("weights", "moments", "buffers") for n, t in load_file(last / f"{f}.safetensors").items()}


def test_all_compartments_and_what_the_weights_did_are_recorded(run):
    assert open_run(run).network().names == NAMES
    with open_recording(run) as recording:
        assert list(recording["activity"].children) == NAMES
        assert recording["activity/block5/apical"].shape[1] == 8
        updates = recording["updates/block3"]
        assert bool((updates["basal_drive"] > 0).all() and (updates["basal_change"] > 0).all())
    network = open_run(run).network()
    block = network.populations[3]
    kernels = [block.weight, block.inner["conv1.weight"], block.inner["shortcut.weight"]]
    assert float(updates["basal_norm"][-1]) <= 1.1 * float(torch.cat([k.flatten() for k in kernels]).norm())
    assert float(updates["basal_norm"][-1]) > 1.1 * float(block.weight.norm())


def test_resumed_equals_uninterrupted_bit_for_bit(run, tmp_path):
    pieces = make_run(tmp_path / "pieces", **RESIDUAL, training__max_seconds=1e-3)
    straight = stored(run)
    assert (
        stored(pieces).keys()
        == straight.keys()
        >= {"block3.shortcut.weight", "block3.conv1.bias.first", "block8.norm0.running_mean"}
    )
    assert not torch.equal(stored(pieces)["block3.conv1.weight"], straight["block3.conv1.weight"])
    train(open_run(run).config, pieces, resume=True, progress=False)
    assert all(torch.equal(value, straight[name]) for name, value in stored(pieces).items())


def test_it_is_read_out_with_statistics_of_its_own_where_it_never_learned(run):
    described = open_run(run)
    reading = SimpleNamespace(train=described.stimulus.train, stimulus=described.stimulus)
    fresh, settled = described.initial().buffers, _untrained(described, reading).buffers
    assert all(not torch.equal(fresh[name], value) for name, value in settled.items())
    assert list(probe(run, progress=False)["layers"]) == NAMES


def test_changes_of_all_its_kernels_are_compared_with_the_gradient(run):
    told = align([run], Plan(batches=2), progress=False)
    for cosines in told["cosine"]["DFB"].values():
        assert cosines[-1] == pytest.approx(1, abs=1e-5)
        assert all(abs(cosine) < 0.999 for cosine in cosines[:-1])


def test_it_is_shown_gratings(run):
    settings = RecordSettings(stimulus="gratings", units=("block4=all",), variables=("basal", "rate", "apical"))
    assert record(run, settings, progress=False)["units"] == {"block4": 8 * 8 * 8}


@pytest.mark.slow
def test_it_is_lesioned(run):
    assert lesion(run, "apical_block", seeds=[0], steps=2, progress=False)["protocol"] == "apical_block"


def test_a_block_has_no_circuit_of_one_convolution(run):
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    settings = ReplaySettings(quick=True, units=4, trials=8, duration=60.0, population="block2")
    with pytest.raises(
        Exception, match=r"circuit.population: expected neurons .* got block2, to which a shortcut adds; choose stem"
    ):
        replay_run(run, settings, progress=False)


@pytest.mark.parametrize("kind", ["lateral", "dfb", "both", "bp"])
def test_presets_hold(kind):
    config = load(f"cifar10-resnet18-{kind}-narrow")
    assert (config.network.builder, config.network.width, config.network.stop) == ("resnet18", 0.25, "both")
    assert (config.rule.name, len(config.rule.grids)) == ("bp-clapp++" if kind == "bp" else "clapp++", 9)


@pytest.mark.parametrize(("words", "message"), [
    (["network.stop=branch"], "network.stop: expected both for bp-clapp++, whose blocks have no local signal that a shortcut could conduct, got 'branch'"),
    (["rule.grids=[4]"], "rule.grids: expected 9 entries for resnet18, one per population, got 1"),
    (["network.builder=vgg6", "rule.grids=[8,4,4,4,2,1]", "network.zero_init=true", "network.norm=none"], "network.norm: expected none, since vgg6 reads no norm, got none; set network.norm=input"),
    (["network.stop=here"], "network.stop: expected one of both, branch, got 'here'"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_refused(words, message):
    with pytest.raises(ConfigError) as refused:
        load("cifar10-resnet18-bp-narrow", words)
    assert message in str(refused.value)

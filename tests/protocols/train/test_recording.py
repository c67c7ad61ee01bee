"""Settings of the recording by the real command: what is asked for is there, its size is told first, and what there is not is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
from apical import load, recordings
from apical.models.engine import rates
from apical.protocols.command.main import main
from apical.protocols.runs import room
from apical.protocols.runs.batches import TRAINING, Batches
from apical.protocols.settings.load import load as settings
from apical.protocols.train.run import train
from click.testing import CliRunner

SMALL = """
stimulus: {name: "npz:own.npz"}
network: {width: 0.03125}
rule: {context: dfb, grids: [4, 2, 2, 2, 1, 1]}
training: {epochs: 1, batch: 8, threads: 1, device: cpu}
recording: {every: 2, rows: 4, units: 4}
"""
EVERYTHING = "[basal, rate, apical, score, neuromodulator, drive, gate, eligibility, views, weights]"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16), dtype=np.uint8)
    np.savez("own.npz", images=images, labels=np.arange(40) % 4)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def with_rule(here, rule, network="{width: 0.03125}"):
    """The settings with another rule."""
    lines = SMALL.replace("network: {width: 0.03125}", f"network: {network}").splitlines()
    (here / "small.yaml").write_text("\n".join(f"rule: {rule}" if line.startswith("rule") else line for line in lines))


def trained(*changes):
    given = [word for change in changes for word in ("--set", change)]
    return CliRunner().invoke(main, ["train", "small.yaml", "--out", "run", *given])


def test_everything_is_recorded(here):
    result = trained(
        f"recording.variables={EVERYTHING}", "recording.reductions=[mean, norm, sparsity, histogram]", "recording.chosen=[conv1=all, 'conv3=1,5', 'conv6=selective:3']",
        "recording.probe=4", "recording.synapses=5",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[0].startswith("recording: ")
    tree = recordings.open("run")
    assert list(tree["activity"].children) == ["conv1", "conv3", "conv6"]
    table = tree["activity/conv3"].to_dataset().load()
    assert table.unit_id.values.tolist() == [1, 5]
    assert tree["activity/conv6"].sizes["unit"] == 3
    assert table.eligibility.sizes == {"trial": 16, "unit": 2, "synapse": 5}
    assert {"drive", "gate", "rate_mean", "rate_norm", "rate_sparsity", "rate_histogram", "basal_histogram"} <= set(
        table.data_vars
    )
    # the views that the rows had: drawn again from the seed
    run = load("run")
    batches = Batches(run.stimulus, run._opened.presentation, run.rule, run.settings.seed)
    drawn = batches.views(TRAINING, 8, 2)
    seen = batches.pairing(TRAINING, 8, 2).fixation[:4]
    second = table.where(table.step == 2, drop=True)
    for name in ("crop_top", "crop_width", "flip", "hue", "blur"):
        np.testing.assert_allclose(second[name].values[::2], drawn[name][seen].float())
    assert tree["weights/conv3"].weight.sizes["unit"] == 2
    probe = tree["probe/conv6"]
    assert probe.rate.dims == ("step", "stimulus", "unit")
    assert probe.step.values.tolist() == [0, 2]
    assert probe.label.values.tolist() == run.stimulus.test.subset(4, seed=0).labels.tolist()
    before = rates(run._opened.initial(), run.stimulus.still(run.stimulus.test.subset(4, seed=0).images))[-1]
    np.testing.assert_allclose(probe.rate[0], before.flatten(1)[:, probe.unit_id.values], rtol=1e-4, atol=1e-5)


def test_more_signals_change_nothing_of_what_is_learnt(here):
    weights = []
    for name, recording in (
        ("few", {}),
        ("many", {"variables": EVERYTHING, "probe": "3", "reductions": "[histogram]"}),
    ):
        config = settings("small.yaml", [f"recording.{key}={value}" for key, value in recording.items()])
        train(config, here / name, progress=False)
        weights.append(load(here / name).network.weights())
    assert all(np.array_equal(value, weights[1][name]) for name, value in weights[0].items())


def test_an_interrupted_run_goes_on_with_them(here):
    config = settings(
        "small.yaml",
        [f"recording.variables={EVERYTHING}", "recording.probe=3", "recording.every=1", "training.max_seconds=0.001"],
    )
    train(config, here / "run", progress=False)
    train(
        settings("small.yaml", [f"recording.variables={EVERYTHING}", "recording.probe=3", "recording.every=1"]),
        here / "run",
        resume=True,
        progress=False,
    )
    tree = recordings.open("run")
    assert tree["probe/conv2"].step.values.tolist() == [0, 1, 2, 3]
    assert tree["weights/conv2"].step.values.tolist() == [0, 1, 2, 3]
    assert tree["activity/conv2"].sizes["trial"] == 4 * 8


def test_blocks_have_a_probe(here):
    with_rule(
        here,
        "{name: blockwise-barlow, grids: [], options: {features: 8, projector: [8]}}",
        "{builder: resnet18, width: 0.0625}",
    )
    result = trained("recording.probe=3")
    assert result.exit_code == 0, result.output
    probe = recordings.open("run")["probe/block2"]
    assert list(probe.data_vars) == ["rate"]
    assert probe.sizes["stimulus"] == 3


@pytest.mark.parametrize(("changes", "words"), [
    (["recording.variables=[rates]"], ["recording.variables", "did you mean rate?"]),
    (["recording.variables=rate"], ["recording.variables", "a list"]),
    (["recording.chosen=[conv9=all]"], ["units", "'conv9'"]),
    (["recording.chosen=[conv1=some]"], ["conv1.units", "'some'"]),
    (["recording.reductions=[median]"], ["recording.reductions", "mean"]),
    (["recording.probe=3", "recording.probe_every=3"], ["recording.probe_every", "multiple of recording.every = 2"]),
], ids=str)  # fmt: skip
def test_misuse_is_one_line(here, changes, words):
    result = trained(*changes)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr
    assert not (here / "run").exists()


def test_an_engine_without_factors_has_none_to_record(here):
    with_rule(here, "{name: bp-infonce, temperature: 0.1, grids: [4, 2, 2, 2, 1, 1]}")
    result = trained("recording.variables=[rate, drive]")
    assert result.exit_code == 2
    assert (
        "recording.variables: expected no drive, which needs explicit factors, which the engine backprop has not"
        in result.stderr
    )
    assert trained("recording.variables=[rate, gate]").exit_code == 0
    assert sorted(recordings.open("run")["activity/conv4"].data_vars) == ["gate", "rate"]


def test_a_recording_that_the_disk_cannot_hold_is_refused_first(here, monkeypatch):
    monkeypatch.setattr(room.shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    result = trained()
    assert result.exit_code == 1
    assert "recording.bytes: expected at most the 950 B" in result.stderr
    assert not (here / "run" / "recording.zarr").exists()

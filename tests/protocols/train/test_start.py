"""Warm starts: which weights are taken, what is said of the others, moments, resumption, and what is refused."""

import hashlib
import json
import shutil

import apical
import pytest
import torch
from apical.models.engine import checkpoint
from apical.models.engine.checkpoint import stored_weights
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.runs.trained import open_run
from apical.protocols.train.loop import Run
from apical.protocols.verify.run import verify
from click.testing import CliRunner
from small_runs import SMALL, make_run
from tolerances import assert_exact

MLP = {
    "network__builder": "mlp", "network__hidden": [12, 8], "network__width": 1.0, "rule__grids": [],
    "stimulus__image_size": 8, "recording__units": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("start") / "source", **MLP)


def document(**changes):
    found = json.loads(json.dumps(SMALL))
    for path, value in (MLP | changes).items():
        group, name = path.split("__")
        found[group][name] = value
    return found


def train(source, out, moments=None, **changes):
    return apical.train(document(**changes), out, start=source, start_moments=moments, progress=False)


def first_weights(run):
    """Those of the checkpoint before the first step."""
    return stored_weights(run / "checkpoints" / "step-0000000000")


def test_all_weights_of_the_same_network_are_taken(source, tmp_path, capsys):
    told = train(source, tmp_path / "run", training__keep_checkpoints=1, optimiser__learning_rate=0.001)
    theirs = open_run(source).newest()
    assert_exact(first_weights(tmp_path / "run"), stored_weights(theirs))
    digest = hashlib.sha256((theirs / "weights.safetensors").read_bytes()).hexdigest()
    assert (told["start"]["sha256"], told["start"]["step"], told["start"]["random"]) == (digest, 8, [])
    recorded = apical.open(tmp_path / "run").attrs
    assert recorded["start"]["checkpoint"] == theirs.name
    assert recorded["config"]["training"]["start"] == str(source)
    newest = open_run(tmp_path / "run").newest()
    assert checkpoint.read_state(newest).origin["sha256"] == digest
    assert not torch.equal(stored_weights(newest)["dense1.weight"], stored_weights(theirs)["dense1.weight"])
    assert "begins with 6 of 6 weights of" in capsys.readouterr().err
    opened = open_run(tmp_path / "run")
    assert [path.name for path in opened.checkpoints] == ["step-0000000000", "step-0000000008"]
    assert_exact(opened.beginning().weights(), stored_weights(theirs))
    assert not torch.equal(opened.initial().weights()["dense1.weight"], opened.beginning().weights()["dense1.weight"])
    unseen = open_run(source)
    assert_exact(unseen.beginning().weights(), unseen.initial().weights())
    assert verify(tmp_path / "run")["damaged"] == 0
    assert probe(tmp_path / "run", progress=False)["step"] == 8


def test_another_rule_and_other_layers_take_what_fits(source, tmp_path, capsys):
    told = train(
        source, tmp_path / "run", rule__context="lateral", network__hidden=[12, 9], training__keep_checkpoints=9
    )["start"]
    assert told["taken"] == ["dense1.weight", "dense1.bias"]
    assert told["random"] == ["dense2.weight", "dense2.bias", "dense1.lateral.apical", "dense2.lateral.apical"]
    assert told["differs"] == {"rule.context": ["dfb", "lateral"]}
    said = capsys.readouterr().err
    assert "random stay dense2.weight, dense2.bias, dense1.lateral.apical, dense2.lateral.apical" in said
    assert "without a place here: dense1.dfb.apical, dense2.dfb.apical; rule.context: lateral, there dfb" in said
    assert torch.equal(
        first_weights(tmp_path / "run")["dense1.weight"], stored_weights(open_run(source).newest())["dense1.weight"]
    )


def test_what_a_rule_keeps_goes_along_with_the_same_rule_alone(tmp_path):
    base = MLP | {"rule__name": "fa", "rule__context": "lateral"}
    first = make_run(tmp_path / "fa", **base)
    kept = set(checkpoint.stored_buffers(open_run(first).newest()))
    assert kept
    same = train(first, tmp_path / "same", rule__name="fa", rule__context="lateral")["start"]
    assert kept <= set(same["taken"])
    other = train(first, tmp_path / "other", rule__name="dfa", rule__context="lateral")["start"]
    assert not kept & set(other["taken"])
    assert other["differs"] == {"rule.name": ["fa", "dfa"]}


def test_moments_go_on_as_if_the_run_had_never_ended(source, tmp_path):
    """A step is a function of weights, moments, their count and the batch; a resumed run counts on."""
    train(source, tmp_path / "run", moments=True, training__keep_checkpoints=9, training__checkpoint_every=3)
    zero = tmp_path / "run" / "checkpoints" / "step-0000000000"
    assert checkpoint.read_state(zero).origin["moments_step"] == 8
    theirs = open_run(source).newest()
    moments = [checkpoint._read(path / "moments.safetensors") for path in (zero, theirs)]
    assert_exact(*moments)
    cut = shutil.copytree(tmp_path / "run", tmp_path / "cut")
    shutil.rmtree(cut / "checkpoints" / "step-0000000006")
    shutil.rmtree(cut / "checkpoints" / "step-0000000008")
    apical.train(out=cut, resume=True, progress=False)
    assert_exact(stored_weights(open_run(cut).newest()), stored_weights(open_run(tmp_path / "run").newest()))


def test_a_run_killed_before_its_first_checkpoint_begins_warm_again(source, tmp_path, monkeypatch):
    train(source, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Run, "_checkpoint", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            train(source, tmp_path / "cut")
    shutil.rmtree(tmp_path / "cut" / "checkpoints", ignore_errors=True)
    apical.train(out=tmp_path / "cut", resume=True, progress=False)
    assert_exact(*(stored_weights(open_run(tmp_path / name).newest()) for name in ("cut", "whole")))


def test_a_run_that_has_begun_needs_the_other_no_longer(source, tmp_path):
    other = shutil.copytree(source, tmp_path / "other")
    train(other, tmp_path / "run", training__max_seconds=1e-9)
    shutil.rmtree(other)
    assert (
        apical.train(out=tmp_path / "run", resume=True, changes={"training.max_seconds": None}, progress=False)[
            "status"
        ]
        == "complete"
    )


@pytest.mark.parametrize(("changes", "moments", "message"), [
    ({"network__hidden": [13, 9]}, None, r"training\.start: expected a run with a population of the same name and shape, got .* with dense1\.weight \(12, 192\) there and \(13, 192\) here"),
    ({"network__builder": "vgg6", "network__hidden": [], "network__width": 0.03125, "rule__grids": [1] * 6, "stimulus__image_size": 16}, None, r"with dense1, dense2 there and conv1, conv2, conv3, conv4 here; train with the network of that run"),
    ({"optimiser__name": "sgd"}, True, r"training\.start_moments: expected a run with the optimiser sgd, got adamw"),
    ({"network__hidden": [12, 9]}, True, r"training\.start_moments: expected a run with the same weights, got another with dense1\.dfb\.apical, dense2\.bias"),
    ({"rule__context": "both"}, True, r"training\.start_moments: expected a run with the same weights, got another with dense1\.lateral\.apical"),
])  # fmt: skip
def test_what_cannot_be_taken_is_refused_and_nothing_is_left(source, tmp_path, changes, moments, message):
    with pytest.raises(ConfigError, match=message):
        train(source, tmp_path / "run", moments, **changes)
    assert not (tmp_path / "run").exists()


def test_misuse_is_told(source, tmp_path):
    with pytest.raises(ConfigError, match=r"expected the folder of a run with config\.yaml, got none"):
        train(tmp_path / "nothing", tmp_path / "run")
    with pytest.raises(ConfigError, match=r"training\.start_moments: expected false without training\.start"):
        train(None, tmp_path / "run", True)
    with pytest.raises(ConfigError, match="--from: expected none with --resume"):
        apical.train(out=source, resume=True, start=source, progress=False)


def test_the_command_takes_a_run(source, tmp_path):
    (tmp_path / "own.yaml").write_text(json.dumps(document()))
    words = [
        "train",
        str(tmp_path / "own.yaml"),
        "--out",
        str(tmp_path / "run"),
        "--quiet",
        "--json",
        "--from",
        str(source),
        "--from-moments",
    ]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout.splitlines()[-1])["start"]["moments_step"] == 8

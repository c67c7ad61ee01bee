import json

import pytest
import torch
from apical.models import CheckpointError
from apical.models.engine import Architecture, build_engine, build_network, checkpoint
from apical.plasticity import BPClappPP, ClappPP, pair

SMALL = Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(4, 2, 2, 2, 1, 1))
STATE = checkpoint.State(3, 1.5, {"metrics": 4}, "abc")


def engine_of(rule, seed=0, *, half=False, architecture=SMALL):
    return build_engine(build_network(architecture, rule, seed=seed), rule, learning_rate=1e-2, half=half)


def steps(engine, first, last):
    for i in range(first, last):
        images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(i))
        engine.step(images, pair(4))


@pytest.mark.parametrize("rule", [ClappPP(), ClappPP(context="both"), BPClappPP()], ids=["lateral", "both", "bp"])
@pytest.mark.parametrize("half", [False, True], ids=["float32", "bf16"])
def test_resumed_equals_uninterrupted_bit_for_bit(rule, half, tmp_path):
    straight, first, second = (engine_of(rule, half=half) for _ in range(3))
    steps(straight, 0, 5)
    steps(first, 0, 3)
    state = checkpoint.State(3, 1.5, {"metrics": 4}, "abc", "def", {"train": "ghi"})
    checkpoint.save(tmp_path, first, state, keep=2)
    second = engine_of(rule, seed=9, half=half)
    assert checkpoint.load(checkpoint.found(tmp_path)[-1], second) == state
    steps(second, 3, 5)
    for (name, one), two in zip(straight.network.weights().items(), second.network.weights().values(), strict=True):
        assert torch.equal(one, two), name


def test_only_the_newest_are_kept(tmp_path):
    engine = engine_of(ClappPP())
    for step in (1, 2, 10):
        checkpoint.save(tmp_path, engine, checkpoint.State(step, 0.0, {}, ""), keep=2)
    assert [checkpoint.read_state(p).step for p in checkpoint.found(tmp_path)] == [2, 10]


def test_an_unfinished_checkpoint_is_not_found(tmp_path):
    checkpoint.save(tmp_path, engine_of(ClappPP()), STATE, keep=2)
    (tmp_path / ".step-0000000009.partial").mkdir()
    assert [p.name for p in checkpoint.found(tmp_path)] == ["step-0000000003"]


def test_broken_files_are_named(tmp_path):
    engine = engine_of(ClappPP())
    path = checkpoint.save(tmp_path, engine, STATE, keep=2)
    whole = (path / "weights.safetensors").read_bytes()
    (path / "weights.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"weights.safetensors: expected the file as it was written, got another"):
        checkpoint.load(path, engine)
    (path / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"state.json: expected the state of a run"):
        checkpoint.load(path, engine)


def test_a_checkpoint_of_an_earlier_version_is_read(tmp_path):
    path = checkpoint.save(tmp_path, engine_of(ClappPP()), STATE, keep=2) / "state.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({name: document[name] for name in ("step", "seconds", "cursor", "config_sha256")}))
    assert checkpoint.read_state(path.parent) == STATE


def test_only_a_checkpoint_with_one_before_it_may_be_deleted(tmp_path):
    for step in (3, 5):
        checkpoint.save(tmp_path, engine_of(ClappPP()), checkpoint.State(step, 0.0, {}, ""), keep=2)
    older, newer = checkpoint.found(tmp_path)
    for path in (older, newer):
        (path / "state.json").write_text("[]")
    with pytest.raises(CheckpointError, match="tells what is whole; with --repair it sets this checkpoint aside"):
        checkpoint.read_state(newer)
    with pytest.raises(CheckpointError, match="there is none before it: restore the file from a copy"):
        checkpoint.read_state(older)


def test_weights_of_another_network_are_refused(tmp_path):
    path = checkpoint.save(tmp_path, engine_of(ClappPP()), STATE, keep=2)
    with pytest.raises(CheckpointError, match="expected the weights of this network"):
        checkpoint.load(path, engine_of(ClappPP(context="dfb")))
    wider = Architecture("vgg6", (3, 16, 16), 1 / 16, grids=(4, 2, 2, 2, 1, 1))
    with pytest.raises(CheckpointError, match=r"expected .* of shape"):
        checkpoint.load(path, engine_of(ClappPP(), architecture=wider))

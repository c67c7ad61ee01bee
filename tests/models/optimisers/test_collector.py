"""The collector sees exactly what AdamW would be told, and moves nothing."""

import pytest
import torch
from apical.models import CheckpointError, Collector
from apical.models.engine import Architecture, LocalEngine, build_network, checkpoint
from apical.plasticity import ClappPP, pair


def made():
    rule = ClappPP(context="both")
    network = build_network(Architecture("vgg6", (3, 32, 32), 1 / 64, grids=(8, 4, 4, 4, 2, 2)), rule, seed=0)
    return LocalEngine(network, rule, Collector())


def test_a_step_is_collected_and_leaves_the_weights_as_they_were():
    engine = made()
    before = {name: weight.clone() for name, weight in engine.network.weights().items()}
    engine.step(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)), pair(4))
    changes = engine.optimiser.changes
    assert changes.keys() == before.keys()
    assert all(changes[name].shape == weight.shape and changes[name].abs().sum() > 0 for name, weight in before.items())
    assert all(torch.equal(weight, before[name]) for name, weight in engine.network.weights().items())


def test_blocks_of_rows_make_a_whole_and_a_new_step_starts_empty():
    collector, weight = Collector(), torch.zeros(4, 3)
    collector.advance()
    change = torch.arange(12.0).view(4, 3)
    for rows in (slice(0, 3), slice(3, 4)):
        collector.apply("w", weight, change[rows], rows)
    assert torch.equal(collector.changes["w"], change)
    collector.advance()
    assert collector.changes == {}


def test_an_engine_without_state_cannot_be_checkpointed(tmp_path):
    with pytest.raises(CheckpointError, match="expected one with a state, got Collector"):
        checkpoint.save(tmp_path, made(), checkpoint.State(1, 0.0, {}, "x"), keep=1)

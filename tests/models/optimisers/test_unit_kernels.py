"""The step of SoftHebb: its size, its rest at unit length, what it leaves alone, and that a run resumes with it."""

import pytest
import torch
from apical.models import ModelError, RadiusStep
from apical.models.engine import Architecture, build_engine, build_network, checkpoint
from apical.plasticity import SoftHebb

GRIDS = (1, 1, 1)


def test_the_step_is_the_published_one():
    draws = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 3, 5, 5, generator=draws, dtype=torch.float64)
    change = 100 * torch.randn(4, 3, 5, 5, generator=draws, dtype=torch.float64)
    moved = weight.clone(memory_format=torch.channels_last)
    RadiusStep(learning_rate=0.08, exponent=0.7, factors={"conv2": 0.5}).apply("conv2.weight", moved, change)
    for k in range(4):
        rate = 0.04 * (abs(weight[k].norm() - 1) + 1e-10) ** 0.7
        torch.testing.assert_close(moved[k], weight[k] + rate * change[k] / change.abs().max())


def test_a_kernel_of_unit_length_rests():
    weight = torch.eye(3, dtype=torch.float64)
    RadiusStep(learning_rate=1.0, exponent=1.0).apply("dense1.weight", weight, torch.ones(3, 3, dtype=torch.float64))
    torch.testing.assert_close(weight, torch.eye(3, dtype=torch.float64), atol=1e-9, rtol=0)


def test_no_change_is_no_step_and_biases_stay():
    optimiser = RadiusStep(learning_rate=1.0)
    weight, bias = torch.full((2, 2), 3.0), torch.full((2,), 3.0)
    optimiser.apply("dense1.weight", weight, torch.zeros(2, 2))
    optimiser.apply("dense1.bias", bias, torch.ones(2))
    assert weight.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert bias.tolist() == [3.0, 3.0]


def test_misuse_is_refused():
    with pytest.raises(ModelError, match=r"optimiser.exponent: expected at least 0"):
        RadiusStep(learning_rate=0.1, exponent=-1.0)
    with pytest.raises(ModelError, match=r"conv1.weight.block: expected a whole change"):
        RadiusStep(learning_rate=0.1).apply("conv1.weight", torch.ones(4, 2), torch.ones(2, 2), slice(0, 2))
    with pytest.raises(ModelError, match=r"optimiser.name: expected adamw or sgd for dense1.lateral.apical"):
        RadiusStep(learning_rate=0.1).register("dense1.lateral.apical", torch.ones(2, 2))


def engine_of(seed=0):
    rule = SoftHebb(inverse_temperature=(1.0, 0.7, 0.5))
    network = build_network(Architecture("softhebb", (3, 16, 16), 1 / 24, grids=GRIDS), rule, seed=seed)
    network.to(torch.device("cpu"))
    return build_engine(network, rule, optimiser="softhebb", learning_rate=0.08, factors=(1, 0.1, 0.1))


def test_a_step_changes_kernels_and_running_statistics_and_no_bias():
    engine = engine_of()
    before = {name: weight.clone() for name, weight in (engine.network.weights() | engine.network.buffers).items()}
    losses = engine.step(torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(1)), None)
    assert torch.isfinite(losses).all()
    for name, weight in (engine.network.weights() | engine.network.buffers).items():
        assert torch.equal(weight, before[name]) == name.endswith(".bias"), name


def test_resumed_equals_uninterrupted(tmp_path):
    images = torch.randn(4, 6, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    straight, stopped, resumed = engine_of(), engine_of(), engine_of(seed=1)
    for i in range(4):
        straight.step(images[i], None)
    for i in range(2):
        stopped.step(images[i], None)
    folder = checkpoint.save(tmp_path, stopped, checkpoint.State(2, 0.0, {}, ""), keep=1)
    assert checkpoint.load(folder, resumed).step == 2
    for i in range(2, 4):
        resumed.step(images[i], None)
    for name, weight in (straight.network.weights() | straight.network.buffers).items():
        assert torch.equal(weight, (resumed.network.weights() | resumed.network.buffers)[name]), name

"""The wide networks: sizes, initial kernels, and the engine's step against autograd and against the published form."""

import math

import pytest
import torch
import torch.nn.functional as F
from apical.models import Collector, ModelError, scff, softhebb
from apical.models.engine import Architecture, LocalEngine, build_network, rates
from apical.plasticity import SCFF, RuleError, Signals, SoftHebb, pair
from tolerances import assert_changes

GRIDS = (1, 1, 1)
NARROW = 1 / 24


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def narrow(builder, rule):
    network = build_network(Architecture(builder, (3, 16, 16), NARROW, grids=GRIDS), rule, seed=0)
    return network.to(torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("build", [softhebb, scff])
def test_sizes_are_the_papers(build):
    network = build((3, 32, 32), (8, 4, 2), generator=seeded())
    assert [p.weight.shape for p in network.populations] == [(96, 3, 5, 5), (384, 96, 3, 3), (1536, 384, 3, 3)]
    assert [p.shape for p in network.populations] == [(96, 16, 16), (384, 8, 8), (1536, 4, 4)]
    assert math.prod(network.populations[-1].shape) == 24576


def test_softhebb_kernels_begin_at_the_radius_without_bias():
    network = softhebb((3, 16, 16), GRIDS, generator=seeded(), radius=7.0)
    for population in network.populations:
        assert population.weight.flatten(1).norm(dim=1).mean().item() == pytest.approx(7.0, rel=0.05)
        assert population.bias.abs().max() == 0


def test_width_scales_channels_and_nothing_else():
    network = scff((3, 16, 16), GRIDS, generator=seeded(), width=0.25)
    assert [p.shape[0] for p in network.populations] == [24, 96, 384]


def test_a_softhebb_step_is_the_published_one():
    """Every population by itself: conv of mirrored, batch-normed input, soft winners, Oja's residual."""
    rule = SoftHebb(inverse_temperature=(1.0, 0.7, 0.3))
    network, images = narrow("softhebb", rule), torch.randn(6, 3, 16, 16, generator=seeded(1), dtype=torch.float64)
    catch = Collector()
    LocalEngine(network, rule, catch).step(images, None)
    pre = images
    pools = [lambda z: F.max_pool2d(z, 4, 2, 1), lambda z: F.max_pool2d(z, 4, 2, 1), lambda z: F.avg_pool2d(z, 2)]
    powers = (0.7, 1.4, 1.0)
    for p, t, power, pool in zip(network.populations, rule.inverse_temperature, powers, pools, strict=True):
        rim = p.kernel[0] // 2
        x = F.pad(F.batch_norm(pre, None, None, training=True), (rim,) * 4, mode="reflect")
        u = F.conv2d(x, p.weight)
        shared = torch.softmax(t * u, 1)
        y = torch.where(F.one_hot(u.argmax(1), u.shape[1]).movedim(-1, 1).bool(), shared, -shared)
        hebb = F.conv2d(x.transpose(0, 1), y.transpose(0, 1)).transpose(0, 1)
        expected = hebb - (y * u).sum((0, 2, 3)).view(-1, 1, 1, 1) * p.weight
        torch.testing.assert_close(catch.changes[f"{p.name}.weight"], expected)
        pre = pool(F.relu(u - u.mean(1, keepdim=True)) ** power)


@pytest.mark.parametrize("builder", ["scff", "vgg6"])
def test_an_scff_step_equals_autograd(builder):
    rule = SCFF(penalty=0.01, rebuild=True if builder == "vgg6" else (True, False, True))
    if builder == "scff":
        network = narrow("scff", rule)
    else:
        network = build_network(Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(1,) * 6), rule, seed=0)
        network.to(torch.device("cpu"), torch.float64)
    images = torch.randn(4, 3, 16, 16, generator=seeded(1), dtype=torch.float64).repeat(2, 1, 1, 1)
    pairing, weights = pair(4, negatives="opposite"), network.weights()
    pre, losses = images, []
    for weight in weights.values():
        weight.requires_grad_(True)
    for position, p in enumerate(network.populations):
        seen = p.relay(pre.detach(), pairing, learning=True)
        activity = p.forward(seen, p.weight, p.bias, keep_potential=True)
        pre = activity.rate
        losses.append(rule.objective(Signals(pre, pairing=pairing, basal=activity.potential, position=position)))
    gradients = torch.autograd.grad(torch.stack(losses).sum(), list(weights.values()))
    for weight in weights.values():
        weight.requires_grad_(False)
    catch = Collector()
    found = LocalEngine(network, rule, catch).step(images, pairing)
    torch.testing.assert_close(found, torch.stack(losses).detach(), rtol=1e-12, atol=0)
    assert_changes(catch.changes, dict(zip(weights, gradients, strict=True)))


def test_softhebb_runs_on_the_network_of_the_other_rules():
    network = build_network(Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(1,) * 6), SoftHebb(), seed=0)
    network.to(torch.device("cpu"))
    catch = Collector()
    losses = LocalEngine(network, SoftHebb(), catch).step(torch.randn(6, 3, 16, 16, generator=seeded(1)), None)
    assert losses.shape == (6,)
    assert all(torch.isfinite(change).all() for change in catch.changes.values())
    assert [rate.shape[1] for rate in rates(network, torch.zeros(1, 3, 16, 16))] == [4, 8, 8, 16, 32, 32]


@pytest.mark.parametrize(("build", "kind", "message"), [
    (lambda: softhebb((3, 16, 16), (1, 1), generator=seeded()), ModelError, r"network.grids: expected 3 numbers, one per population, got 2"),
    (lambda: softhebb((3, 16, 16), GRIDS, generator=seeded(), radius=0), ModelError, r"network.radius: expected a finite number above 0, got 0"),
    (lambda: scff((3, 16, 16), GRIDS, generator=seeded(), width=1e-3), ModelError, r"network.width: expected at least 0.0104"),
    (lambda: scff((3, 28, 28), GRIDS, generator=seeded()), ModelError, r"conv3.inputs: expected a map that"),
    (lambda: narrow("softhebb", SoftHebb(inverse_temperature=(1.0, 2.0))), RuleError, r"SoftHebb.inverse_temperature: expected one value or 3"),
])  # fmt: skip
def test_misuse_is_refused(build, kind, message):
    with pytest.raises(kind, match=message):
        build()

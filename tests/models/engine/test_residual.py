"""Residual networks: the explicit engine equals autograd inside the block, whatever kind of block, normalisation and stop."""

import pytest
import torch
from apical.models import Collector, ModelError, Network, wire
from apical.models.engine import BackpropEngine, LocalEngine
from apical.models.networks.residual import residual
from apical.models.populations.residual import ResidualBlock
from apical.plasticity import Apical, Backprop, ClappPP, Hinge, Signals, Softplus, pair
from tolerances import assert_changes
from tolerances import assert_exact as same_bits

OBJECTS = 3
GRIDS = {"resnet18": (4, 4, 2, 2, 1, 1, 1, 1, 1), "resnet50": (4, *(2,) * 3, *(1,) * 13)}
CPU = torch.device("cpu")


def network_of(rule, kind="resnet18", **words) -> Network:
    generator = torch.Generator().manual_seed(1)
    words = {"zero_init": False, "width": 1 / 16} | words
    made = residual(kind, (3, 8, 8), GRIDS[kind], generator=generator, **words)
    return wire(made, rule.needs.sources, generator=generator).to(CPU, torch.float64)


def images_of(objects=OBJECTS, side=8):
    return torch.randn(2 * objects, 3, side, side, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def branch(block: ResidualBlock, x):
    """The branch in torch's own words: nothing of the engine's."""

    def normed(number, values):
        if f"norm{number}" not in block.norms:
            return values
        return torch.nn.functional.batch_norm(values, None, None, training=True, eps=1e-5)

    h = normed(0, x)
    for i, stride in enumerate(block.strides, start=1):
        weight = block.inner[f"conv{i}.weight"]
        h = torch.nn.functional.conv2d(h, weight, block.inner[f"conv{i}.bias"], stride, weight.shape[-1] // 2)
        h = normed(i, h).relu()
    return torch.nn.functional.conv2d(h, block.weight, block.bias, padding=block.weight.shape[-1] // 2)


def shortcut(block: ResidualBlock, x):
    weight = block.inner.get("shortcut.weight")
    return x if weight is None else torch.nn.functional.conv2d(x, weight, stride=x.shape[2] // block.shape[1])


def sweep(network, images, stop):
    """Rates of every population by autograd, stopped where the engine stops."""
    stem = network.populations[0]
    rates = [torch.nn.functional.conv2d(images, stem.weight, stem.bias, padding=1).relu()]
    for block in network.populations[1:]:
        x = rates[-1]
        over = x.detach() if stop == "both" else x
        rates.append((branch(block, x if stop == "none" else x.detach()) + shortcut(block, over)).relu())
    return rates


def gradients(network, loss):
    weights = network.weights()
    for weight in weights.values():
        weight.requires_grad_(True)
    try:
        value = loss()
        found = torch.autograd.grad(value.sum(), list(weights.values()), allow_unused=True)
    finally:
        for weight in weights.values():
            weight.requires_grad_(False)
    zero = {name: torch.zeros_like(w) if g is None else g for (name, w), g in zip(weights.items(), found, strict=True)}
    return value.detach(), zero


def local_losses(network, rule, images, pairing, stop):
    pooled = [p.pooled(r) for p, r in zip(network.populations, sweep(network, images, stop), strict=True)]
    losses = []
    for i, rate in enumerate(pooled):
        contexts = {"lateral": rate.detach(), "dfb": pooled[-1].detach()}
        apical = {s: Apical(contexts[s], contexts[s] @ network.apical[s][i].weight.T) for s in rule.needs.sources}
        losses.append(rule.objective(Signals(rate, apical, pairing)))
    return torch.stack(losses)


def assert_exact(network, rule, stop="both", times=1.0):
    images, pairing = images_of(), pair(OBJECTS, generator=torch.Generator().manual_seed(0)).to(CPU, torch.float64)
    losses, expected = gradients(network, lambda: local_losses(network, rule, images, pairing, stop))
    catch = Collector()
    found = LocalEngine(network, rule, catch).step(images, pairing)
    torch.testing.assert_close(found, losses, rtol=1e-11, atol=0)
    assert_changes(catch.changes, expected, times)
    for name, slope in expected.items():
        torch.testing.assert_close(catch.changes[name], -slope, rtol=1e-9, atol=1e-9 * float(slope.abs().max()) + 1e-14)
    assert all(float(change.abs().max()) > 0 for name, change in catch.changes.items() if not name.endswith("bias"))


@pytest.mark.parametrize("norm", ["input", "inside", "none"])
@pytest.mark.parametrize("stop", ["both", "branch"])
@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_two_convolutions(context, stop, norm):
    rule = ClappPP(context=context, contrast=Softplus())
    assert_exact(network_of(rule, norm=norm, stop=stop), rule, stop)


@pytest.mark.parametrize(("norm", "stop"), [("input", "both"), ("inside", "both"), ("inside", "branch")])
def test_bottlenecks(norm, stop):
    rule = ClappPP(context="dfb", contrast=Softplus())
    # fifty convolutions, whose batches are normalised: each divides by a deviation that carries the roundings of those before
    assert_exact(
        network_of(rule, "resnet50", norm=norm, stop=stop), rule, stop, times=10.0 if norm == "inside" else 1.0
    )


@pytest.mark.parametrize("norm", ["input", "inside"])
def test_silent_rows_are_left_out_where_no_row_needs_another(norm):
    """A hinge that closes for most rows: the gathered rows give the same changes."""
    rule = ClappPP(context="dfb", contrast=Hinge(margin=0.02))
    assert_exact(network_of(rule, norm=norm), rule)


def test_the_twin_is_the_same_network_without_a_stop():
    rule = ClappPP(context="dfb", contrast=Softplus())
    network = network_of(rule, norm="inside")
    top = Network(network.shape, network.populations, head=network.apical["dfb"][-1].weight, buffers=network.buffers)
    images, pairing = images_of(), pair(OBJECTS).to(CPU, torch.float64)
    twin = Backprop(rule)

    def loss():
        return twin.objective(top.populations[-1].pooled(sweep(top, images, "none")[-1]), top.head, pairing)[None]

    losses, expected = gradients(top, loss)
    catch = Collector()
    found = BackpropEngine(top, twin, catch).step(images, pairing)
    torch.testing.assert_close(found, losses, rtol=1e-11, atol=0)
    assert_changes(catch.changes, expected)


@pytest.mark.parametrize("context", ["lateral", "both"])
@pytest.mark.parametrize("norm", ["input", "inside"])
def test_another_sweep_changes_no_bit_and_moves_statistics_once(context, norm):
    rule, found = ClappPP(context=context, contrast=Softplus()), []
    for how in ({}, {"recompute": True}, {"recompute": True, "chunk": 2}):
        network, catch = network_of(rule, norm=norm), Collector()
        engine = LocalEngine(network, rule, catch, **how)
        engine.step(images_of(), pair(OBJECTS))
        losses = engine.step(images_of() + 1, pair(OBJECTS))
        found.append(catch.changes | {"losses": losses} | dict(network.buffers))
    plain, again, chunked = found
    same_bits(again, plain)
    for name, value in plain.items():  # the stem takes chunks
        torch.testing.assert_close(chunked[name], value, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize(("how", "name"), [({"recompute": True}, "recompute"), ({"chunk": 2}, "chunk")])
def test_where_shortcuts_conduct_all_rows_wait(how, name):
    with pytest.raises(ModelError, match=rf"engine.{name}: expected none where shortcuts conduct, .*; leave it out"):
        LocalEngine(network_of(ClappPP(), stop="branch"), ClappPP(), Collector(), **how)

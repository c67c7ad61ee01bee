"""The explicit engine equals autograd of the same objective, and never builds a graph."""

import itertools

import pytest
import torch
from apical.models import AdamW, Collector, Network, conv_network, mlp, wire
from apical.models.engine import LocalEngine, local
from apical.models.engine.awake import awake
from apical.models.populations import winograd
from apical.plasticity import Apical, ClappPP, Hinge, Linear, LogisticDifference, Signals, Softplus, pair
from apical.plasticity.products import Kernels, using
from tolerances import assert_changes

CONTRASTS = {
    "hinge": Hinge(),
    "softplus": Softplus(sharpness=2.0),
    "logistic": LogisticDifference(),
    "linear": Linear(),
}
OBJECTS = 3


def autograd(network: Network, rule: ClappPP, images, pairing):
    """Gradients of the summed local objectives, every population's input and context detached."""
    weights = network.weights()
    for weight in weights.values():
        weight.requires_grad_(True)
    pre, pooled = images, []
    for population in network.populations:
        rate = population.forward(pre.detach(), population.weight, population.bias).rate
        pooled.append(population.pooled(rate))
        pre = rate
    losses = []
    for i, rate in enumerate(pooled):
        contexts = {"lateral": rate.detach(), "dfb": pooled[-1].detach()}
        apical = {s: Apical(contexts[s], contexts[s] @ network.apical[s][i].weight.T) for s in rule.needs.sources}
        losses.append(rule.objective(Signals(rate, apical, pairing)))
    gradients = torch.autograd.grad(torch.stack(losses).sum(), list(weights.values()))
    for weight in weights.values():
        weight.requires_grad_(False)
    return torch.stack(losses).detach(), dict(zip(weights, gradients, strict=True))


def assert_autograd(network, rule, images, seed=0):
    generator = torch.Generator().manual_seed(seed)
    pairing = pair(OBJECTS, negatives=rule.needs.negatives, phases=rule.needs.phases, generator=generator)
    losses, expected = autograd(network, rule, images, pairing.to(images.device, images.dtype))
    catch = Collector()
    found = LocalEngine(network, rule, catch).step(images, pairing)
    torch.testing.assert_close(found, losses, rtol=1e-12, atol=0)
    assert_changes(catch.changes, expected)


def images_of(*shape):
    return torch.randn(2 * OBJECTS, *shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def conv(rule, grids, pools=(False, True)):
    generator = torch.Generator().manual_seed(1)
    blocks = [(5 + i, pool) for i, pool in enumerate(pools)]
    network = conv_network((3, 8, 8), blocks, grids, generator=generator)
    return wire(network, rule.needs.sources, generator=generator).to(torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_conv_populations_every_wiring_and_contrast(context, contrast):
    rule = ClappPP(context=context, contrast=CONTRASTS[contrast])
    assert_autograd(conv(rule, (4, 2)), rule, images_of(3, 8, 8))


@pytest.mark.parametrize("first", [1, 2, 4, 8])
@pytest.mark.parametrize("second", [1, 2, 4])
def test_conv_populations_every_grid(first, second):
    rule = ClappPP(context="both", contrast=Softplus())
    assert_autograd(conv(rule, (first, second)), rule, images_of(3, 8, 8))


@pytest.mark.parametrize("pools", list(itertools.product([False, True], repeat=3)), ids=str)
def test_conv_populations_with_and_without_max_pool(pools):
    rule = ClappPP(context="dfb", contrast=Softplus())
    assert_autograd(conv(rule, (1, 1, 1), pools), rule, images_of(3, 8, 8))


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("negatives", ["next", "random"])
def test_dense_populations(context, contrast, negatives):
    rule = ClappPP(context=context, contrast=CONTRASTS[contrast], negatives=negatives)
    generator = torch.Generator().manual_seed(2)
    network = wire(mlp((2, 3, 3), (11, 7), generator=generator), rule.needs.sources, generator=generator)
    assert_autograd(network.to(torch.device("cpu"), torch.float64), rule, images_of(2, 3, 3))


@pytest.mark.parametrize("phases", ["both", "either"])
def test_phases(phases):
    rule = ClappPP(contrast=Hinge(), phases=phases)
    assert_autograd(conv(rule, (4, 2)), rule, images_of(3, 8, 8), seed=4)


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_a_step_needs_no_autograd(context, monkeypatch):
    """Every weight asks for gradients, and every way into autograd raises: the step must not notice."""

    def forbidden(*_, **__):
        raise AssertionError("the explicit step used autograd")

    rule = ClappPP(context=context)
    network = conv(rule, (4, 2))
    engine = LocalEngine(network, rule, AdamW(learning_rate=1e-3))
    before = {name: weight.clone() for name, weight in network.weights().items()}
    for weight in network.weights().values():
        weight.requires_grad_(True)
    monkeypatch.setattr(torch.autograd, "grad", forbidden)
    monkeypatch.setattr(torch.autograd, "backward", forbidden)
    monkeypatch.setattr(torch.Tensor, "backward", forbidden)
    loss = engine.step(images_of(3, 8, 8), pair(OBJECTS))
    assert loss.grad_fn is None
    for name, weight in network.weights().items():
        assert weight.grad is None
        assert weight.grad_fn is None
        assert not torch.equal(weight, before[name]), f"{name} did not change"


def test_bfloat16_follows_float32():
    rule = ClappPP(context="both")
    cosines = []
    changes = []
    for half in (False, True):
        network = conv(rule, (4, 2)).to(torch.device("cpu"), torch.float32)
        catch = Collector()
        LocalEngine(network, rule, catch, half=half).step(images_of(3, 8, 8).float(), pair(OBJECTS))
        changes.append(catch.changes)
    for name, full in changes[0].items():
        if "bias" not in name:  # a sum over rows and places that nearly cancels in so small a network
            cosines.append(torch.cosine_similarity(full.flatten(), changes[1][name].flatten(), dim=0).item())
    assert min(cosines) > 0.99


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_convolutions_by_tiles_stay_exact(context, monkeypatch):
    monkeypatch.setattr(winograd, "CHANNELS", 2)
    rule, generator = ClappPP(context=context), torch.Generator().manual_seed(1)
    network = conv_network((2, 8, 8), [(4, False), (6, True), (5, True)], (4, 2, 1), generator=generator)
    wire(network, rule.needs.sources, generator=generator).to(torch.device("cpu"), torch.float64)
    pre = images_of(2, 8, 8)
    with using(Kernels(convolution="winograd")):
        assert_autograd(network, rule, pre)
        for population in network.populations:
            activity = population.forward(pre, population.weight, population.bias, plastic=True)
            assert activity.tile == 4, "the direct kernel tests nothing here"
            pre = activity.rate


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
@pytest.mark.parametrize("size", [0.1, 100.0], ids=["open", "closed"])
def test_silent_rows_are_left_out_exactly(context, size, monkeypatch):
    """Predictions 100 times as large close the hinge of every second row or so; a tenth as large close none."""
    found = []
    monkeypatch.setattr(local, "awake", lambda told: found.append(awake(told)) or found[-1])
    rule = ClappPP(context=context, phases="either" if size > 1 else "both")
    network = conv(rule, (4, 2))
    for weight in (p.weight for projections in network.apical.values() for p in projections):
        weight.mul_(size)
    assert_autograd(network, rule, images_of(3, 8, 8), seed=1)
    assert any(rows is not None for rows in found) == (size > 1)

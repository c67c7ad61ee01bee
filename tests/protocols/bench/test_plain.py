"""The autograd contestants compute the rule that the explicit engine computes, and the same one."""

import pytest
import torch
from apical.models import AdamW
from apical.models.engine import Architecture, LocalEngine, build_network
from apical.plasticity import ClappPP, pair
from apical.protocols.bench.plain import GRIDS, PlainClapp, best_step, plain_step

WIDTH, OBJECTS = 1 / 32, 3


def images():
    return torch.randn(2 * OBJECTS, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def made(context):
    """The same weights as a plain network and as an explicit one, in float64."""
    rule = ClappPP(context=context)
    network = build_network(Architecture("vgg6", (3, 32, 32), WIDTH, grids=GRIDS), rule, seed=0)
    network.to(torch.device("cpu"), torch.float64)
    plain = PlainClapp(WIDTH, context).double()
    with torch.no_grad():
        for i, population in enumerate(network.populations):
            plain.convs[i].weight.copy_(population.weight)
            plain.convs[i].bias.copy_(population.bias)
            for source in rule.needs.sources:
                getattr(plain, source)[i].weight.copy_(network.apical[source][i].weight)
    return rule, network, plain


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
@pytest.mark.parametrize("make", [plain_step, best_step])
def test_contestants_take_the_same_steps(context, make):
    rule, network, plain = made(context)
    shown = images().double()
    engine = LocalEngine(network, rule, AdamW(learning_rate=2e-4))
    step = make(plain, shown)
    for _ in range(3):
        engine.step(shown, pair(OBJECTS))
        step()
    for i, population in enumerate(network.populations):
        torch.testing.assert_close(plain.convs[i].weight, population.weight, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(plain.convs[i].bias, population.bias, rtol=1e-9, atol=1e-12)
        for source in rule.needs.sources:
            ours = network.apical[source][i].weight
            torch.testing.assert_close(getattr(plain, source)[i].weight, ours, rtol=1e-9, atol=1e-12)


def test_the_best_one_keeps_no_gradient():
    plain = PlainClapp(WIDTH, "both")
    best_step(plain, images())()
    assert all(weight.grad is None for weight in plain.parameters())


def test_half_precision_learns():
    plain = PlainClapp(WIDTH, "dfb")
    before = plain.convs[0].weight.clone()
    best_step(plain, images(), half=True)()
    assert not torch.equal(before, plain.convs[0].weight)

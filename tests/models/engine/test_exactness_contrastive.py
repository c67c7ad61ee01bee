"""LPL, CLAPP, CLAPP-s, Greedy InfoMax in the engine: changes equal autograd of every population's own objective; twins, end to end."""

import pytest
import torch
import torch.nn.functional as F
from apical.models import Collector
from apical.models.engine import Architecture, build_engine, build_network
from apical.models.engine.local import LocalEngine
from apical.plasticity import LPL, Backprop, Clapp, ClappS, GreedyInfoMax, Softplus, pair
from tolerances import assert_changes

OBJECTS = 3
VGG6 = Architecture("vgg6", (3, 16, 16), width=1 / 32, grids=(2, 1, 4, 1, 2, 1))
MLP = Architecture("mlp", (2, 4, 4), hidden=(11, 7))
VGG11 = Architecture("vgg11", (3, 32, 32), width=1 / 16, grids=(1,) * 8)
RULES = {
    "lpl": LPL(),
    "lpl stop": LPL(past="stop"),
    "lpl stale": LPL(stale=True),
    "clapp": Clapp(contrast=Softplus()),
    "clapp hinge": Clapp(),
    "clapp-s": ClappS(contrast=Softplus(), others=5),
    "gim": GreedyInfoMax(others=5),
}


def pairing_of(rule):
    return pair(
        OBJECTS, negatives=rule.needs.negatives, phases=rule.needs.phases, others=rule.needs.others,
        generator=torch.Generator().manual_seed(3),
    )  # fmt: skip


def built(rule, architecture, dtype=torch.float64):
    return build_network(architecture, rule, seed=1).to(torch.device("cpu"), dtype)


def images_of(architecture):
    g = torch.Generator().manual_seed(5)
    return torch.randn(2 * OBJECTS, *architecture.shape, generator=g, dtype=torch.float64)


def lpl_loss(rule, z, state):
    """L of LPL from its definition, covariances and all."""
    first, second = z.chunk(2)
    past = first if rule.past == "both" else first.detach()
    loss = rule.predictive * F.mse_loss(second, past)
    for view in (first, second):
        if state:
            spread = ((view - state["mean"]) ** 2 / (state["variance"] + rule.floor)).sum(0) / (len(view) - 1)
            loss = loss - rule.hebbian / 2 * spread.mean()
        else:
            loss = loss - rule.hebbian / 2 * torch.log(view.var(0) + rule.floor).mean()
        covariance = torch.cov(view.T)
        off = covariance - torch.diag(torch.diag(covariance))
        m = len(off)
        loss = loss + rule.decorrelation / 2 * (off**2).sum() / (m * m - m)
    return loss


def contrast_loss(rule, z, pairing, matrices):
    """L of the three contrastive rules from the scores of every row with every row."""
    stay, jump = pairing.fixation_weight, pairing.saccade_weight
    if isinstance(rule, Clapp):
        loss = 0
        for u in (z.detach() @ matrices["lateral"].T @ z.T, z.detach() @ matrices["retro"].T @ z.T):
            # the backwards score of row i belongs to the prediction of the row that follows it
            table = u if not loss else u.T
            one, other = (table.gather(1, i[:, None])[:, 0] for i in (pairing.fixation, pairing.saccade))
            plus, minus = rule.contrast.losses(one, other)
            loss = loss + plus @ stay + minus @ jump
        return loss
    table = z @ matrices["lateral"].T @ z.T
    one, others = table.gather(1, pairing.fixation[:, None]), table.gather(1, pairing.others)
    if isinstance(rule, GreedyInfoMax):
        return F.cross_entropy(torch.cat([one, others], 1), torch.zeros(len(z), dtype=torch.long))
    return rule.contrast.losses(one, one)[0].mean() + rule.contrast.losses(others, others)[1].mean()


def reference(network, rule, images, pairing, states, *, end_to_end=False):
    """Losses and gradients by autograd, from the definitions; isolated populations or the top's alone."""
    weights = network.weights()
    for weight in weights.values():
        weight.requires_grad_(True)
    pre, losses = images, []
    for i, population in enumerate(network.populations):
        pre = population.forward(pre if end_to_end else pre.detach(), population.weight, population.bias).rate
        z = population.pooled(pre)
        matrices = {s: p[i].weight for s, p in network.apical.items()}
        if end_to_end and network.head is not None:
            matrices = {"lateral": network.head}
        if isinstance(rule, LPL):
            losses.append(lpl_loss(rule, z, states.get(population.name)))
        elif not end_to_end or population is network.populations[-1]:
            losses.append(contrast_loss(rule, z, pairing, matrices))
    losses = torch.stack(losses[-1:] if end_to_end else losses)
    gradients = torch.autograd.grad(losses.sum(), list(weights.values()))
    for weight in weights.values():
        weight.requires_grad_(False)
    return losses.detach(), dict(zip(weights, gradients, strict=True))


def assert_autograd(found, changes, losses, gradients):
    torch.testing.assert_close(found, losses, rtol=1e-9, atol=1e-12)
    assert_changes(changes, gradients)


@pytest.mark.parametrize("architecture", [VGG6, MLP, VGG11], ids=lambda a: a.builder)
@pytest.mark.parametrize("name", RULES)
def test_changes_equal_autograd_of_isolated_populations(name, architecture):
    rule = RULES[name]
    network, images, pairing = built(rule, architecture), images_of(architecture), pairing_of(rule)
    catch = Collector()
    engine = LocalEngine(network, rule, catch)
    states = {}
    if name == "lpl stale":
        engine.step(images.flip(0) * 2, pairing)
        states = {n: {k: v.clone() for k, v in network.state(n).items()} for n in network.names}
        assert all(state["seen"] == 1 for state in states.values())
    found = engine.step(images, pairing)
    assert_autograd(found, catch.changes, *reference(network, rule, images, pairing, states))


@pytest.mark.parametrize("architecture", [VGG6, MLP], ids=lambda a: a.builder)
@pytest.mark.parametrize("name", ["lpl", "lpl stop", "clapp-s", "gim"])
def test_twins_carry_the_same_objective_through_all_populations(name, architecture):
    rule = RULES[name]
    twin = Backprop(rule)
    network, images, pairing = built(twin, architecture), images_of(architecture), pairing_of(rule)
    assert network.apical == {}
    assert (network.head is None) == (not rule.needs.sources)
    engine, catch = build_engine(network, twin, learning_rate=1e-3), Collector()
    engine.optimiser = catch
    found = engine.step(images, pairing)
    assert_autograd(found, catch.changes, *reference(network, rule, images, pairing, {}, end_to_end=True))


def test_the_twin_of_clapp_has_two_heads():
    network = built(Backprop(Clapp()), MLP)
    assert network.head.shape == (14, 7)


@pytest.mark.parametrize("name", RULES)
def test_bfloat16_follows_float32(name):
    rule, pairing, changes = RULES[name], pairing_of(RULES[name]), []
    for half in (False, True):
        network = built(rule, MLP, torch.float32)
        catch = Collector()
        LocalEngine(network, rule, catch, half=half).step(images_of(MLP).float(), pairing)
        changes.append(catch.changes)
    for weight, full in changes[0].items():
        cosine = torch.cosine_similarity(full.flatten(), changes[1][weight].flatten(), dim=0)
        assert cosine > 0.97, weight

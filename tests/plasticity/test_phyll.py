"""PhyLL: cosine goodness and its contrast, by hand and by autograd, alone and through the engine."""

import math

import pytest
import torch
from apical.models import Collector, conv_network, mlp
from apical.models.engine import Architecture, LocalEngine, build_network
from apical.plasticity import BPPhyLL, PhyLL, RuleError, Signals, pair
from tolerances import assert_changes

OBJECTS = 3
NETWORKS = {
    "dense": lambda g: mlp((2, 3, 3), (11, 7, 5), generator=g),
    "conv": lambda g: conv_network((3, 8, 8), [(5, False), (6, True), (4, True)], (2, 2, 1), generator=g),
}


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def signals(rate, rule, xi=None):
    state = {"direction": rule.start((rate.shape[1],))["direction"].to(rate) if xi is None else xi}
    return Signals(rate, pairing=pair(len(rate) // 2, negatives="opposite"), state=state)


def test_one_object_by_hand():
    """Goodness cos 0 = 1 after the positive and cos 60 = 1/2 after the negative pass."""
    rate = torch.tensor([[3.0, 0.0], [1.0, 3**0.5]], dtype=torch.float64)
    found = PhyLL(theta=2.0).factors(signals(rate, PhyLL(), torch.tensor([1.0, 0.0], dtype=torch.float64)))
    gate = 2 / (1 + math.exp(2 * 0.5))
    assert found.loss.item() == pytest.approx(math.log1p(math.exp(-1)))
    assert found.phases["basal"].gamma_fixation.tolist() == pytest.approx([gate, gate])
    assert found.phases["basal"].gamma_saccade.tolist() == pytest.approx([-gate, -gate])
    # along its own direction a cosine does not change; 60 degrees away it falls with the part across the rate
    across = torch.tensor([0.75, -(3**0.5) / 4], dtype=torch.float64) / 2
    torch.testing.assert_close(found.drive, torch.stack([torch.zeros_like(across), -gate * across]))


def test_goodness_is_free_of_scale():
    rate, rule = torch.relu(draw(6, 8)), PhyLL()
    torch.testing.assert_close(rule.goodness(signals(7 * rate, rule)), rule.goodness(signals(rate, rule)))
    assert rule.goodness(signals(rate, rule)).abs().max() <= 1


def test_silent_rows_learn_nothing():
    rate, rule = torch.relu(draw(6, 8)), PhyLL()
    rate[4] = 0
    found = rule.factors(signals(rate, rule))
    assert rule.goodness(signals(rate, rule))[4] == 0
    assert found.drive[4].abs().max() == 0
    assert found.drive[1].abs().max() > 0


@pytest.mark.parametrize("theta", [0.5, 4.0])
def test_factors_equal_autograd(theta):
    rule, rate = PhyLL(theta=theta, seed=3), torch.relu(draw(2 * OBJECTS, 8, seed=1)).requires_grad_()
    loss = rule.objective(signals(rate, rule))
    (gradient,) = torch.autograd.grad(loss, rate)
    with torch.no_grad():
        found = rule.factors(signals(rate, rule))
    torch.testing.assert_close(found.loss, loss.detach(), rtol=1e-12, atol=0)
    assert (found.drive + gradient).norm() <= 1e-9 * gradient.norm()


def test_silence_has_a_finite_gradient():
    rate = torch.zeros(4, 5, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(PhyLL().objective(signals(rate, PhyLL())), rate)
    assert gradient.abs().max() == 0


def autograd(network, rule, images, pairing):
    weights, losses, pre = network.weights(), [], images
    for weight in weights.values():
        weight.requires_grad_(True)
    for population in network.populations:
        rate = population.forward(pre.detach(), population.weight, population.bias).rate
        state = network.state(population.name)
        losses.append(rule.objective(Signals(population.pooled(rate), pairing=pairing, state=state)))
        pre = rate
    gradients = torch.autograd.grad(torch.stack(losses).sum(), list(weights.values()))
    for weight in weights.values():
        weight.requires_grad_(False)
    return torch.stack(losses).detach(), dict(zip(weights, gradients, strict=True))


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_step_of_the_engine_equals_autograd(kind):
    rule = PhyLL()
    network = NETWORKS[kind](torch.Generator().manual_seed(2))
    for population in network.populations:
        network.buffers |= {f"{population.name}.{n}": b for n, b in rule.start((population.units,)).items()}
    network.to(torch.device("cpu"), torch.float64)
    images, pairing = draw(2 * OBJECTS, *network.shape, seed=5), pair(OBJECTS, negatives="opposite")
    losses, expected = autograd(network, rule, images, pairing)
    catch = Collector()
    found = LocalEngine(network, rule, catch).step(images, pairing)
    torch.testing.assert_close(found, losses, rtol=1e-12, atol=0)
    assert_changes(catch.changes, expected)


def test_directions_belong_to_the_network():
    architecture = Architecture("mlp", (1, 4, 4), hidden=(9, 5))
    first = build_network(architecture, PhyLL(seed=1), seed=0, classes=3).buffers
    assert first["dense1.direction"].shape == (9,)
    assert first["dense1.direction"].norm().item() == pytest.approx(1)
    again = build_network(architecture, PhyLL(seed=1), seed=7, classes=3).buffers
    assert torch.equal(first["dense2.direction"], again["dense2.direction"])
    other = build_network(architecture, PhyLL(seed=2), seed=0, classes=3).buffers
    assert not torch.equal(first["dense2.direction"], other["dense2.direction"])


def test_every_population_has_a_direction_of_its_own():
    architecture = Architecture("mlp", (1, 4, 4), hidden=(9, 9, 9))
    told = [build_network(architecture, PhyLL(seed=s), seed=0, classes=3).buffers for s in (0, 1)]
    drawn = [buffers[f"dense{i}.direction"] for buffers in told for i in (1, 2, 3)]
    cosines = torch.stack(drawn) @ torch.stack(drawn).T
    assert (cosines - torch.eye(6)).max() < 0.95
    assert torch.equal(drawn[0], PhyLL().start((9,))["direction"])


def test_backprop_twin_has_the_objective_of_a_top_population():
    rate, rule = torch.relu(draw(2 * OBJECTS, 7)), PhyLL(theta=2.0, seed=5)
    pairing = pair(OBJECTS, negatives="opposite")
    found = BPPhyLL(theta=2.0, seed=5).objective(rate, None, pairing)
    torch.testing.assert_close(found, rule.objective(signals(rate, rule)))


def test_labels_are_needed_by_overlays_alone():
    assert PhyLL().needs.supervised
    assert BPPhyLL().needs.supervised
    assert not PhyLL(presentation="hybrids").needs.supervised
    assert not BPPhyLL(presentation="hybrids").needs.supervised


@pytest.mark.parametrize(("build", "message"), [
    (lambda: PhyLL(presentation="images"), r"PhyLL.presentation: expected one of overlay, hybrids, got 'images'"),
    (lambda: PhyLL(theta=0), r"PhyLL.theta: expected a finite number above 0, got 0"),
    (lambda: PhyLL(seed=-1), r"PhyLL.seed: expected an integer from 0"),
    (lambda: BPPhyLL(seed=0.5), r"BPPhyLL.seed: expected an integer from 0"),
    (lambda: PhyLL().goodness(Signals(draw(2, 2))), r"PhyLL.state: expected direction"),
    (lambda: BPPhyLL().objective(draw(2, 2), None, None), r"BPPhyLL.pairing: expected a pairing"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()

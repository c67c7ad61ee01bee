"""Forward-Forward: goodness, phases and peers, by hand and by autograd, alone and through the engine."""

import math

import pytest
import torch
from apical.models import RELAYS, Collector, conv_network, mlp
from apical.models.engine import Architecture, LocalEngine, build_network
from apical.plasticity import BPForwardForward, ForwardForward, RuleError, Signals, pair
from tolerances import assert_changes

OBJECTS = 3
RULES = {
    "bare": ForwardForward(peer=0.0),
    "peer": ForwardForward(peer=0.7),
    "low": ForwardForward(threshold=0.05, peer=0.1, presentation="hybrids"),
}
NETWORKS = {
    "dense": lambda g: mlp((2, 3, 3), (11, 7, 5), generator=g),
    "conv": lambda g: conv_network((3, 8, 8), [(5, False), (6, True), (4, True)], (1, 2, 1), generator=g),
}


def paired(objects=OBJECTS):
    return pair(objects, negatives="opposite")


def signals(basal, rule, pairing=None):
    state = {name: value.to(basal) for name, value in rule.start(tuple(basal.shape[1:])).items()}
    return Signals(basal.flatten(1), basal=basal, pairing=pairing or paired(len(basal) // 2), state=state)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_two_dense_neurons_by_hand():
    """h = (2, 0) and (1, 1), D theta = 2: scores 4 - 2 and 2 - 2."""
    rule = ForwardForward(peer=0.0)
    found = rule.factors(signals(torch.tensor([[2.0, -3.0], [1.0, 1.0]], dtype=torch.float64), rule))
    up, down = 1 / (1 + math.exp(2)), 0.5
    assert found.loss.item() == pytest.approx((math.log1p(math.exp(-2)) + math.log(2)) / 2)
    expected = torch.tensor([[up * 2 * 2, 0], [-down * 2, -down * 2]], dtype=torch.float64) / 2
    torch.testing.assert_close(found.drive, expected)
    phase = found.phases["basal"]
    assert phase.score_fixation.tolist() == [2, 2]
    assert phase.score_saccade.tolist() == [0, 0]
    assert phase.gamma_fixation.tolist() == pytest.approx([up, up])
    assert phase.gamma_saccade.tolist() == pytest.approx([-down, -down])


def test_a_map_counts_as_its_channels():
    """The same rates at every place have the goodness of one place."""
    basal = draw(4, 6)
    rule = ForwardForward()
    spread = basal[:, :, None, None].expand(4, 6, 3, 2)
    torch.testing.assert_close(rule.goodness(signals(spread, rule)), rule.goodness(signals(basal, rule)))
    one, many = rule.factors(signals(basal, rule)), rule.factors(signals(spread, rule))
    torch.testing.assert_close(many.loss, one.loss)
    torch.testing.assert_close(many.drive.sum((2, 3)), one.drive)
    torch.testing.assert_close(many.state["mean_rate"], one.state["mean_rate"])


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shape", [(9,), (5, 4, 2)], ids=["dense", "conv"])
def test_factors_equal_autograd(name, shape):
    rule, basal = RULES[name], draw(2 * OBJECTS, *shape, seed=1).requires_grad_()
    loss = rule.objective(signals(basal, rule))
    (gradient,) = torch.autograd.grad(loss, basal)
    with torch.no_grad():
        found = rule.factors(signals(basal, rule))
    torch.testing.assert_close(found.loss, loss.detach(), rtol=1e-12, atol=0)
    assert (found.drive + gradient).norm() <= 1e-9 * gradient.norm()


def test_peers_wake_silent_neurons_and_calm_loud_ones():
    basal = torch.full((2, 3), -1.0, dtype=torch.float64)
    basal[:, 2] = 1.0
    quiet = ForwardForward(peer=0.0).factors(signals(basal, ForwardForward(peer=0.0)))
    rule = ForwardForward(peer=0.5)
    drive = rule.factors(signals(basal, rule)).drive - quiet.drive
    assert (drive[0, :2] > 0).all()
    assert drive[0, 2] < 0
    assert drive[1].abs().max() == 0, "negative rows do not count"


def test_mean_rates_run_on_positive_rows_alone():
    rule, basal = ForwardForward(), draw(4, 5)
    state = rule.factors(signals(basal, rule)).state["mean_rate"]
    torch.testing.assert_close(state, 0.9 * 0.5 + 0.1 * torch.relu(basal[:2]).mean(0))


def autograd(network, rule, images, pairing):
    """Gradients of the summed local objectives, every population's input detached."""
    weights, losses, pre = network.weights(), [], images
    for weight in weights.values():
        weight.requires_grad_(True)
    for population in network.populations:
        seen = population.relay(pre, pairing, learning=False).detach()
        activity = population.forward(seen, population.weight, population.bias, keep_potential=True)
        state = network.state(population.name)
        losses.append(rule.objective(Signals(activity.rate, basal=activity.potential, pairing=pairing, state=state)))
        pre = activity.rate
    gradients = torch.autograd.grad(torch.stack(losses).sum(), list(weights.values()))
    for weight in weights.values():
        weight.requires_grad_(False)
    return torch.stack(losses).detach(), dict(zip(weights, gradients, strict=True))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_step_of_the_engine_equals_autograd(kind, name):
    rule = RULES[name]
    network = NETWORKS[kind](torch.Generator().manual_seed(2))
    for population in network.populations:
        population.relay = RELAYS["unit"](0, population.shape)
        network.buffers |= {f"{population.name}.{n}": b for n, b in rule.start(population.neurons).items()}
    network.to(torch.device("cpu"), torch.float64)
    images, pairing = draw(2 * OBJECTS, *network.shape, seed=5), paired()
    losses, expected = autograd(network, rule, images, pairing)
    catch = Collector()
    found = LocalEngine(network, rule, catch).step(images, pairing)
    torch.testing.assert_close(found, losses, rtol=1e-12, atol=0)
    assert_changes(catch.changes, expected)


def test_networks_get_relay_and_state():
    architecture = Architecture("vgg6", (1, 16, 16), 0.03125, (), (1,) * 6)
    network = build_network(architecture, ForwardForward(), seed=0, classes=10)
    assert all(population.relay is not None for population in network.populations)
    assert network.buffers["conv2.mean_rate"].shape == (8,)
    assert build_network(architecture, ForwardForward(peer=0.0), seed=0, classes=10).buffers == {}


def test_backprop_twin_has_the_objective_of_a_top_population():
    rate = torch.relu(draw(2 * OBJECTS, 7))
    local = ForwardForward(peer=0.0, threshold=0.4).objective(signals(rate, ForwardForward(peer=0.0)))
    torch.testing.assert_close(BPForwardForward(threshold=0.4).objective(rate, None, paired()), local)


def test_labels_are_needed_by_overlays_alone():
    assert ForwardForward().needs.supervised
    assert BPForwardForward().needs.supervised
    assert not ForwardForward(presentation="hybrids").needs.supervised
    assert not BPForwardForward(presentation="hybrids").needs.supervised


@pytest.mark.parametrize(("build", "message"), [
    (lambda: ForwardForward(presentation="glances"), r"ForwardForward.presentation: expected one of overlay, hybrids"),
    (lambda: ForwardForward(threshold=0), r"ForwardForward.threshold: expected a finite number above 0, got 0"),
    (lambda: ForwardForward(peer=-1), r"ForwardForward.peer: expected a finite number from 0, got -1"),
    (lambda: BPForwardForward(threshold=math.inf), r"BPForwardForward.threshold: expected a finite number"),
    (lambda: ForwardForward().factors(Signals(draw(2, 2))), r"ForwardForward.basal: expected the potential"),
    (lambda: ForwardForward().factors(Signals(draw(2, 2), basal=draw(2, 2))), r"ForwardForward.pairing: expected"),
    (lambda: ForwardForward().factors(Signals(draw(2, 2), basal=draw(2, 2), pairing=paired(1))), r"ForwardForward.state"),
    (lambda: BPForwardForward().objective(draw(2, 2), None, None), r"BPForwardForward.pairing: expected a pairing"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()

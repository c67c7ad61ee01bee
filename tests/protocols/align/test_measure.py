"""The two changes that are compared, against autograd written out here and against the theory."""

import pytest
import torch
from apical.models import IDENTITY, mlp, wire
from apical.plasticity import Apical, Backprop, ClappPP, Hinge, Linear, LogisticDifference, Signals, Softplus, pair
from apical.protocols.align.gates import GateWatch
from apical.protocols.align.measure import backprop_change, compare, local_change, measure
from apical.protocols.align.top_objective import top_network
from apical.protocols.runs.batches import Batch
from tiny_networks import batches, tiny

CONTEXTS = ("lateral", "dfb", "both")
CONTRASTS = (Hinge(), Softplus(), LogisticDifference(), Linear())


def rates(network, images):
    pre, found = images, []
    for population in network.populations:
        pre = population.forward(pre, population.weight, population.bias).rate
        found.append(pre)
    return found


def objective(network, rule, position, batch, *, detached):
    """Objective of one population; with `detached` only its own W is in the graph."""
    pairing, pre, pooled = batch.pairing.to(torch.device("cpu"), torch.float64), batch.images, []
    for population in network.populations:
        pre = population.forward(pre.detach() if detached else pre, population.weight, population.bias).rate
        pooled.append(population.pooled(pre))
    apical = {}
    for source in rule.needs.sources:
        context = pooled[-1 if source == "dfb" else position].detach()
        apical[source] = Apical(context, context @ network.apical[source][position].weight.T)
    return rule.objective(Signals(pooled[position], apical, pairing))


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("contrast", CONTRASTS, ids=lambda c: type(c).__name__)
def test_at_the_top_the_two_changes_are_equal(context, contrast):
    rule = ClappPP(context=context, contrast=contrast)
    found = measure(tiny(rule), rule, batches(2))
    for cosine, ratio in zip(found.cosine, found.norm_ratio, strict=True):
        assert cosine[-1] == pytest.approx(1, abs=1e-10)
        assert ratio[-1] == pytest.approx(1, abs=1e-10)
        assert all(abs(value) < 0.9 for value in cosine[:-1])


@pytest.mark.parametrize("context", CONTEXTS)
def test_both_changes_are_what_autograd_says(context):
    rule, (batch,) = ClappPP(context=context), batches(1)
    network = tiny(rule)
    local, _ = local_change(network, rule, batch)
    backprop = backprop_change(network, rule, batch)
    for i, name in enumerate(network.names):
        for changes, position, detached in ((local, i, True), (backprop, -1, False)):
            weight = network.populations[i].weight
            weight.requires_grad_()
            loss = objective(network, rule, position, batch, detached=detached)
            (expected,) = torch.autograd.grad(loss, [weight])
            weight.requires_grad_(False)
            assert expected.abs().max() > 0
            torch.testing.assert_close(changes[f"{name}.weight"], -expected, rtol=1e-9, atol=1e-14)


def test_one_head_with_the_sum_of_both_b_is_another_objective():
    rule, (batch,) = ClappPP(context="both"), batches(1)
    network = tiny(rule)
    for source in rule.needs.sources:  # scores far enough apart for the gates to differ
        network.apical[source][-1].weight *= 40 if source == "dfb" else -25
    pairing = batch.pairing.to(torch.device("cpu"), torch.float64)
    rate, head = network.populations[-1].pooled(rates(network, batch.images)[-1]), top_network(network, rule).head
    both = Backprop(rule).objective(rate, head, pairing)
    summed = Backprop(ClappPP(context="lateral")).objective(rate, sum(head.chunk(2)), pairing)
    assert both == pytest.approx(float(objective(network, rule, -1, batch, detached=True)), rel=1e-12)
    assert abs(float(both - summed)) > 0.1


def test_no_weight_moves():
    rule = ClappPP(context="both")
    network = tiny(rule)
    before = {name: weight.clone() for name, weight in network.weights().items()}
    measure(network, rule, batches(2))
    assert all(torch.equal(weight, before[name]) for name, weight in network.weights().items())
    assert not any(weight.requires_grad for weight in network.weights().values())


def deep_linear(orthogonal: bool) -> tuple:
    """A deep linear network whose B are at the optimum of the linear contrast with a Frobenius penalty: B* = M / penalty."""
    rule, generator = ClappPP(contrast=Linear()), torch.Generator().manual_seed(3)
    network = wire(
        mlp((1, 4, 4), (16, 16, 16, 16), generator=generator, transfer=IDENTITY),
        rule.needs.sources,
        generator=generator,
    ).to(torch.device("cpu"), torch.float64)
    for population in network.populations:
        population.bias.zero_()
        drawn = torch.randn(16, 16, generator=generator, dtype=torch.float64)
        population.weight = torch.linalg.qr(drawn)[0] if orthogonal else drawn / 4
    (batch,) = batches(1, objects=24, shape=(1, 4, 4))
    pairing, seen = batch.pairing.to(torch.device("cpu"), torch.float64), rates(network, batch.images)
    for projection, rate in zip(network.apical["lateral"], seen, strict=True):
        stay, jump = rate[pairing.fixation], rate[pairing.saccade]
        projection.weight = (stay - jump).T @ rate / len(rate) / 0.1
    return network, rule, batch


def test_theorem_local_equals_backprop_when_w_is_orthonormal():
    network, rule, batch = deep_linear(orthogonal=True)
    found = measure(network, rule, [batch])
    assert found.cosine[0] == pytest.approx([1] * 4, abs=1e-12)
    assert found.norm_ratio[0] == pytest.approx([1] * 4, abs=1e-12)


def test_without_orthonormal_w_it_does_not():
    network, rule, batch = deep_linear(orthogonal=False)
    assert max(measure(network, rule, [batch]).cosine[0][:-1]) < 0.95


def test_change_of_other_pairs_is_not_aligned():
    """The same images with the rows dealt out anew: what is left of the cosine is chance."""
    rule, (batch,) = ClappPP(context="dfb"), batches(1, objects=64)
    network = tiny(rule)
    order = torch.randperm(128, generator=torch.Generator().manual_seed(0))
    local, _ = local_change(network, rule, batch)
    other = backprop_change(network, rule, Batch(batch.images[order], pair(64)))
    assert abs(compare(local["conv6.weight"], other["conv6.weight"])[0]) < 0.5
    flat = other["conv6.weight"].flatten()
    shuffled = flat[torch.randperm(len(flat), generator=torch.Generator().manual_seed(1))]
    assert abs(compare(local["conv6.weight"].flatten(), shuffled)[0]) < 0.1


def test_own_gates_held_change_nothing_but_the_loss():
    rule, seen = ClappPP(context="both"), batches(2)
    network = tiny(rule)
    own = measure(network, rule, seen)
    held = measure(network, rule, seen, own.gates)
    assert held.cosine == own.cosine
    assert held.norm_ratio == own.norm_ratio
    assert all(value == value for row in own.loss for value in row)
    assert all(value != value for row in held.loss for value in row)


def test_gates_of_another_b_change_the_measurement():
    rule, seen = ClappPP(context="lateral"), batches(1, objects=32)
    network = tiny(rule)
    own = measure(network, rule, seen)
    for projection in network.apical["lateral"]:
        projection.weight *= 30
    assert measure(network, rule, seen, own.gates).cosine[0][:-1] != pytest.approx(
        measure(network, rule, seen).cosine[0][:-1], abs=1e-3
    )


@pytest.mark.parametrize("context", CONTEXTS)
def test_gated_contexts_are_what_b_turns_into_the_drive(context):
    rule, (batch,) = ClappPP(context=context), batches(1)
    network = tiny(rule)

    class Drives(GateWatch):
        def local(self, population, activity, signals, factors, squares):
            super().local(population, activity, signals, factors, squares)
            drives.append(factors.drive.clone())

    drives: list = []
    watch = Drives(rule)
    local_change(network, rule, batch, watch)
    for i, (drive, gated) in enumerate(zip(drives, watch.gated, strict=True)):
        apical = torch.cat([network.apical[source][i].weight for source in rule.needs.sources], 1)
        torch.testing.assert_close(gated @ apical.T, drive, rtol=1e-10, atol=1e-14)


def test_a_change_of_zero_has_no_direction():
    rule = ClappPP(context="lateral")
    network = tiny(rule)
    network.apical["lateral"][0].weight.zero_()
    network.apical["lateral"][-1].weight.zero_()
    found = measure(network, rule, batches(1))
    assert all(value != value for value in found.cosine[0])
    assert all(value != value for value in found.norm_ratio[0])


@pytest.mark.parametrize("factor", [2.0, 0.25])
def test_a_multiple_has_cosine_1_and_the_ratio_of_its_factor(factor):
    change = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    assert compare(factor * change, change) == pytest.approx((1, factor), rel=1e-6)
    assert compare(-change, change) == pytest.approx((-1, 1), rel=1e-6)

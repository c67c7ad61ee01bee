"""Fits of B: the least-squares problem by itself, and what a fit does to a network."""

from dataclasses import replace

import pytest
import torch
from apical.models import IDENTITY, conv_network, wire
from apical.models.populations.transfer import ABSOLUTE, GELU, RELU, triangle
from apical.plasticity import Backprop, ClappPP, Linear, Softplus
from apical.protocols.align.fit import check_slopes, collect, fit_to_backprop, fit_to_objective, targets
from apical.protocols.align.gates import HeldGates
from apical.protocols.align.least_squares import Rows, scaled, solve
from apical.protocols.align.measure import backprop_change, local_change, measure
from apical.protocols.align.mixture import apical_weights, blend
from apical.protocols.align.top_objective import top_network
from apical.protocols.errors import ConfigError
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_networks import batches, tiny

CONTEXTS = ("lateral", "dfb", "both")


def problem(seed: int, rows: int = 40, inputs: int = 5, units: int = 3) -> tuple[torch.Tensor, Rows]:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    weight = torch.rand(rows, units, generator=generator, dtype=torch.float64).round(decimals=1)
    return normal(units, inputs), Rows(normal(rows, inputs), weight, weight * normal(rows, units))


def error(rows: Rows, apical: torch.Tensor) -> float:
    """The weighted sum of squares, written out."""
    wanted = torch.where(rows.weight > 0, rows.target / rows.weight, 0)
    return float((rows.weight * (wanted - rows.gated @ apical.T) ** 2).sum())


def test_run_to_its_end_it_is_the_weighted_least_squares_solution():
    start, rows = problem(0)
    found, iterations = solve(start, rows, rows)
    assert iterations >= 5
    for u in range(3):
        root = rows.weight[:, u].sqrt()
        wanted = torch.where(root > 0, rows.target[:, u] / root, 0)
        exact = torch.linalg.lstsq(root[:, None] * rows.gated, wanted[:, None]).solution[:, 0]
        torch.testing.assert_close(found[u], exact, rtol=1e-8, atol=1e-10)


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 40), iterations=st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_the_error_on_the_rows_seen_never_rises(seed, rows, iterations):
    start, seen = problem(seed, rows)
    _, unseen = problem(seed + 1, rows)
    for stop in (seen, unseen):
        found, _ = solve(start, seen, stop, iterations=iterations)
        assert error(seen, found) <= error(seen, scaled(start, seen)) * (1 + 1e-9)
        assert error(stop, found) <= error(stop, scaled(start, seen)) * (1 + 1e-9)
    assert error(seen, scaled(start, seen)) <= error(seen, start) * (1 + 1e-9)


def test_rows_that_say_nothing_leave_b_alone():
    start, rows = problem(0)
    silent = Rows(torch.zeros_like(rows.gated), rows.weight, rows.target)
    assert torch.equal(solve(start, silent, silent)[0], start)


def difference_of_factors(network, rule, batch, i, drive) -> float:
    """Squared difference at the basal potentials of population i; the backpropagated factor by autograd through them."""
    pre, potentials = batch.images, []
    for population in network.populations:
        convolved = torch.nn.functional.conv2d(pre, population.weight, population.bias, padding=1)
        potentials.append(convolved.requires_grad_() if not potentials else convolved)
        pre = torch.relu(torch.nn.functional.max_pool2d(convolved, 2) if population.pool else convolved)
    pairing, top = batch.pairing.to(torch.device("cpu"), torch.float64), network.populations[-1].pooled(pre)
    loss = Backprop(rule).objective(top, top_network(network, rule).head, pairing)
    (gradient,) = torch.autograd.grad(loss, [potentials[i]])
    pre = batch.images
    for population in network.populations[: i + 1]:
        activity = population.forward(pre, population.weight, population.bias)
        pre = activity.rate
    local = network.populations[i].factor(drive, activity)
    return float((local + gradient).square().sum())


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("i", [0, 1, 4], ids=["block 4", "block 4 and max-pool", "block 2 and max-pool"])
def test_what_is_minimised_is_the_squared_difference_of_the_factors(context, i):
    """Up to a part that no B can change: over places, blocks and winners of the max-pool."""
    rule, (batch,) = ClappPP(context=context, contrast=Softplus()), batches(1)
    network = tiny(rule)
    rows, size = collect(network, rule, [batch])[i], network.populations[i].block[0] ** 2
    drawn = [problem(seed, inputs=rows.gated.shape[1], units=rows.weight.shape[1])[0] * 1e-3 for seed in (0, 1)]
    drives = [rows.gated @ apical.T for apical in drawn]
    first, second = (difference_of_factors(network, rule, batch, i, drive) for drive in drives)
    assert (rows.excess(drives[0]) - rows.excess(drives[1])) / size == pytest.approx(first - second, rel=1e-7)


def stacked_cosines(network, rule, shown, gates) -> torch.Tensor:
    """Cosine of all batches together, each in units of the norm of its gradient, per population."""
    dots = torch.zeros(3, len(network.names), dtype=torch.float64)
    for batch, held in zip(shown, gates, strict=True):
        local, _ = local_change(network, replace(rule, contrast=HeldGates(held)), batch)
        gradient = backprop_change(network, rule, batch)
        for i, name in enumerate(network.names):
            one, two = local[f"{name}.weight"].flatten(), gradient[f"{name}.weight"].flatten()
            dots[:, i] += torch.stack([one @ two, one @ one, two @ two]) / (two @ two)
    return dots[0] / (dots[1] * dots[2]).sqrt()


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("seed", range(3))
def test_a_fit_to_backprop_never_lowers_the_cosine_it_was_fitted_for(context, seed):
    rule, seen = ClappPP(context=context), batches(8, seed=seed)
    network = tiny(rule, seed)
    weights = {name: weight.clone() for name, weight in network.weights().items()}
    last = seen[4:]  # the half that decides
    gates = measure(network, rule, last).gates
    before = stacked_cosines(network, rule, last, gates)
    fit_to_backprop(network, rule, seen, count=8)
    after = stacked_cosines(network, rule, last, gates)
    assert (after >= before.abs() - 1e-9).all()
    assert (after - before).max() > 0.1
    moved = {name for name, weight in network.weights().items() if not torch.equal(weight, weights[name])}
    assert moved == {f"{name}.{source}.apical" for name in network.names[:-1] for source in rule.needs.sources}


def test_parallel_and_empty_changes_are_blended_too():
    rule, shown = ClappPP(context="lateral"), batches(2)
    network = tiny(rule)
    own = apical_weights(network, rule)
    alone = blend(network, rule, shown, own, [torch.zeros_like(apical) for apical in own])
    twice = blend(network, rule, shown, own, [2 * apical for apical in own])
    for (x, y), (x_twice, y_twice) in zip(alone, twice, strict=True):
        assert y == 0
        assert x != 0
        assert x_twice + 2 * y_twice == pytest.approx(x, rel=1e-6)
    assert all(torch.equal(one, two) for one, two in zip(own, apical_weights(network, rule), strict=True))


def test_where_feedback_can_carry_the_gradient_the_fit_finds_it_on_other_batches_too():
    """Linear populations of one place per block, open gates: the backpropagated error is linear in the gated context."""
    rule, generator = ClappPP(context="dfb", contrast=Linear()), torch.Generator().manual_seed(0)
    blocks = [(3, False), (4, False), (4, False)]
    network = conv_network((2, 4, 4), blocks, (4, 4, 4), generator=generator, transfer=IDENTITY)
    wire(network, rule.needs.sources, generator=generator).to(torch.device("cpu"), torch.float64)
    shown = batches(12, objects=16, shape=(2, 4, 4))
    own = measure(network, rule, shown[:2])
    assert max(abs(value) for value in own.cosine[0][:-1]) < 0.7
    fit_to_backprop(network, rule, shown[2:], count=10)
    found = measure(network, rule, shown[:2], own.gates)
    for cosine, ratio in zip(found.cosine, found.norm_ratio, strict=True):
        assert cosine == pytest.approx([1] * 3, abs=1e-6)
        assert ratio == pytest.approx([1] * 3, abs=1e-3)


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_fit_to_the_objective_moves_b_alone_and_lowers_the_objective(context):
    rule, seen = ClappPP(context=context, contrast=Softplus()), batches(2)
    network = tiny(rule)
    before, weights = measure(network, rule, seen).loss, {n: w.clone() for n, w in network.weights().items()}
    fit_to_objective(network, rule, seen * 20, steps=40, learning_rate=0.01, weight_decay=0.01)
    lowered = torch.tensor(before).mean(0) - torch.tensor(measure(network, rule, seen).loss).mean(0)
    assert (lowered > 0).all()
    assert lowered[0] > 1e-4
    moved = {name for name, weight in network.weights().items() if not torch.equal(weight, weights[name])}
    assert moved == {name for name in weights if name.endswith(".apical")}


def test_targets_leave_no_trace_of_autograd():
    rule, (batch,) = ClappPP(context="dfb"), batches(1)
    network = tiny(rule)
    found = targets(network, rule, batch)
    assert len(found) == 5
    assert not any(tensor.requires_grad for pair_ in found for tensor in pair_)
    assert local_change(network, rule, batch)[0].keys() == {f"{name}.weight" for name in network.names}


@pytest.mark.parametrize("transfer", [GELU, ABSOLUTE, triangle(0.7)], ids=lambda t: t.name)
def test_slopes_that_pooled_rates_do_not_tell_are_refused(transfer):
    def network(rho):
        return conv_network((3, 8, 8), [(4, True)], (2,), generator=torch.Generator().manual_seed(0), transfer=rho)

    check_slopes(network(RELU))
    with pytest.raises(
        ConfigError, match=r"align\.fit_b: expected none or objective, as rates of conv1 do not tell the slope of"
    ):
        check_slopes(network(transfer))

"""Proposition 3.5: the B exists with full spatial dependency, is found, and does not exist without."""

import pytest
import torch
from apical.models import RELU, Collector
from apical.models.engine import LocalEngine
from apical.plasticity import ClappPP, Linear, Softplus
from apical.protocols.theory import proposition_3_5 as proposition
from apical.protocols.theory.changes import backprop_changes, gap, local_changes
from apical.protocols.theory.networks import SOURCES, convolutional, glances
from apical.protocols.theory.optimum import settle
from apical.protocols.theory.theorem_3_1 import CONTRASTS

SIDE, DEPTH = 4, 3


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"SIDE": SIDE, "DEPTH": DEPTH, "BLOCKS": (1, 2, 4), "OBJECTS": 64}.items():
        monkeypatch.setattr(proposition, name, value)


def made(contrast, seed=0, grid=SIDE, **transfer):
    draws = torch.Generator().manual_seed(seed)
    network = convolutional(SIDE, proposition.kernels(draws), [grid] * DEPTH, **transfer)
    batch = glances(network.shape, 16, draws, coloured=True)
    settle(network, contrast, batch)
    return network, batch


def worst(network, contrast, batch, source):
    reference = backprop_changes(network, contrast, batch)
    return max(gap(local_changes(network, contrast, batch, source), reference, [name]) for name in network.names)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_constructed_weights_give_the_gradient_on_any_batch(contrast):
    network, batch = made(CONTRASTS[contrast])
    assert min(worst(network, CONTRASTS[contrast], batch, s) for s in SOURCES) > 0.1  # the optimum of B is not it
    proposition.construct(network)
    fresh = glances(network.shape, 16, torch.Generator().manual_seed(9), coloured=False)
    for source in SOURCES:
        assert worst(network, CONTRASTS[contrast], batch, source) < 1e-12
        assert worst(network, CONTRASTS[contrast], fresh, source) < 1e-12


def test_any_other_weights_do_not():
    network, batch = made(Softplus())
    proposition.construct(network)
    for source in SOURCES:
        weight = network.apical[source][0].weight
        weight += 0.1 * weight.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
        assert worst(network, Softplus(), batch, source) > 1e-3


def test_rates_that_are_not_linear_break_it():
    network, batch = made(Linear(), transfer=RELU)
    proposition.construct(network)
    assert min(worst(network, Linear(), batch, source) for source in SOURCES) > 0.1


def test_the_pathway_is_the_map_to_the_top():
    network, batch = made(Linear())
    pre = batch.images
    for i, population in enumerate(network.populations):
        pre = population.forward(pre, population.weight, population.bias).rate
        if i == 0:
            first = pre
    torch.testing.assert_close(first.flatten(1) @ proposition.pathway(network, 0), pre.flatten(1))


def test_the_fit_finds_the_constructed_weights():
    """Over enough rows the B with the factors of backpropagation is unique: it is the constructed one."""
    network, _ = made(Linear())
    batch = glances(network.shape, 64, torch.Generator().manual_seed(5), coloured=False)
    targets = proposition.backprop_factors(network, batch)
    proposition.construct(network)
    for source in SOURCES:
        expected = [projection.weight for projection in network.apical[source]]
        assert proposition.best(network, source, targets, batch) < 1e-12
        for projection, weight in list(zip(network.apical[source], expected, strict=True))[:-1]:
            torch.testing.assert_close(projection.weight, weight, rtol=1e-8, atol=1e-10)


def test_what_b_multiplies_is_what_the_engine_multiplies():
    network, batch = made(Linear(), grid=2)
    seen = {}

    class Watch:
        def local(self, population, activity, signals, factors, squares):
            seen[population.name] = (signals.apical["dfb"].context, factors.drive)

    LocalEngine(network, ClappPP(context="dfb", contrast=Linear()), Collector()).step(
        batch.images, batch.pairing, Watch()
    )
    for projection, (context, drive) in zip(network.apical["dfb"], seen.values(), strict=True):
        torch.testing.assert_close(proposition.context_drive(context, batch) @ projection.weight.T, drive)


def test_the_gap_grows_with_the_block():
    found = proposition.block_sweep(torch.Generator().manual_seed(1), networks=1)
    rows = [row for row in found if row["objective"] == "full"]
    assert [row["block"] for row in rows] == [1, 2, 4]
    for source in SOURCES:
        left = [row["left"][source] for row in rows]
        assert left[0] < 1e-12 and rows[0]["change"][source] < 1e-12
        assert 0.1 < left[1] < left[2]


def test_global_pooling_leaves_a_residual_of_the_change():
    assert min(proposition.global_change(torch.Generator().manual_seed(2), batches=2).values()) > 0.1


def test_the_best_b_for_the_change_is_the_best(monkeypatch):
    """The same machinery at full spatial dependency finds nothing left: the residual is not its own."""
    monkeypatch.setattr(proposition, "SIDE", 1)  # one place: global pooling is full spatial dependency
    assert max(proposition.global_change(torch.Generator().manual_seed(3), batches=2).values()) < 1e-10


def test_the_verdict():
    built = [{"error": {"lateral": 1e-12, "dfb": 1e-12}}]
    values = {1: 0.0, 2: 0.4, 4: 0.6}
    rows = [
        {"block": b, "objective": o, "left": dict.fromkeys(SOURCES, values[b]), "change": dict.fromkeys(SOURCES, 0.1)}
        for b in values
        for o in ("full", "same")
    ]
    change = {"lateral": 0.5, "dfb": 0.5}
    assert proposition.summary(built, rows, change)["passed"]
    assert not proposition.summary([{"error": {"lateral": 1e-7, "dfb": 0.0}}], rows, change)["passed"]
    assert not proposition.summary(built, rows, {"lateral": 1e-9, "dfb": 0.5})["passed"]
    shrinking = [{**row, "left": {s: 1 - row["left"][s] for s in SOURCES}} for row in rows]
    assert not proposition.summary(built, shrinking, change)["passed"]

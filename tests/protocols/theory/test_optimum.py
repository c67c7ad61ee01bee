"""B at its optimum: where the rule's own objective, differentiated by autograd, says so."""

import pytest
import torch
from apical.plasticity import Apical, ClappPP, Hinge, Linear, LogisticDifference, Signals, Softplus
from apical.protocols.errors import ProtocolError
from apical.protocols.theory.networks import SOURCES, dense, gaussian, glances, orthonormal
from apical.protocols.theory.optimum import features, optimum, settle, stationarity

CONTRASTS = [Softplus(), Softplus(sharpness=4.0), LogisticDifference(), Linear()]


def objective(contrast, rate, context, weight, pairing, penalty):
    """J, by the rule's differentiable objective."""
    apical = {"lateral": Apical(context, context @ weight.T)}
    return ClappPP(contrast=contrast).objective(Signals(rate, apical, pairing)) + penalty / 2 * weight.square().sum()


@pytest.mark.parametrize("contrast", CONTRASTS, ids=repr)
@pytest.mark.parametrize(("units", "inputs", "objects"), [(4, 3, 20), (9, 9, 5)])
def test_the_gradient_vanishes(contrast, units, inputs, objects):
    draws = torch.Generator().manual_seed(1)
    batch = glances((units + inputs, 1, 1), objects, draws, coloured=True)
    rate, context = batch.images.flatten(1).split([units, inputs], dim=1)
    weight = optimum(contrast, rate, context, batch.pairing, penalty=0.05).requires_grad_()
    value = objective(contrast, rate, context, weight, batch.pairing, 0.05)
    (gradient,) = torch.autograd.grad(value, weight)
    assert float(gradient.norm()) < 1e-12
    elsewhere = weight + 1e-3 * torch.randn(weight.shape, generator=draws, dtype=torch.float64)
    assert objective(contrast, rate, context, elsewhere, batch.pairing, 0.05) > value


@pytest.mark.parametrize("contrast", CONTRASTS, ids=repr)
def test_the_engine_finds_every_projection_stationary(contrast):
    draws = torch.Generator().manual_seed(2)
    network = dense([orthonormal(6, 8, draws), gaussian(4, 6, draws)])
    batch = glances(network.shape, 12, draws, coloured=False)
    assert stationarity(network, contrast, batch) > 1e-3
    settle(network, contrast, batch)
    assert stationarity(network, contrast, batch) < 1e-13
    network.apical["dfb"][0].weight *= 1 + 1e-9
    assert stationarity(network, contrast, batch) > 1e-12


def test_a_kink_is_not_passed_off_as_an_optimum():
    batch = glances((6, 1, 1), 12, torch.Generator().manual_seed(3), coloured=False)
    rate, context = batch.images.flatten(1).split(3, dim=1)
    with pytest.raises(ProtocolError, match=r"optimum\.gradient: expected below 1e-11"):
        optimum(Hinge(), rate, context, batch.pairing)


def test_the_closed_form_is_what_the_search_finds():
    draws = torch.Generator().manual_seed(3)
    network = dense([gaussian(5, 5, draws), gaussian(3, 5, draws)])
    batch = glances(network.shape, 10, draws, coloured=False)
    settle(network, Linear(), batch, penalty=0.3)
    pre = batch.images.flatten(1)
    rates = [pre := pre @ population.weight.T for population in network.populations]
    for source in SOURCES:
        for rate, projection in zip(rates, network.apical[source], strict=True):
            context = rate if source == "lateral" else rates[-1]
            searched = optimum(Linear(), rate, context, batch.pairing, penalty=0.3)
            torch.testing.assert_close(projection.weight, searched, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rows", [4, 40])
def test_features_have_the_products_of_the_outer_products(rows):
    posts, pres = gaussian(rows, 3, draws := torch.Generator().manual_seed(4)), gaussian(rows, 5, draws)
    found = features(posts, pres)
    assert found.shape == (rows, min(rows, 15))
    torch.testing.assert_close(found @ found.T, (posts @ posts.T) * (pres @ pres.T))

"""The hinge through its dual variables."""

import pytest
import torch
from apical.models import Collector
from apical.plasticity import Apical, ClappPP, Hinge, Signals
from apical.protocols.theory import hinge
from apical.protocols.theory.networks import glances

PENALTY = 0.1


def solved(seed, units=10, objects=16):
    draws = torch.Generator().manual_seed(seed)
    batch = glances((units, 1, 1), objects, draws, coloured=bool(seed % 2))
    rate = batch.images.flatten(1)
    return rate, batch, *hinge.dual(rate, rate, batch, PENALTY), draws


@pytest.mark.parametrize("seed", range(6))
def test_the_dual_variables_belong_to_the_optimum(seed):
    rate, batch, given, weight, draws = solved(seed)
    potential = rate @ weight.T
    fixation = (rate[batch.pairing.fixation] * potential).sum(1)
    saccade = (rate[batch.pairing.saccade] * potential).sum(1)
    for gamma, score in ((given.fixation, fixation), (-given.saccade, -saccade)):
        assert gamma.min() >= 0 and gamma.max() <= 1
        assert torch.all(gamma[score < 1 - 1e-9] == 1)
        assert torch.all(gamma[score > 1 + 1e-9] == 0)

    def objective(b):
        signals = Signals(rate, {"lateral": Apical(rate, rate @ b.T)}, batch.pairing)
        return ClappPP(contrast=Hinge()).objective(signals) + PENALTY / 2 * b.square().sum()

    for scale in (1e-6, 1e-3, 1.0):
        step = scale * torch.randn(weight.shape, generator=draws, dtype=torch.float64)
        assert objective(weight + step) > objective(weight)


def test_the_weights_are_stationary_with_them():
    rate, batch, given, weight, _ = solved(0)
    signals = Signals(rate, {"lateral": Apical(rate, rate @ weight.T)}, batch.pairing)
    change = ClappPP(contrast=given).factors(signals).prediction["lateral"].T @ rate
    torch.testing.assert_close(change, PENALTY * weight, rtol=1e-10, atol=1e-12)


def test_the_theorem_holds_with_them_and_not_with_the_rules_own_choice(monkeypatch):
    monkeypatch.setattr(hinge, "DEPTHS", (3,))
    rows = list(hinge.check(torch.Generator().manual_seed(1)))
    assert len(rows) == 4
    found = hinge.summary(rows)
    assert found["passed"] and found["error"] < 1e-10
    assert found["error_without"] > 0.1 and 0.1 < found["on_margin"] < 1
    rows[0]["error"]["dfb"] = 1e-6
    assert not hinge.summary(rows)["passed"]


def test_given_modulators_are_the_derivative_of_their_losses():
    gammas = torch.tensor([0.3, 1.0]), torch.tensor([-0.2, 0.0])
    scores = torch.tensor([2.0, -1.0], requires_grad=True), torch.tensor([0.5, 3.0], requires_grad=True)
    given = hinge.Given(*gammas)
    slopes = torch.autograd.grad(sum(loss.sum() for loss in given.losses(*scores)), scores)
    for gamma, slope, found in zip(gammas, slopes, given.modulators(*scores), strict=True):
        assert torch.equal(-slope, gamma) and torch.equal(found, gamma)
    assert Collector().changes == {}

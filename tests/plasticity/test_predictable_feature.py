"""What predictive rules are for: of two features of the input, the one that both glances share is found, not the one that varies most.

Inputs have a slow axis (+1 or -1, the same in both glances) and a fast one (three times as large, drawn anew for every glance); rates are linear
in the input. With shuffled glances nothing is predictable, and the benefit must be gone.
"""

import math

import pytest
import torch
from apical.plasticity import LPL, Apical, Clapp, ClappS, GreedyInfoMax, Signals, pair

OBJECTS, UNITS, STEPS = 48, 3, 400
# loss of a population that cannot tell fixation from saccade: margins, a fair choice, or glances as different as objects are
BLIND = {
    "clapp": (Clapp(), 0.03, 4.0),
    "clapp-s": (ClappS(), 0.03, 2.0),
    "gim": (GreedyInfoMax(), 0.03, math.log(17)),
    "lpl": (LPL(decorrelation=0.1), 0.1, 1 + math.log(2)),
}


def learn(rule, rate, *, shuffled, seed):
    """Share of the slow axis in the variance of the rates, and the mean loss of the last 20 steps."""
    g = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64)  # noqa: E731
    weight, matrices = 0.3 * draw(UNITS, 2), {s: 0.3 * draw(UNITS, UNITS) for s in rule.needs.sources}
    losses = []
    for _ in range(STEPS):
        slow = draw(OBJECTS, 1).sign().repeat(2, 1)
        x = torch.cat([slow + 0.1 * draw(2 * OBJECTS, 1), 3 * draw(2 * OBJECTS, 1)], 1)
        if shuffled:
            x[OBJECTS:] = x[OBJECTS:].roll(1, 0)
        z = x @ weight.T
        pairing = pair(
            OBJECTS, negatives=rule.needs.negatives, phases=rule.needs.phases, others=rule.needs.others, generator=g
        )
        factors = rule.factors(Signals(z, {s: Apical(z, z @ b.T, z @ b) for s, b in matrices.items()}, pairing))
        losses.append(factors.loss.item())
        weight = weight + rate * factors.drive.T @ x
        matrices = {s: b + rate * factors.prediction[s].T @ z for s, b in matrices.items()}
    variance = weight.square().sum(0) * torch.tensor([1.0, 9.0])
    return (variance[0] / variance.sum()).item(), sum(losses[-20:]) / 20


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", BLIND)
def test_the_shared_feature_wins_over_the_large_one(name, seed):
    rule, rate, blind = BLIND[name]
    share, loss = learn(rule, rate, shuffled=False, seed=seed)
    assert share > 0.95
    assert loss < 0.8 * blind


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", BLIND)
def test_shuffled_glances_remove_the_benefit(name, seed):
    rule, rate, blind = BLIND[name]
    _, loss = learn(rule, rate, shuffled=True, seed=seed)
    assert loss > 0.9 * blind


def test_without_prediction_lpl_follows_the_variance_and_without_variance_it_falls_silent():
    share, _ = learn(LPL(predictive=0.0, decorrelation=0.1), 0.1, shuffled=False, seed=0)
    assert share < 0.5
    g = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2 * OBJECTS, 2, generator=g), torch.randn(1, 2, generator=g)
    start = weight.norm()
    for _ in range(400):
        weight = weight + 0.1 * LPL(hebbian=0.0).factors(Signals(x @ weight.T, pairing=pair(OBJECTS))).drive.T @ x
    assert weight.norm() < 1e-3 * start

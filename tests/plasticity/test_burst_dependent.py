"""Burst-dependent plasticity in rate: its paper's change, its running mean, its refusals."""

import pytest
import torch
from apical.plasticity import Apical, BurstDependent, RuleError, Signals, pair

OBJECTS, UNITS, CONTEXT = 4, 3, 5


class Always:
    """gamma is 1 at fixations and 0 at saccades: the paper without a neuromodulator."""

    separable = True

    def losses(self, fixation, saccade):
        return -fixation, torch.zeros_like(saccade)

    def modulators(self, fixation, saccade):
        return torch.ones_like(fixation), torch.zeros_like(saccade)


def drawn():
    g = torch.Generator().manual_seed(0)
    rate = torch.rand(2 * OBJECTS, UNITS, generator=g, dtype=torch.float64)
    return rate, 2 * torch.randn(2 * OBJECTS, UNITS, generator=g, dtype=torch.float64)


def test_change_is_bursts_minus_the_usual_share_of_events():
    """B_j - Pbar_j E_j at every fixation, by hand."""
    rate, potential = drawn()
    usual = torch.tensor([0.2, 0.5, 0.7], dtype=torch.float64)
    rule = BurstDependent(contrast=Always(), slope=0.8)
    state = {"usual_lateral": usual}
    factors = rule.factors(Signals(rate, {"lateral": Apical(rate, potential)}, pair(OBJECTS), state=state))
    pairing, expected = pair(OBJECTS), torch.zeros_like(rate)
    for row in range(2 * OBJECTS):
        met, weight = pairing.fixation[row], pairing.fixation_weight[row]
        events = rate[met]
        bursts = events / (1 + torch.exp(-0.8 * potential[row]))
        expected[met] += weight * (bursts - usual * events)
    torch.testing.assert_close(factors.drive, expected)


def test_the_usual_burst_probability_is_a_running_mean():
    rate, potential = drawn()
    rule = BurstDependent(memory=0.9)
    factors = rule.factors(
        Signals(rate, {"lateral": Apical(rate, potential)}, pair(OBJECTS), state={"usual_lateral": rule.start((UNITS,))["usual_lateral"].double()})
    )  # fmt: skip
    torch.testing.assert_close(factors.state["usual_lateral"], 0.9 * 0.5 + 0.1 * torch.sigmoid(potential).mean(0))


def test_a_constant_prediction_teaches_nothing_once_it_is_usual():
    rate, _ = drawn()
    constant = torch.full_like(rate, 1.5)
    rule = BurstDependent(memory=0.5, contrast=Always())
    state = {name: value.double() for name, value in rule.start((UNITS,)).items()}
    first = None
    for _ in range(60):
        factors = rule.factors(Signals(rate, {"lateral": Apical(rate, constant)}, pair(OBJECTS), state=state))
        state, first = factors.state, factors.drive.norm() if first is None else first
    assert first > 0.01
    assert factors.drive.norm() < 1e-12


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: BurstDependent(context="top"), r"BurstDependent.context: expected one of lateral, dfb, both"),
        (lambda: BurstDependent(slope=0.0), r"BurstDependent.slope: expected a finite number above 0, got 0.0"),
        (lambda: BurstDependent(memory=1.0), r"BurstDependent.memory: expected a number from 0 to below 1, got 1.0"),
        (lambda: BurstDependent().factors(Signals(torch.zeros(4, 2))), r"expected signals with a pairing"),
        (
            lambda: BurstDependent().factors(Signals(torch.zeros(4, 2), {"lateral": Apical(torch.zeros(4, 2), torch.zeros(4, 2))}, pair(2))),
            r"BurstDependent.state: expected usual_lateral, got none",
        ),
    ],
)  # fmt: skip
def test_misuse_is_refused(build, said):
    with pytest.raises(RuleError, match=said):
        build()

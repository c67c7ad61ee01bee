"""Dendritic prediction: the nudged soma of its paper in rate, and what happens without saccades."""

import pytest
import torch
from apical.plasticity import Apical, DendriticPrediction, Hinge, RuleError, Signals, Softplus, pair

OBJECTS, UNITS = 4, 3


def signals(rate, potential, **words):
    return Signals(rate, {"lateral": Apical(potential, potential)}, pair(len(rate) // 2, **words))


def test_drive_is_what_the_nudge_adds_to_the_rate():
    """phi(a + nudge (e - a)) - phi(a) of a ReLU neuron above its threshold, divided by the nudge, at fixations alone."""
    g = torch.Generator().manual_seed(0)
    rate, potential = (torch.rand(2 * OBJECTS, UNITS, generator=g, dtype=torch.float64) + 0.1 for _ in range(2))
    rule = DendriticPrediction(threshold=0.01, contrast=OnlyFixations())
    factors = rule.factors(signals(rate, potential))
    pairing, nudge = pair(OBJECTS), 0.3
    for row in range(2 * OBJECTS):
        met, weight = pairing.fixation[row], pairing.fixation_weight[row]
        basal = rate[met]  # a linear neuron above its threshold
        added = torch.relu(basal + nudge * (potential[row] - basal)) - torch.relu(basal)
        torch.testing.assert_close(factors.drive[met], weight * added / nudge)


class OnlyFixations:
    """Attraction without repulsion: gamma is 1 at fixations and 0 at saccades."""

    separable = True

    def losses(self, fixation, saccade):
        return -fixation, torch.zeros_like(saccade)

    def modulators(self, fixation, saccade):
        return torch.ones_like(fixation), torch.zeros_like(saccade)


def spread_after(contrast):
    """Variance of the rate between objects after training, relative to that before; linear neurons."""
    g = torch.Generator().manual_seed(1)
    objects = torch.randn(16, 8, generator=g, dtype=torch.float64)
    images = torch.cat([objects, objects]) + 0.3 * torch.randn(32, 8, generator=g, dtype=torch.float64)
    W, B = (torch.randn(UNITS, n, generator=g, dtype=torch.float64) / n**0.5 for n in (8, UNITS))
    rule, before = DendriticPrediction(contrast=contrast, threshold=2.0), (images @ W.T).var(0).sum()
    for _ in range(400):
        rate = images @ W.T
        factors = rule.factors(Signals(rate, {"lateral": Apical(rate, rate @ B.T)}, pair(16)))
        W, B = W + 0.05 * factors.drive.T @ images, B + 0.05 * factors.prediction["lateral"].T @ rate
    return ((images @ W.T).var(0).sum() / before).item()


def test_without_saccades_the_rates_collapse():
    assert spread_after(OnlyFixations()) < 0.2
    assert spread_after(Hinge()) > 0.8


def test_a_fixation_met_within_the_margin_teaches_nothing():
    """Error 0 gives the score theta = 2, beyond the hinge's margin of 1; saccades are far apart."""
    rate = 10 * torch.eye(OBJECTS, dtype=torch.float64).repeat(2, 1)
    factors = DendriticPrediction().factors(signals(rate, rate))
    assert factors.drive.abs().max() == 0
    assert factors.loss == 0


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: DendriticPrediction(context="top"), r"DendriticPrediction.context: expected one of lateral, dfb, both"),
        (lambda: DendriticPrediction(threshold=0.0), r"DendriticPrediction.threshold: expected a finite number above 0, got 0.0"),
        (lambda: DendriticPrediction(phases="never"), r"DendriticPrediction.phases: expected one of both, either"),
        (lambda: DendriticPrediction(contrast=Softplus()).factors(Signals(torch.zeros(4, 2))), r"expected signals with a pairing"),
    ],
)  # fmt: skip
def test_misuse_is_refused(build, said):
    with pytest.raises(RuleError, match=said):
        build()

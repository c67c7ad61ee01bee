"""SCFF on maps: explicit factors equal autograd, place by place; positives rise, negatives fall."""

import math

import pytest
import torch
from apical.plasticity import SCFF, RuleError, Signals, pair
from hypothesis import given
from hypothesis import strategies as st

OBJECTS = 4


def basal_map(seed=0, channels=5, side=3):
    return torch.randn(
        2 * OBJECTS, channels, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


@given(st.integers(0, 99), st.floats(0, 3), st.floats(0, 3), st.floats(0, 1), st.integers(0, 1))
def test_factors_equal_autograd_on_maps(seed, positive, negative, penalty, position):
    rule = SCFF(threshold_positive=(positive, 1.0), threshold_negative=(0.5, negative), penalty=(penalty, 0.2))
    pairing, basal = pair(OBJECTS, negatives="opposite"), basal_map(seed).requires_grad_()
    loss = rule.objective(Signals(torch.empty(0), basal=basal, pairing=pairing, position=position))
    (gradient,) = torch.autograd.grad(loss, basal)
    found = rule.factors(Signals(torch.empty(0), basal=basal.detach(), pairing=pairing, position=position))
    assert (found.drive + gradient).norm() <= 1e-9 * gradient.norm()
    torch.testing.assert_close(found.loss, loss.detach(), rtol=1e-12, atol=0)


def test_the_loss_is_the_published_one():
    rule = SCFF(threshold_positive=0.7, threshold_negative=1.3, penalty=0.05)
    basal = basal_map(3)
    goodness = basal.relu().square().mean(1)
    positive, negative = goodness[:OBJECTS], goodness[OBJECTS:]
    softplus = torch.nn.functional.softplus
    expected = softplus(0.7 - positive).mean() + softplus(negative - 1.3).mean()
    expected = expected + 0.05 * positive.flatten(1).norm(dim=1).mean()
    found = rule.factors(Signals(torch.empty(0), basal=basal, pairing=pair(OBJECTS, negatives="opposite")))
    torch.testing.assert_close(found.loss, expected)


def test_signs_are_those_of_the_phase():
    found = SCFF(penalty=0.0).factors(
        Signals(torch.empty(0), basal=basal_map(), pairing=pair(OBJECTS, negatives="opposite"))
    )
    assert (found.drive[:OBJECTS] >= 0).all()
    assert (found.drive[OBJECTS:] <= 0).all()
    phase = found.phases["basal"]
    assert (phase.gamma_fixation > 0).all()
    assert (phase.gamma_saccade < 0).all()
    assert torch.equal(phase.score_fixation[:OBJECTS], phase.score_fixation[OBJECTS:])


@pytest.mark.parametrize("penalty", [0.0, 0.2])
def test_the_recorded_neuromodulator_is_what_drove_the_change(penalty):
    """gamma read back from the drive, place by place: drive_k = gamma 2 relu(a_k) / K, over rows and places."""
    basal, pairing = basal_map().abs(), pair(OBJECTS, negatives="opposite")
    found = SCFF(penalty=penalty).factors(Signals(torch.empty(0), basal=basal, pairing=pairing))
    channels, places = basal.shape[1], basal[0, 0].numel()
    gamma = found.drive.sum(1) / (2 / channels * basal.sum(1)) * OBJECTS * places
    mean = gamma.flatten(1).mean(1)
    phase = found.phases["basal"]
    torch.testing.assert_close(phase.gamma_fixation, mean[pairing.fixation])
    torch.testing.assert_close(phase.gamma_saccade, mean[pairing.saccade])


def test_a_silent_row_has_no_direction_to_shrink_in():
    found = SCFF(penalty=1.0).factors(
        Signals(
            torch.empty(0), basal=torch.zeros(4, 3, 2, 2, dtype=torch.float64), pairing=pair(2, negatives="opposite")
        )
    )
    assert found.drive.abs().max() == 0


@pytest.mark.parametrize(("build", "message"), [
    (lambda: SCFF(threshold_positive=-1), r"SCFF.threshold_positive: expected finite numbers of at least 0, got -1"),
    (lambda: SCFF(penalty=(0.1, math.inf)), r"SCFF.penalty: expected finite numbers of at least 0, got inf"),
    (lambda: SCFF(padded=1), r"SCFF.padded: expected true or false, got 1"),
    (lambda: SCFF(rebuild=1), r"SCFF.rebuild: expected true or false"),
    (lambda: SCFF(rebuild=(False, True)), r"SCFF.rebuild: expected true at the bottom"),
    (lambda: SCFF().factors(Signals(torch.zeros(2, 3))), r"expected signals with a basal potential and a pairing"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()

import math

import pytest
import torch
from apical.plasticity import Hinge, Linear, LogisticDifference, RuleError, Softplus
from cases import CONTRASTS
from hypothesis import given
from hypothesis import strategies as st

SCORES = st.lists(
    st.tuples(
        *[st.floats(-50, 50, allow_nan=False).filter(lambda u: min(abs(abs(u) - 1), abs(abs(u) - 3)) > 1e-6)] * 2
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("name", CONTRASTS)
@given(scores=SCORES)
def test_modulators_are_minus_the_derivative_of_the_loss(name, scores):
    contrast = CONTRASTS[name]
    fixation, saccade = (
        torch.tensor(column, dtype=torch.float64, requires_grad=True) for column in zip(*scores, strict=True)
    )
    total = sum(part.sum() for part in contrast.losses(fixation, saccade))
    expected = torch.autograd.grad(total, (fixation, saccade))
    found = contrast.modulators(fixation.detach(), saccade.detach())
    for gamma, gradient in zip(found, expected, strict=True):
        torch.testing.assert_close(gamma, -gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CONTRASTS)
@given(scores=SCORES)
def test_fixations_are_rewarded_and_saccades_punished(name, scores):
    fixation, saccade = (torch.tensor(column, dtype=torch.float64) for column in zip(*scores, strict=True))
    plus, minus = CONTRASTS[name].modulators(fixation, saccade)
    assert (plus >= 0).all()
    assert (minus <= 0).all()


def test_hinge_is_silent_at_and_beyond_the_margin():
    plus, minus = Hinge().modulators(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.0, -1.0, -2.0]))
    assert plus.tolist() == [1, 0, 0]
    assert minus.tolist() == [-1, 0, 0]


def test_softplus_approaches_the_hinge_when_sharp():
    u = torch.linspace(-3, 3, 101, dtype=torch.float64)
    sharp, hinge = Softplus(sharpness=200.0).losses(u, u), Hinge().losses(u, u)
    assert max((a - b).abs().max() for a, b in zip(sharp, hinge, strict=True)) < 4e-3


def test_losses_stay_finite_for_extreme_scores():
    far = torch.tensor([-1e4, 1e4], dtype=torch.float64)
    for contrast in CONTRASTS.values():
        for part in (*contrast.losses(far, -far), *contrast.modulators(far, -far)):
            assert torch.isfinite(part).all()


@pytest.mark.parametrize(("build", "field"), [
    (lambda: Hinge(margin=0), "Hinge.margin"),
    (lambda: Hinge(margin=math.nan), "Hinge.margin"),
    (lambda: Softplus(sharpness=-1), "Softplus.sharpness"),
    (lambda: LogisticDifference(theta=math.inf), "LogisticDifference.theta"),
])  # fmt: skip
def test_bad_numbers_are_refused_by_name(build, field):
    with pytest.raises(RuleError, match=field):
        build()


def test_contrasts_compare_by_value():
    assert Hinge() == Hinge(margin=1.0)
    assert hash(Softplus()) == hash(Softplus(margin=1.0))
    assert Linear() != Hinge()

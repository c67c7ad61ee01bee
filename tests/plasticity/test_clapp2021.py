"""CLAPP and CLAPP-s: gradients of the objective as the paper writes it, with the matrices themselves, and the modulator's gates."""

import pytest
import torch
from apical.plasticity import (
    Apical,
    Clapp,
    ClappPP,
    ClappS,
    Hinge,
    LogisticDifference,
    RuleError,
    Signals,
    Softplus,
    pair,
)

OBJECTS, UNITS = 5, 4


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(seed=0, **words):
    """Rates, two matrices and a pairing."""
    pairing = pair(OBJECTS, generator=torch.Generator().manual_seed(seed), **words)
    return draw(2 * OBJECTS, UNITS, seed=seed), draw(UNITS, UNITS, seed=1) / 3, draw(UNITS, UNITS, seed=2) / 3, pairing


def separate(rate, ahead, back, pairing):
    context = rate.detach()
    return Signals(
        rate, {"lateral": Apical(context, context @ ahead.T), "retro": Apical(context, context @ back.T)}, pairing
    )


def tied(rate, matrix, pairing):
    return Signals(rate, {"lateral": Apical(rate, rate @ matrix.T, rate @ matrix)}, pairing)


@pytest.mark.parametrize("contrast", [Hinge(), Softplus()])
@pytest.mark.parametrize("seed", range(4))
def test_separate_matrices_learn_the_papers_two_losses(contrast, seed):
    """L(z', sg(c); P) + L(sg(z'), c; R'), row by row, with R = R'^T."""
    rate, ahead, retro, pairing = problem(seed, negatives="random", phases="either")
    leaves = [x.requires_grad_() for x in (rate, ahead, retro)]
    total = torch.zeros((), dtype=torch.float64)
    for i in range(2 * OBJECTS):
        for target, weight, phase in (
            (rate[pairing.fixation[i]], pairing.fixation_weight[i], 0),
            (rate[pairing.saccade[i]], pairing.saccade_weight[i], 1),
        ):
            for score in (target @ ahead @ rate[i].detach(), rate[i] @ retro @ target.detach()):
                total = total + weight * contrast.losses(score[None], score[None])[phase][0]
    expected = torch.autograd.grad(total, leaves)
    with torch.no_grad():
        found = Clapp(contrast=contrast).factors(separate(rate, ahead, retro, pairing))
    torch.testing.assert_close(found.loss, total.detach(), rtol=1e-12, atol=0)
    changes = (found.drive, found.prediction["lateral"].T @ rate, found.prediction["retro"].T @ rate)
    for change, gradient in zip(changes, expected, strict=True):
        assert (change + gradient).norm() <= 1e-9 * gradient.norm()


@pytest.mark.parametrize("contrast", [Hinge(), Softplus()])
@pytest.mark.parametrize("others", [1, 3, 16])
def test_symmetric_matrix_learns_one_loss_on_both_sides(contrast, others):
    rate, matrix, _, pairing = problem(3, others=others)
    rate.requires_grad_()
    matrix.requires_grad_()
    total = torch.zeros((), dtype=torch.float64)
    for i in range(2 * OBJECTS):
        prediction = matrix @ rate[i]
        stay = (rate[pairing.fixation[i]] @ prediction)[None]
        jump = rate[pairing.others[i]] @ prediction
        total = total + contrast.losses(stay, stay)[0][0] + contrast.losses(jump, jump)[1].mean()
    total = total / (2 * OBJECTS)
    expected = torch.autograd.grad(total, (rate, matrix))
    rule = ClappS(contrast=contrast, others=others)
    with torch.no_grad():
        signals = tied(rate, matrix, pairing)
        found = rule.factors(signals)
    torch.testing.assert_close(found.loss, total.detach(), rtol=1e-12, atol=0)
    for change, gradient in zip((found.drive, found.prediction["lateral"].T @ rate), expected, strict=True):
        assert (change + gradient).norm() <= 1e-9 * gradient.norm()


def test_the_sign_is_that_of_the_eye_and_the_gate_that_of_the_margin():
    rate, ahead, retro, pairing = problem(1, negatives="random", phases="either")
    for phase in Clapp().factors(separate(rate, ahead, retro, pairing)).phases.values():
        assert torch.equal(phase.gamma_fixation, (phase.score_fixation < 1).double())
        assert torch.equal(phase.gamma_saccade, -(phase.score_saccade > -1).double())


def test_beyond_the_margin_nothing_learns():
    """Predictions that point along the rate they meet, twenty times too long: every fixation is past the margin."""
    pairing = pair(2, negatives="random", phases="both", generator=torch.Generator().manual_seed(0))
    rate = torch.tensor([[1.0, -1], [-1, 1], [1, -1], [-1, 1]], dtype=torch.float64)
    large = 20 * torch.eye(2, dtype=torch.float64)
    assert Clapp().factors(separate(rate, large, large, pairing)).drive.abs().max() == 0
    assert Clapp().factors(separate(rate, large / 100, large / 100, pairing)).drive.abs().max() > 0


def test_a_row_makes_a_fixation_or_a_saccade():
    rate, ahead, retro, pairing = problem(2, negatives="random", phases="either")
    assert ((pairing.fixation_weight > 0) ^ (pairing.saccade_weight > 0)).all()
    one = torch.zeros(2 * OBJECTS, dtype=torch.float64)
    row = int((pairing.fixation_weight > 0).nonzero()[0])
    one[row] = 1
    single = type(pairing)(pairing.fixation, pairing.saccade, one, torch.zeros_like(one))
    drive = Clapp().factors(separate(rate, ahead, retro, single)).drive
    learning = drive.abs().sum(1).nonzero().flatten().tolist()
    assert set(learning) <= {row, int(pairing.fixation[row])}
    assert learning


def test_the_target_side_is_that_of_its_successor():
    """With R = 0 and the same pairing, CLAPP's drive is CLAPP++'s."""
    rate, ahead, _, pairing = problem(4, negatives="random", phases="either")
    signals = separate(rate, ahead, torch.zeros(UNITS, UNITS, dtype=torch.float64), pairing)
    successor = ClappPP().factors(Signals(rate, {"lateral": signals.apical["lateral"]}, pairing))
    found = Clapp().factors(signals)
    torch.testing.assert_close(found.drive, successor.drive)
    torch.testing.assert_close(found.prediction["lateral"], successor.prediction["lateral"])


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Clapp(contrast=LogisticDifference()), r"Clapp.contrast: expected one with separate losses .* got LogisticDiff"),
    (lambda: ClappS(contrast=LogisticDifference()), r"ClappS.contrast: expected one with separate losses"),
    (lambda: Clapp(presentation="pages"), r"Clapp.presentation: expected one of glances, patches, got 'pages'"),
    (lambda: ClappS(others=0), r"ClappS.others: expected a whole number of at least 1, got 0"),
    (lambda: Clapp().factors(Signals(torch.zeros(4, 2), pairing=pair(2))), r"Clapp.factors: expected a pairing and apical"),
    (lambda: ClappS().factors(Signals(torch.zeros(4, 2), pairing=pair(2))), r"ClappS.factors: expected lateral apical signals"),
    (lambda: ClappS().factors(tied(torch.zeros(4, 2), torch.zeros(2, 2), pair(2))), r"ClappS.factors: .* drawn others, got none"),
])  # fmt: skip
def test_misuse_is_refused(make, message):
    with pytest.raises(RuleError, match=message):
        make()

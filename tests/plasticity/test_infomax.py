"""Greedy InfoMax: explicit softmax factors against autograd of InfoNCE written with the matrix itself."""

import math

import pytest
import torch
from apical.plasticity import Apical, GreedyInfoMax, RuleError, Signals, pair
from hypothesis import given
from hypothesis import strategies as st


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def signals_of(rate, matrix, pairing):
    return Signals(rate, {"lateral": Apical(rate, rate @ matrix.T, rate @ matrix)}, pairing)


def drawn(objects, others, seed=0):
    return pair(objects, others=others, generator=torch.Generator().manual_seed(seed))


@given(st.integers(2, 6), st.integers(1, 8), st.integers(1, 20), st.integers(0, 99))
def test_factors_equal_autograd_of_infonce(objects, units, others, seed):
    pairing = drawn(objects, others, seed)
    rate, matrix = draw(2 * objects, units, seed=seed).requires_grad_(), draw(units, units, seed=1).requires_grad_()
    terms = []
    for i in range(2 * objects):
        candidates = torch.cat([rate[pairing.fixation[i]][None], rate[pairing.others[i]]])
        terms.append(-torch.log_softmax(candidates @ (matrix @ rate[i]), 0)[0])
    loss = torch.stack(terms).mean()
    expected = torch.autograd.grad(loss, (rate, matrix))
    with torch.no_grad():
        found = GreedyInfoMax(others=others).factors(signals_of(rate, matrix, pairing))
    torch.testing.assert_close(found.loss, loss.detach(), rtol=1e-9, atol=1e-12)
    for change, gradient in zip((found.drive, found.prediction["lateral"].T @ rate), expected, strict=True):
        # one draw with exact ties of all scores has no gradient at all
        assert (change + gradient).norm() <= 1e-9 * max(gradient.norm().item(), 1e-3)


def test_silence_is_a_fair_choice_among_all_candidates():
    rate = torch.zeros(8, 3, dtype=torch.float64)
    factors = GreedyInfoMax(others=7).factors(signals_of(rate, draw(3, 3), drawn(4, 7)))
    assert factors.loss.item() == pytest.approx(math.log(8))
    phase = factors.phases["lateral"]
    torch.testing.assert_close(phase.gamma_fixation, torch.full((8,), 7 / 8, dtype=torch.float64))
    torch.testing.assert_close(phase.gamma_saccade, torch.full((8,), -1 / 8, dtype=torch.float64))


def test_a_sure_choice_learns_nothing_and_large_scores_stay_finite():
    rate = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]], dtype=torch.float64) * 100
    factors = GreedyInfoMax(others=3).factors(signals_of(rate, torch.eye(2, dtype=torch.float64), drawn(2, 3)))
    assert factors.loss.item() == 0
    assert factors.drive.abs().max() == 0
    wrong = GreedyInfoMax(others=3).factors(signals_of(rate, -torch.eye(2, dtype=torch.float64), drawn(2, 3)))
    assert torch.isfinite(wrong.drive).all()
    assert wrong.loss.item() == pytest.approx(10_000 + math.log(3))


def test_the_context_learns_through_the_transposed_matrix():
    """Only the row that is nobody's candidate shows the context's side alone."""
    pairing = drawn(3, 2)
    one = torch.zeros(6, dtype=torch.float64)
    one[0] = 1
    single = type(pairing)(pairing.fixation, pairing.saccade, one, one, pairing.others)
    rate, matrix = draw(6, 4), draw(4, 4, seed=1)
    candidates = torch.cat([pairing.fixation[:1], pairing.others[0]])
    shares = torch.softmax(rate[candidates] @ matrix @ rate[0], 0)
    open_ = -shares
    open_[0] += 1
    drive = GreedyInfoMax(others=2).factors(signals_of(rate, matrix, single)).drive
    torch.testing.assert_close(drive[0], matrix.T @ (open_ @ rate[candidates]))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: GreedyInfoMax(others=0), r"GreedyInfoMax.others: expected a whole number of at least 1, got 0"),
    (lambda: GreedyInfoMax(others=True), r"GreedyInfoMax.others: expected a whole number"),
    (lambda: GreedyInfoMax().factors(Signals(torch.zeros(4, 2), pairing=pair(2))), r"GreedyInfoMax.factors: expected lateral"),
])  # fmt: skip
def test_misuse_is_refused(make, message):
    with pytest.raises(RuleError, match=message):
        make()

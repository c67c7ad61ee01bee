"""Statistics of a comparison, against numbers worked out by hand or known by construction."""

import numpy as np
import pytest
from apical.protocols.replay.agreement import (
    correlation,
    line,
    mean_cosine,
    partial_correlation,
    ratio,
    relative_error,
    slope,
    top_agreement,
    total_cosine,
)
from hypothesis import given
from hypothesis import strategies as st


@given(start=st.floats(-5, 5), rise=st.floats(-5, 5), seed=st.integers(0, 1000))
def test_a_line_is_found(start, rise, seed):
    x = np.random.default_rng(seed).standard_normal(20)
    assert line(x, start + rise * x) == pytest.approx((start, rise), abs=1e-9)


def test_a_partial_correlation_sees_a_leak_and_nothing_else():
    draws = np.random.default_rng(0)
    context, soma, noise = draws.standard_normal((3, 20_000))
    rate = soma + context
    assert abs(partial_correlation(context + 0.1 * noise, rate, context)) < 0.02
    assert partial_correlation(context + 0.1 * noise + 0.1 * soma, rate, context) == pytest.approx(0.5**0.5, abs=0.02)


def test_small_cases():
    x, y = np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[3.0, -4.0], [0.0, 0.0]])
    assert total_cosine(x, y) == pytest.approx(-7 / 25)
    assert top_agreement(np.array([1.0, -2.0, 3.0, 0.0]), np.array([-1.0, -1.0, -1.0, 5.0])) == 0.5
    assert relative_error(x, x) == 0
    assert relative_error(x, 5 * x) == pytest.approx(4 / 6)  # a wrong scale is an error
    assert np.isnan(relative_error(x[1:], y[1:]))
    assert relative_error(x[1:], x[:1]) == 1
    assert relative_error(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])) == pytest.approx(1 / (1 + 2**0.5))
    assert slope([0, 1, 2], [0, 2, 4]) == 2
    assert ratio(3.0, 2.0) == 1.5
    assert np.isnan(ratio(0.0, 0.0))
    assert np.isnan(correlation([1, 1], [0, 1]))


def test_a_silent_replay_counts_as_zero_and_a_silent_rule_not_at_all():
    rule, silent = np.array([[3.0, 4.0], [3.0, 4.0], [0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 1.0]])
    assert mean_cosine(rule, silent) == pytest.approx(0.5)
    assert np.isnan(mean_cosine(rule[2:], silent[2:]))
    assert total_cosine(rule[0], silent[1]) == 0
    assert np.isnan(total_cosine(rule[2], silent[0]))

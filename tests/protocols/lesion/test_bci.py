"""A read-out of two groups, and tufts that are told its error."""

import numpy as np
import pytest
from apical.protocols.errors import ProtocolError
from apical.protocols.lesion.bci import GROUP, Day, Units, residual_slope, trained, units_of
from apical.protocols.lesion.events import Interface


def units(seed=0, wide=16, inputs=30):
    draws = np.random.default_rng(seed)
    causal = np.zeros(wide)
    causal[:GROUP], causal[GROUP : 2 * GROUP] = 1.0, -1.0
    z = draws.random((8, inputs))
    W = draws.standard_normal((wide, inputs)) / inputs
    return Units(W, np.ones((8, wide)), z, causal)


def animal(**task):
    return [trained(units(seed), Interface(days=4, trials=80, **task), seed).values for seed in range(3)]


@pytest.mark.parametrize("feedback", ["causal", "learned"])
def test_an_instruction_by_causal_sign_is_read_in_the_residuals_and_teaches(feedback):
    for found in animal(feedback=feedback):
        assert found["residual_plus"] > 0.2
        assert found["residual_minus"] < -0.2
        assert found["output"] > 0.5
        assert found["prediction"] > 0.5


def test_scrambled_it_teaches_nothing_and_a_scalar_has_one_sign():
    """The controls in which the statements fail."""
    for found in animal(scrambled=True):
        assert found["output"] < 0.25
        assert found["residual_plus"] - found["residual_minus"] < 1  # by causal sign it is 2
    for found in animal(feedback="global"):
        assert found["residual_plus"] > 0.2
        assert found["residual_minus"] > 0.2
        assert found["output"] < 0.25


def test_the_somatic_signal_is_no_residual():
    draws = np.random.default_rng(0)
    rate, error = draws.random((200, 2)), draws.random(200)
    rate[:, 1] -= 0.8 * error  # of a unit whose rate falls with the error
    apical = 0.5 * rate + np.array([0.0, 0.7]) * error[:, None]
    day = Day(rate, apical, error, np.zeros(200), np.zeros(200, dtype=np.int64))
    np.testing.assert_allclose(residual_slope(day), [0.0, 0.7], atol=1e-9)


def test_the_same_seed_is_the_same_animal():
    first, again = (trained(units(), Interface(days=2, trials=20), 5) for _ in range(2))
    assert first.values == again.values
    assert not np.array_equal(first.y, trained(units(), Interface(days=2, trials=20), 6).y)


def test_too_few_units_that_fire():
    class Silent:
        rate = np.concatenate([np.ones((3, 4)), np.zeros((3, 20))], 1)

    with pytest.raises(ProtocolError, match="expected 10 that fire, got 4"):
        units_of(Silent(), 0)

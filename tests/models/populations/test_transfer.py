"""Transfer functions: the derivative read off the rate is that of autograd, and the slope runs from relu to identity."""

import pytest
import torch
from apical.models import IDENTITY, RELU, ModelError, leaky
from apical.models.populations.transfer import ABSOLUTE, GELU
from hypothesis import given
from hypothesis import strategies as st

POTENTIAL = torch.tensor([-3.0, -1e-300, 0.5, 2.0, 1e-300], dtype=torch.float64)
FACTOR = torch.tensor([2.0, -1.0, 0.25, -3.0, 1.0], dtype=torch.float64)


@given(st.floats(0, 1))
def test_the_gate_is_the_derivative(slope):
    transfer, potential = leaky(slope), POTENTIAL.clone().requires_grad_()
    rate = transfer.rate(potential)
    (expected,) = torch.autograd.grad(rate, potential, FACTOR)
    torch.testing.assert_close(transfer.gate(FACTOR, rate.detach()), expected, rtol=0, atol=0)


@pytest.mark.parametrize(("slope", "known"), [(0.0, RELU), (1.0, IDENTITY)])
def test_the_ends_are_the_known_functions(slope, known):
    assert torch.equal(leaky(slope).rate(POTENTIAL), known.rate(POTENTIAL))
    rate = known.rate(POTENTIAL)
    assert torch.equal(leaky(slope).gate(FACTOR, rate), known.gate(FACTOR, rate))


@pytest.mark.parametrize("transfer", [GELU, ABSOLUTE], ids=lambda t: t.name)
def test_a_slope_that_the_rate_does_not_tell_is_read_off_the_potential(transfer):
    potential = torch.linspace(-3, 3, 12, dtype=torch.float64).requires_grad_()
    factor = torch.arange(1.0, 13.0, dtype=torch.float64)
    (expected,) = torch.autograd.grad(transfer.rate(potential), potential, factor)
    assert transfer.by_potential and not transfer.monotone
    torch.testing.assert_close(transfer.gate(factor, potential.detach()), expected, rtol=1e-12, atol=0)


def test_below_zero_the_slope_counts():
    assert leaky(0.25).rate(torch.tensor([-4.0, 4.0])).tolist() == [-1.0, 4.0]
    assert leaky(0.25).name == "leaky(0.25)"


@pytest.mark.parametrize("slope", [-0.1, 1.1, float("nan")])
def test_a_slope_outside_is_refused(slope):
    with pytest.raises(ModelError, match=r"leaky\.slope: expected 0 to 1"):
        leaky(slope)

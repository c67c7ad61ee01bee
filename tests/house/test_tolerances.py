"""The three kinds of comparison can fail, and the machine that moves last bits moves them as another one would."""

import pytest
import torch
from jitter import LastBit
from tolerances import assert_changes, assert_exact, assert_falls, assert_rounding


def drawn(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def refuses(check, *arguments, **words):
    with pytest.raises(AssertionError):
        check(*arguments, **words)


def test_exact_is_every_bit():
    value = drawn(3)
    assert_exact({"a": value}, {"a": value.clone()})
    refuses(assert_exact, {"a": value}, {"a": value * (1 + 2.3e-16)})
    refuses(assert_exact, {"a": value}, {"a": value.float()})
    refuses(assert_exact, {}, {"a": value})


def test_rounding_is_measured_by_the_terms_and_not_by_their_sum():
    terms = drawn(1000)
    terms = torch.cat([terms, -terms])
    found, size = terms[torch.randperm(2000, generator=torch.Generator().manual_seed(1))].sum(), terms.abs().sum()
    assert_rounding(found, torch.zeros((), dtype=torch.float64), terms=size)
    refuses(assert_rounding, found + 1e-7, torch.zeros((), dtype=torch.float64), terms=size)
    refuses(assert_rounding, found * float("nan"), found, terms=size)


def test_changes_that_cancel_in_the_bias_are_measured_with_their_weight():
    gradients = {"conv1.weight": drawn(4, 3), "conv1.bias": 1e-15 * drawn(4), "conv1.dfb": 1e-6 * drawn(4)}
    changes = {name: -gradient for name, gradient in gradients.items()}
    assert_changes(changes | {"conv1.bias": torch.zeros(4, dtype=torch.float64)}, gradients)
    for name in gradients:
        refuses(assert_changes, changes | {name: changes[name] + 1e-9}, gradients)
    refuses(assert_changes, changes, gradients | {"conv1.dfb": torch.zeros(4, dtype=torch.float64)})
    refuses(assert_changes, {"conv1.weight": changes["conv1.weight"]}, gradients)


def test_a_margin_over_seeds():
    assert_falls([4.0, 5.0, 6.0], [1.0, 5.5, 2.0], to=0.6)
    refuses(assert_falls, [4.0, 5.0, 6.0], [4.0, 5.0, 5.9], to=0.9)
    refuses(assert_falls, [4.0, 5.0], [1.0, 1.0], to=0.9)
    refuses(assert_falls, [-1.0, 5.0, 6.0], [1.0, 1.0, 1.0], to=0.9)


PRODUCTS = {
    "mm": lambda d: drawn(8, 64, dtype=d) @ drawn(64, 9, dtype=d),
    "mm transposed": lambda d: drawn(64, 8, dtype=d).T @ drawn(64, 9, dtype=d),
    "out": lambda d: torch.mm(drawn(8, 64, dtype=d), drawn(64, 9, dtype=d), out=torch.empty(8, 9, dtype=d)),
    "einsum": lambda d: torch.einsum("ni,nj->ij", drawn(64, 8, dtype=d), drawn(64, 9, dtype=d)),
    "conv": lambda d: torch.conv2d(drawn(2, 5, 8, 8, dtype=d), drawn(4, 5, 3, 3, dtype=d)),
    "sum": lambda d: drawn(64, 9, dtype=d).sum(0),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", PRODUCTS)
def test_another_machine_rounds_otherwise_and_always_alike(name, dtype):
    here = PRODUCTS[name](dtype)
    with LastBit(7):
        there, again = PRODUCTS[name](dtype), PRODUCTS[name](dtype)
    with LastBit(8):
        elsewhere = PRODUCTS[name](dtype)
    assert torch.equal(there, again)
    assert not torch.equal(there, here)
    assert not torch.equal(there, elsewhere)
    # 64 terms of about one each: a hundred times eps is far more than rounding does
    assert (there - here).abs().max() < 100 * torch.finfo(dtype).eps
    assert there.stride() == here.stride()


def test_what_is_exact_everywhere_stays():
    """Counts, selections and sums of halves have zeros in their last bits."""
    chosen, counts, any_numbers = (
        torch.eye(6)[[3, 1, 1]],
        torch.arange(12.0).view(6, 2) / 2,
        drawn(6, 2, dtype=torch.float32),
    )
    with LastBit(1):
        assert torch.equal(chosen @ any_numbers, any_numbers[[3, 1, 1]])
        assert torch.equal(any_numbers.T @ chosen.T, any_numbers.T[:, [3, 1, 1]])
        assert torch.equal(chosen @ counts, counts[[3, 1, 1]])
        assert (counts.sum(), counts.mean(0).tolist()) == (33, [2.5, 3.0])


def test_gradients_are_moved_too():
    weight, seen = drawn(4, 64).requires_grad_(), drawn(64, 3)
    (here,) = torch.autograd.grad((weight @ seen).square().sum(), [weight])
    with LastBit(1) as machine:
        product = (weight @ seen).square().sum()
        before = machine.moved
        (there,) = torch.autograd.grad(product, [weight])
    assert machine.moved > before
    assert not torch.equal(here, there)
    assert_rounding(there, here, terms=here.abs().max())


def test_half_precision_rounds_the_other_way_now_and_then():
    one, two = drawn(200, 64).bfloat16(), drawn(64, 200).bfloat16()
    here = one @ two
    with LastBit(5):
        there = one @ two
    share = (here != there).float().mean()
    assert 0 < share < 0.1
    torch.testing.assert_close(there, here, rtol=2**-7, atol=0)

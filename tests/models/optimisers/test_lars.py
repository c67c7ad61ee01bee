"""LARS against its formula, written out."""

import pytest
import torch
from apical.models import LARS, ModelError


def by_formula(weight, gradients, rate, momentum, decay, trust):
    velocity = torch.zeros_like(weight)
    for gradient in gradients:
        if weight.dim() > 1:
            gradient = gradient + decay * weight
            sizes = weight.norm(), gradient.norm()
            gradient = gradient * (trust * sizes[0] / sizes[1] if min(sizes) > 0 else 1.0)
        velocity = momentum * velocity + gradient
        weight = weight - rate * velocity
    return weight


@pytest.mark.parametrize("shape", [(4, 3), (5, 2, 3, 3), (6,)], ids=["matrix", "kernel", "bias"])
def test_equals_the_formula(shape):
    g = torch.Generator().manual_seed(0)
    weight = torch.randn(shape, generator=g, dtype=torch.float64)
    gradients = [torch.randn(shape, generator=g, dtype=torch.float64) for _ in range(5)]
    expected = by_formula(weight, gradients, 0.3, 0.9, 0.01, 0.02)
    optimiser = LARS(learning_rate=0.3, momentum=0.9, weight_decay=0.01, trust=0.02)
    optimiser.register("w", weight)
    for gradient in gradients:
        optimiser.advance()
        optimiser.apply("w", weight, -gradient)
    torch.testing.assert_close(weight, expected, rtol=1e-12, atol=0)


def test_the_first_step_has_the_size_of_the_trust():
    weight = torch.randn(7, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    before = weight.clone()
    optimiser = LARS(learning_rate=2.0, trust=0.01)
    optimiser.register("w", weight)
    optimiser.apply("w", weight, 1000 * torch.ones_like(weight))
    assert ((weight - before).norm() / before.norm()).item() == pytest.approx(0.02)


def test_silent_weights_and_silent_gradients_are_not_scaled():
    for weight, change, moved in (
        (torch.zeros(2, 2), torch.ones(2, 2), 1.0),
        (torch.ones(2, 2), torch.zeros(2, 2), 0.0),
    ):
        before = weight.clone()
        optimiser = LARS(learning_rate=1.0)
        optimiser.register("w", weight)
        optimiser.apply("w", weight, change)
        assert torch.equal(weight - before, torch.full((2, 2), moved))


def test_a_factor_scales_the_population():
    weight = {name: torch.ones(2, 2) for name in ("block1.w", "block2.w")}
    optimiser = LARS(learning_rate=1.0, factors={"block2": 0.5})
    for name, w in weight.items():
        optimiser.register(name, w)
        optimiser.apply(name, w, torch.ones(2, 2))
    assert (weight["block2.w"] - 1).norm().item() == pytest.approx(
        0.5 * (weight["block1.w"] - 1).norm().item(), rel=1e-3
    )


def test_blocks_and_bad_numbers_are_refused():
    optimiser = LARS(learning_rate=1.0)
    optimiser.register("w", torch.ones(2, 2))
    with pytest.raises(ModelError, match=r"w.change: expected the whole change for lars, or its size first"):
        optimiser.apply("w", torch.ones(2, 2), torch.ones(1, 2), slice(0, 1))
    with pytest.raises(ModelError, match=r"optimiser.trust: expected at least 0"):
        LARS(learning_rate=1.0, trust=-1.0)

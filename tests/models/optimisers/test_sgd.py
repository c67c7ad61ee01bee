"""Our SGD is PyTorch's, and takes blocks of rows and factors per population."""

import pytest
import torch
from apical.models import SGD, AdamW, ModelError


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.0}, {"weight_decay": 0.1}])
def test_it_moves_weights_as_pytorch_does(settings):
    draws = torch.Generator().manual_seed(0)
    theirs = torch.randn(6, 5, generator=draws, dtype=torch.float64).requires_grad_()
    ours = theirs.detach().clone()
    reference = torch.optim.SGD([theirs], lr=0.1, **({"momentum": 0.9} | settings))
    optimiser = SGD(learning_rate=0.1, **settings)
    optimiser.register("w", ours)
    for _ in range(4):
        gradient = torch.randn(6, 5, generator=draws, dtype=torch.float64)
        theirs.grad = gradient
        reference.step()
        optimiser.advance()
        for rows in (slice(0, 4), slice(4, 6)):
            optimiser.apply("w", ours, -gradient[rows], rows)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_a_factor_scales_the_rate_of_its_population_alone(kind):
    moved = {}
    for name in ("conv1.weight", "conv2.weight"):
        weight = torch.ones(3)
        optimiser = kind(learning_rate=0.1, weight_decay=0.0, factors={"conv1": 0.5})
        optimiser.register(name, weight)
        optimiser.advance()
        optimiser.apply(name, weight, torch.ones(3))
        moved[name] = weight - 1
    torch.testing.assert_close(moved["conv1.weight"], 0.5 * moved["conv2.weight"])


@pytest.mark.parametrize("field", ["learning_rate", "momentum", "weight_decay"])
def test_a_hyperparameter_outside_its_range_is_refused(field):
    with pytest.raises(ModelError, match=f"optimiser.{field}"):
        SGD(**({"learning_rate": 0.1} | {field: -1.0}))

import pytest
import torch
from apical.models import AdamW, ApicalProjection, ModelError
from apical.models.optimisers.sgd import SGD


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_torchs_adamw(dtype):
    g = torch.Generator().manual_seed(0)
    ours = torch.randn(6, 4, generator=g, dtype=dtype)
    theirs = ours.clone().requires_grad_()
    settings = {"learning_rate": 3e-3, "weight_decay": 0.05, "beta1": 0.8, "beta2": 0.95, "eps": 1e-7}
    optimiser = AdamW(**settings)
    optimiser.register("w", ours)
    reference = torch.optim.AdamW([theirs], lr=3e-3, weight_decay=0.05, betas=(0.8, 0.95), eps=1e-7)
    for _ in range(20):
        gradient = torch.randn(6, 4, generator=g, dtype=dtype)
        optimiser.advance()
        for rows in (slice(0, 4), slice(4, 6)):
            optimiser.apply("w", ours, -gradient[rows], rows)
        theirs.grad = gradient
        reference.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-7)


def test_layout_of_the_change_does_not_matter():
    g = torch.Generator().manual_seed(0)
    plain = torch.randn(4, 3, 3, 3, generator=g)
    last = plain.clone(memory_format=torch.channels_last)
    change = torch.randn(4, 3, 3, 3, generator=g)
    for weight, given in ((plain, change), (last, change)):
        optimiser = AdamW(learning_rate=0.1)
        optimiser.register("w", weight)
        optimiser.advance()
        optimiser.apply("w", weight, given)
    assert torch.equal(plain, last)


@pytest.mark.parametrize("units", [1, 5, 300])
def test_apical_change_in_blocks_is_the_whole_product(units, monkeypatch):
    monkeypatch.setattr("apical.models.populations.apical.BLOCK_BYTES", 4 * 9 * 7)  # seven rows a block
    g = torch.Generator().manual_seed(0)
    prediction, context = torch.randn(8, units, generator=g), torch.randn(8, 9, generator=g)
    whole = torch.randn(units, 9, generator=g)
    projection = ApicalProjection("p", whole.clone())
    optimisers = [AdamW(learning_rate=0.01), AdamW(learning_rate=0.01)]
    optimisers[0].register("p.apical", projection.weight)
    optimisers[1].register("p.apical", whole)
    for optimiser in optimisers:
        optimiser.advance()
    projection.descend(prediction, context, optimisers[0])
    change = prediction.T @ context
    optimisers[1].apply("p.apical", whole, change)
    torch.testing.assert_close(projection.weight, whole)


@pytest.mark.parametrize(
    ("field", "value"), [("learning_rate", -1.0), ("beta1", 1.0), ("beta2", -0.1), ("eps", float("nan"))]
)
def test_bad_numbers_are_refused(field, value):
    with pytest.raises(ModelError, match=f"optimiser.{field}"):
        AdamW(**{"learning_rate": 1e-3, field: value})


@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_a_number_on_the_device_says_whether_a_change_is_taken(kind):
    """SAL on a GPU: an area that no row used keeps its weights and moments, and the host never asks which it is."""
    draws = torch.Generator().manual_seed(0)
    start, changes = torch.randn(2, 3, generator=draws), torch.randn(4, 2, 3, generator=draws)
    gated, plain = (kind(learning_rate=0.1, weight_decay=0.01) for _ in range(2))
    weights = start.clone(), start.clone()
    for optimiser, weight in zip((gated, plain), weights, strict=True):
        optimiser.register("w", weight)
    for change in changes:
        gated.advance(), plain.advance()
        plain.apply("w", weights[1], change[:1], slice(0, 1))
        for row, resting in enumerate((0.0, 1.0)):
            gated.apply_unless(torch.tensor(resting), "w", weights[0], change[row : row + 1], slice(row, row + 1))
    torch.testing.assert_close(weights[0], weights[1])
    assert torch.equal(weights[0][1], start[1])
    for name, tensor in plain.tensors().items():
        torch.testing.assert_close(gated.tensors()[name], tensor)


def test_a_rate_that_is_set_holds_for_the_next_step_also_after_a_restore():
    weights = torch.ones(3), torch.ones(3)
    for weight, resumed in zip(weights, (False, True), strict=True):
        optimiser = AdamW(learning_rate=0.5)
        optimiser.register("w", weight)
        for step in range(4):
            if resumed and step == 2:
                optimiser.restore(step)
            optimiser.learning_rate = 0.1 / (step + 1)
            optimiser.advance()
            optimiser.apply("w", weight, torch.arange(3.0))
    assert torch.equal(*weights)

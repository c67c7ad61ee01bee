import pytest
import torch
from apical.models.optimisers.adamw import AdamW
from apical.models.optimisers.measured import Measured
from apical.models.optimisers.sgd import SGD
from apical.models.populations.apical import ApicalProjection


def optimiser(kind, weight, name="w"):
    made = kind(learning_rate=0.01, weight_decay=0.1)
    made.register(name, weight)
    return made


@pytest.mark.parametrize("kind", [AdamW, SGD])
@pytest.mark.parametrize("blocks", [None, [slice(0, 3), slice(3, 5)]])
def test_it_notes_what_was_given_and_what_the_weight_did(kind, blocks):
    g = torch.Generator().manual_seed(0)
    weight, plain = (torch.randn(5, 4, generator=g, dtype=torch.float64) for _ in range(2))
    plain.copy_(weight)
    changes = [torch.randn(5, 4, generator=g, dtype=torch.float64) for _ in range(3)]
    inner, other = optimiser(kind, weight), optimiser(kind, plain)
    for change in changes:
        before = weight.clone()
        inner.advance()
        measured = Measured(inner)  # of one step
        for block in blocks or [None]:
            measured.apply("w", weight, change if block is None else change[block], block)
        other.advance()
        other.apply("w", plain, change)
        move = measured.move("w")
        assert move.drive.item() == pytest.approx(change.norm().item(), rel=1e-12)
        assert move.change.item() == pytest.approx((weight - before).norm().item(), rel=1e-12)
        torch.testing.assert_close(weight, plain, rtol=0, atol=0)


def test_several_weights_are_one_move_and_none_is_no_move():
    first, second = torch.zeros(3), torch.zeros(2, 2)
    inner = optimiser(SGD, first, "a")
    inner.register("b", second)
    inner.advance()
    measured = Measured(inner)
    measured.apply("a", first, torch.tensor([0.0, 3.0, 0.0]))
    measured.apply("b", second, torch.tensor([[4.0, 0.0], [0.0, 0.0]]))
    assert measured.move("a", "b").drive.item() == pytest.approx(5.0)
    assert measured.move("a", "b").change.item() == pytest.approx(0.05)
    assert measured.move("c").change.item() == measured.move("c").drive.item() == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_drive_of_an_apical_change_survives_cancelling_rows(seed):
    """Two rows nearly alike, one pushing and one pulling: the change is far smaller than either's share."""
    g = torch.Generator().manual_seed(seed)
    rate, glance = torch.rand(1, 500, generator=g), torch.rand(1, 400, generator=g)
    prediction = torch.cat([rate, -rate]) + 0.01 * torch.randn(2, 500, generator=g)
    context = glance + 0.01 * torch.randn(2, 400, generator=g)
    projection = ApicalProjection("p", torch.zeros(500, 400))
    inner = optimiser(AdamW, projection.weight, "p.apical")
    inner.advance()
    measured = Measured(inner)
    projection.descend(prediction, context, measured)
    explicit = prediction.double().T @ context.double()
    assert measured.move("p.apical").drive.item() == pytest.approx(explicit.norm().item(), rel=1e-3)
    assert measured.move("p.apical").change.item() == pytest.approx(projection.weight.double().norm().item(), rel=1e-6)

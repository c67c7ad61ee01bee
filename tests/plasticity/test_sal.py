"""Routing: the choice of an area, and how the projection learns it."""

import pytest
import torch
from apical.plasticity import SAL, RuleError, nearest, routing_point
from hypothesis import given
from hypothesis import strategies as st


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seed=st.integers(0, 2**16), areas=st.integers(1, 9), dimensions=st.integers(1, 5))
def test_the_nearest_prototype_is_nearest_on_the_sphere(seed, areas, dimensions):
    point, prototypes = draw(7, dimensions, seed=seed), draw(areas, dimensions, seed=seed + 1)
    prototypes = prototypes / prototypes.norm(dim=1, keepdim=True)
    area = nearest(point, prototypes)
    assert area.shape == (7,)
    distance = torch.cdist(point / point.norm(dim=1, keepdim=True), prototypes)
    torch.testing.assert_close(distance.gather(1, area[:, None])[:, 0], distance.min(1).values)


def test_the_size_of_a_point_does_not_matter():
    point, prototypes = draw(20, 3), torch.eye(3, dtype=torch.float64)
    assert torch.equal(nearest(point, prototypes), nearest(1000 * point, prototypes))


def test_the_projection_finds_the_principal_directions():
    """Oja's rule: from anywhere to orthonormal rows within the plane of largest variance, the mean removed."""
    scales = torch.tensor([3.0, 2.0, 0.3, 0.2, 0.1], dtype=torch.float64)
    rule, state = SAL(routing_rate=0.2), {"projection": draw(2, 5) / 3, "mean": torch.zeros(5, dtype=torch.float64)}
    for step in range(400):
        state = rule.routing(draw(200, 5, seed=step) * scales + 4, state)
    gram = state["projection"] @ state["projection"].T
    torch.testing.assert_close(gram, torch.eye(2, dtype=torch.float64), atol=0.05, rtol=0)
    assert state["projection"][:, :2].square().sum() > 0.97 * state["projection"].square().sum()
    torch.testing.assert_close(state["mean"], torch.full((5,), 4.0, dtype=torch.float64), atol=0.3, rtol=0)


def test_the_routing_of_a_batch_is_the_mean_of_its_rows():
    rule, pre, state = SAL(), draw(6, 5), {"projection": draw(2, 5), "mean": draw(5, seed=1)}
    whole = rule.routing(pre, state)
    singles = [rule.routing(pre[i : i + 1], state) for i in range(6)]
    for name in ("projection", "mean"):
        torch.testing.assert_close(whole[name], torch.stack([one[name] for one in singles]).mean(0))


def test_a_rate_of_zero_freezes_the_routing():
    state = {"projection": draw(2, 5), "mean": draw(5, seed=1)}
    found = SAL(routing_rate=0.0).routing(draw(6, 5), state)
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_the_point_is_centred_and_scaled():
    pre, mean, projection = draw(3, 4), draw(4, seed=1), draw(2, 4, seed=2)
    torch.testing.assert_close(routing_point(pre, mean, projection), (pre - mean) @ projection.T / 2)


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_rates_outside_the_range_are_refused(rate):
    with pytest.raises(RuleError, match=r"SAL.routing_rate: expected 0 to 1, got"):
        SAL(routing_rate=rate)

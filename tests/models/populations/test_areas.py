"""Populations divided into areas: a row uses one area, and no row's area answers for another's."""

import pytest
import torch
from apical.models import ModelError, area_network
from apical.models.engine import rates


def make(hidden=(5, 5), areas=3, shape=(1, 2, 3)):
    generator = torch.Generator().manual_seed(1)
    network = area_network(shape, hidden, areas=areas, dimensions=4, generator=generator)
    return network.to(torch.device("cpu"), torch.float64)


def rows(n=16, shape=(1, 2, 3)):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_every_row_is_computed_by_the_area_that_it_chose():
    population = make().populations[0]
    population.weight.normal_(generator=torch.Generator().manual_seed(3))
    population.bias.normal_(generator=torch.Generator().manual_seed(4))
    pre = rows().flatten(1)
    found = population.forward(pre, population.weight, population.bias, keep_basal=True)
    assert torch.equal(found.area, population.choose(pre))
    assert len(set(found.area.tolist())) == 3
    for i, area in enumerate(found.area.tolist()):
        torch.testing.assert_close(found.basal[i], population.weight[area] @ pre[i] + population.bias[area])
    assert torch.equal(found.rate, found.basal.relu())


def test_changes_are_sums_over_the_rows_of_each_area():
    population = make().populations[0]
    pre = rows().flatten(1)
    activity = population.forward(pre, population.weight, population.bias)
    factor = torch.randn(16, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    change, bias = population.change(factor, activity)
    for area in range(3):
        mine = activity.area == area
        torch.testing.assert_close(change[area], factor[mine].T @ pre[mine])
        torch.testing.assert_close(bias[area], factor[mine].sum(0))


def test_a_gpu_computes_all_areas_and_takes_the_same():
    """The way of a device that nobody asks which areas are in use; there is no other difference."""
    population = make(areas=6).populations[0]
    population.weight.normal_(generator=torch.Generator().manual_seed(3))
    population.bias.normal_(generator=torch.Generator().manual_seed(4))
    pre = rows(4).flatten(1)
    activity = population.forward(pre, population.weight, population.bias, keep_basal=True)
    torch.testing.assert_close(
        population.in_all(pre, population.weight, population.bias, activity.area), activity.basal
    )
    factor = torch.randn(4, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    change, bias, resting = population.change_of_all(factor, activity)
    expected, expected_bias = population.change(factor, activity)
    torch.testing.assert_close(change, expected)
    torch.testing.assert_close(bias, expected_bias)
    assert resting.tolist() == [float(area not in activity.area) for area in range(6)]


def test_an_area_without_rows_has_no_change_at_all():
    population = make().populations[0]
    activity = population.forward(rows(1).flatten(1), population.weight, population.bias)
    blocks = [block for block, _, _ in population.area_changes(torch.ones(1, 5, dtype=torch.float64), activity)]
    assert blocks == [slice(int(activity.area), int(activity.area) + 1)]


def test_equal_sizes_start_as_the_identity_and_all_areas_alike():
    network = make(hidden=(5, 5, 4))
    first, second, third = (p.weight for p in network.populations)
    assert all(torch.equal(w[0], w[2]) for w in (first, second, third))
    assert torch.equal(second[1], torch.eye(5, dtype=torch.float64))
    bottom, _, _ = rates(network, rows())
    assert torch.equal(rates(network, rows())[1], bottom)


def test_routing_lives_in_the_buffers_and_moves_with_the_network():
    network = make()
    for population in network.populations:
        for name, value in population.routing.items():
            assert network.buffers[f"{population.name}.{name}"] is value
            assert value.dtype == torch.float64
        torch.testing.assert_close(population.routing["prototypes"].norm(dim=1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize(("name", "areas", "dimensions"), [("areas", 0, 3), ("routing", 2, 0)])
def test_numbers_below_one_are_refused(name, areas, dimensions):
    with pytest.raises(ModelError, match=f"network.{name}: expected at least 1, got 0"):
        area_network((1, 2, 2), (3,), areas=areas, dimensions=dimensions, generator=torch.Generator())

"""Where a neuron sits, against the population's own sweep and its own change with the drive masked to one place."""

import pytest
import torch
from apical.models import (
    RELU,
    AreaPopulation,
    ConvPopulation,
    DensePopulation,
    ModelError,
    Pooling,
    area_network,
    triangle,
)
from apical.models.populations import geometry
from hypothesis import given
from hypothesis import strategies as st

ROWS, DEPTH, CHANNELS = 3, 2, 3
EVERY = torch.arange(CHANNELS)
TRANSFERS = RELU, triangle(1.4)


def normal(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@st.composite
def convolutions(draw):
    """Any kernel, rim, pool and grid that a population takes."""
    kernel, mode = draw(st.sampled_from([1, 2, 3, 5])), draw(st.sampled_from(["zeros", "reflect"]))
    padding, stride = draw(st.integers(0, kernel - 1)), draw(st.sampled_from([1, 1, 2, 3]))
    size = draw(st.tuples(st.integers(5, 9), st.integers(5, 9)))
    pool = None
    if draw(st.booleans()):
        side = draw(st.integers(1, 4))
        pool = Pooling(
            draw(st.sampled_from(["max", "avg"])), side, draw(st.integers(1, 4)), draw(st.integers(0, side // 2))
        )
        # the windows must cover the map evenly
        rim = 2 * padding - kernel
        size = tuple(
            n
            + next(
                more
                for more in range(13)
                if not ((n + more + rim) // stride + 1 + 2 * pool.padding - side) % pool.stride
            )
            for n in size
        )
    words = {
        "weight": normal(CHANNELS, DEPTH, kernel, kernel, seed=draw(st.integers(0, 99))), "bias": normal(CHANNELS, seed=1),
        "pool": pool, "transfer": draw(st.sampled_from(TRANSFERS)), "padding": padding, "padding_mode": mode, "stride": stride,
    }  # fmt: skip
    inputs = (DEPTH, *size)
    try:
        after = ConvPopulation("conv1", inputs, CHANNELS, grid=1, **words).shape
    except ModelError:  # a map too small for its pool
        return draw(convolutions())
    fitting = [g for g in range(1, 1 + min(after[1:])) if after[1] % g == after[2] % g == 0]
    return ConvPopulation("conv1", inputs, CHANNELS, grid=draw(st.sampled_from(fitting)), **words)


def swept(population, seed):
    size = population.inputs if isinstance(population, ConvPopulation) else (population.weight.shape[1],)
    pre = normal(ROWS, *size, seed=seed)
    return population.forward(pre, population.weight, population.bias, keep_potential=True)


def any_place(draw, population):
    _, height, width = geometry.map_of(population.neurons)
    return draw.draw(st.integers(0, height - 1)), draw.draw(st.integers(0, width - 1))


@given(convolutions(), st.integers(0, 99), st.data())
def test_afferents_and_their_weights_give_the_potential(population, seed, draw):
    activity, place = swept(population, seed), any_place(draw, population)
    seen = geometry.afferents(population, place)
    weights = geometry.weights_of(population, EVERY, seen.weights)
    found = activity.pre.flatten(1)[:, seen.inputs] @ weights.T + population.bias
    torch.testing.assert_close(found, activity.potential[:, :, place[0], place[1]], rtol=1e-10, atol=1e-12)


@given(convolutions(), st.integers(0, 99), st.data())
def test_a_place_is_driven_through_its_windows_by_its_apical_rows(population, seed, draw):
    """The field that reaches a neuron, before rho': what the engine spreads over blocks and hands back through the pool."""
    linear = ConvPopulation(
        "conv1", population.inputs, CHANNELS, pool=population.pooling, grid=population.grid, weight=population.weight,
        bias=population.bias, padding=population.padding, padding_mode=population.padding_mode,
        stride=population.stride,
    )  # fmt: skip
    activity, place = swept(linear, seed), any_place(draw, linear)
    drive = normal(ROWS, linear.units, seed=seed + 1)
    found = torch.zeros(ROWS, CHANNELS, dtype=torch.float64)
    for cell, through in geometry.cells(linear, place).items():
        rows = geometry.apical_rows(linear, EVERY, cell)
        found += geometry.voices(linear, activity, EVERY, place, through) * drive[:, rows]
    found = found * geometry.share(linear) * (activity.potential[:, :, place[0], place[1]] > 0)
    expected = linear.factor(drive, activity)[:, :, place[0], place[1]]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)


@given(convolutions(), st.integers(0, 99), st.data())
def test_a_change_at_one_place_is_the_engines_with_the_factor_masked_to_it(population, seed, draw):
    activity, place = swept(population, seed), any_place(draw, population)
    factor = torch.zeros(ROWS, *population.neurons, dtype=torch.float64)
    here = normal(ROWS, CHANNELS, seed=seed + 2)
    factor[:, :, place[0], place[1]] = here
    expected, _ = population.change(factor, activity)
    seen = geometry.afferents(population, place)
    before = population.weight.clone()
    geometry.add_change(population, EVERY, seen.weights, here.T @ activity.pre.flatten(1)[:, seen.inputs])
    torch.testing.assert_close(population.weight - before, expected, rtol=1e-9, atol=1e-11)


@given(convolutions())
def test_every_window_is_that_of_the_places_that_it_reads(population):
    """Brute force: a window reads the places under which its mean moves."""
    if population.pooling is None:
        assert all(geometry.windows(population, place) == [place] for place in geometry.places(population))
        return
    pooling = population.pooling
    mean = Pooling("avg", pooling.kernel, pooling.stride, pooling.padding)
    for place in geometry.places(population):
        alone = torch.zeros(1, 1, *population.neurons[1:], dtype=torch.float64)
        alone[0, 0, place[0], place[1]] = 1
        reads = mean.forward(alone)[0][0, 0].nonzero().tolist()
        assert geometry.windows(population, place) == [tuple(at) for at in reads]


@given(convolutions(), st.integers(0, 99))
def test_apical_units_carry_what_the_block_pools(population, seed):
    """Spreading block by block and pooling again is nothing: every neuron finds its block."""
    pooled = normal(2, population.units, seed=seed)
    every = torch.arange(population.shape[0] * population.shape[1] * population.shape[2])
    spread = pooled[:, geometry.apical_units(population, every, population.units)].view(2, *population.shape)
    torch.testing.assert_close(population.pooled(spread), pooled)


def test_places_begin_at_the_centre():
    population = ConvPopulation(
        "conv1", (1, 4, 6), 1, pool=False, grid=1, weight=torch.zeros(1, 1, 3, 3), bias=torch.zeros(1)
    )
    found = geometry.places(population)
    assert found[0] == (2, 3)
    assert sorted(found) == [(row, col) for row in range(4) for col in range(6)]


def test_a_dense_population_sits_at_one_place():
    population = DensePopulation("dense1", CHANNELS, weight=normal(CHANNELS, 5, seed=0), bias=normal(CHANNELS, seed=1))
    activity = swept(population, 0)
    seen = geometry.afferents(population, (0, 0))
    assert geometry.places(population) == geometry.windows(population, (0, 0)) == [(0, 0)]
    assert geometry.cells(population, (0, 0)) == {0: [(0, 0)]}
    assert not geometry.competes(population)
    assert geometry.share(population) == 1
    assert torch.equal(geometry.apical_rows(population, EVERY, 0), EVERY)
    assert torch.equal(geometry.apical_units(population, EVERY, CHANNELS), EVERY)
    assert torch.equal(
        geometry.voices(population, activity, EVERY, (0, 0), [(0, 0)]), activity.rate.new_ones(ROWS, CHANNELS)
    )
    weights = geometry.weights_of(population, EVERY[1:], seen.weights)
    torch.testing.assert_close(activity.pre @ weights.T + population.bias[1:], activity.potential[:, 1:])
    geometry.add_change(population, torch.tensor([2]), torch.tensor([4, 1]), torch.tensor([[1.0, 2.0]]))
    assert population.weight[2, [4, 1]].sum() == normal(CHANNELS, 5, seed=0)[2, [4, 1]].sum() + 3


def test_mirrored_inputs_are_synapses_of_their_own():
    population = ConvPopulation(
        "conv1", (1, 4, 4), 1, pool=False, grid=1, weight=torch.zeros(1, 1, 3, 3), bias=torch.zeros(1), padding_mode="reflect"
    )  # fmt: skip
    seen = geometry.afferents(population, (0, 0))
    assert seen.inputs.tolist() == [5, 4, 5, 1, 0, 1, 5, 4, 5]
    assert seen.weights.tolist() == list(range(9))


def test_areas_have_no_one_set_of_weights():
    network = area_network((1, 2, 2), [3], areas=2, dimensions=2, generator=torch.Generator().manual_seed(0))
    (population,) = network.populations
    assert isinstance(population, AreaPopulation)
    assert torch.equal(geometry.apical_units(population, EVERY, 3), EVERY)
    for ask in (
        lambda: geometry.afferents(population, (0, 0)),
        lambda: geometry.add_change(population, EVERY, torch.tensor([0]), torch.zeros(3, 1)),
    ):
        with pytest.raises(ModelError, match=r"area1.areas: expected .* one set of weights, got 2 areas"):
            ask()

"""Every builder: circuits of all places add up to the engine's own changes of W, b and B, or are refused with the reason."""

import numpy as np
import pytest
import torch
from apical.models import RELU, Collector, ConvPopulation, ModelError, Network, Pooling, area_network, leaky, wire
from apical.models.engine import Architecture, LocalEngine, build_network
from apical.models.networks.layer import Layer
from apical.models.populations.geometry import map_of, places
from apical.models.populations.relay import RELAYS
from apical.models.spiking import extract
from apical.plasticity import ClappPP, Softplus, pair

OBJECTS = 3
PAIRING = pair(OBJECTS)
BUILDERS = {
    "vgg6": Architecture("vgg6", (2, 16, 16), 1 / 32, grids=(4, 2, 2, 2, 2, 1)),
    "vgg11": Architecture("vgg11", (2, 32, 32), 1 / 16, grids=(4, 4, 2, 2, 2, 1, 1, 1)),
    "softhebb": Architecture("softhebb", (2, 16, 16), 1 / 48, grids=(4, 2, 1)),
    "scff": Architecture("scff", (2, 16, 16), 1 / 48, grids=(4, 2, 1)),
    "mlp": Architecture("mlp", (2, 4, 4), hidden=(9, 7, 6)),
    "layers": Architecture(
        "layers", (2, 11, 11),
        layers=(Layer(conv=3, kernel=5, stride=2, rim="reflect"), Layer(conv=4, kernel=2, stride=2, padding=1, pool=2), Layer(dense=5)),
    ),
}  # fmt: skip
RULES = [ClappPP(context=context, contrast=Softplus()) for context in ("lateral", "dfb", "both")]
# populations of at most 64 places, with and without a pool; images are above 0, so that dense1 sees rates
CUT = [
    ("vgg6", "conv3"), ("vgg6", "conv4"), ("vgg6", "conv5"), ("vgg6", "conv6"),
    ("vgg11", "conv4"), ("vgg11", "conv7"), ("vgg11", "conv8"),
    ("scff", "conv3"), ("mlp", "dense1"), ("mlp", "dense3"), ("layers", "conv1"), ("layers", "conv2"), ("layers", "dense1"),
]  # fmt: skip


def built(builder, rule):
    return build_network(BUILDERS[builder], rule, seed=3).to(torch.device("cpu"), torch.float64)


def seen(network):
    return torch.rand(2 * OBJECTS, *network.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def engine_changes(network, rule):
    collector = Collector()
    LocalEngine(network, rule, collector).step(seen(network), PAIRING)
    return {name: change.numpy() for name, change in collector.changes.items()}


def added_up(network, rule, population, sites):
    """Changes of W, b and B that the circuits at these places make together, in the engine's shapes."""
    cell = network.populations[network.names.index(population)]
    channels = np.arange(cell.shape[0])
    weight = np.zeros(cell.weight.shape).reshape(len(channels), -1)
    bias, apical = np.zeros(len(channels)), {}
    for source in rule.needs.sources:
        projection = network.apical[source][network.names.index(population)]
        matrix = apical.setdefault(source, np.zeros(projection.weight.shape))
        for place in sites:
            c = extract(
                network, seen(network), PAIRING, rule, population=population, units=range(len(channels)), source=source,
                position=place if isinstance(cell, ConvPopulation) else None, mass=1.0,
            )  # fmt: skip
            modulated = (c.gamma * c.weight)[:, None]
            weight[:, c.synapses] += c.change().sum(0)
            bias += (modulated * c.prediction * c.gate * c.winner).sum(0)
            # the row of B is known by its weights
            rows = [np.flatnonzero((projection.weight.numpy() == row).all(1)).item() for row in c.B]
            matrix[rows] += (modulated * c.rate * c.winner).T @ c.context
    return weight.reshape(cell.weight.shape), bias, apical


def assert_engines(network, rule, population, sites):
    changes = engine_changes(network, rule)
    weight, bias, apical = added_up(network, rule, population, sites)
    assert changes[f"{population}.weight"].any()
    for found, name in ((weight, "weight"), (bias, "bias"), *((b, f"{s}.apical") for s, b in apical.items())):
        expected = changes[f"{population}.{name}"]
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12 * np.abs(expected).max(), err_msg=name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.context)
@pytest.mark.parametrize(("builder", "population"), CUT)
def test_circuits_of_all_places_change_what_the_engine_changes(builder, population, rule):
    network = built(builder, rule)
    assert_engines(network, rule, population, places(network.populations[network.names.index(population)]))


POOLS = {
    "none": None, "max": Pooling(), "overlapping max": Pooling("max", 4, 2, 1), "mean": Pooling("avg", 2, 2),
    "overlapping mean": Pooling("avg", 3, 1, 1), "single": Pooling("max", 1, 1),
}  # fmt: skip


def column(pool, *, kernel=5, mode="reflect", grid=1, transfers=(RELU, RELU), source="lateral"):
    """Two populations of which the second has any pool, kernel and rim."""
    draws = torch.Generator().manual_seed(2)
    normal = lambda *shape: torch.randn(*shape, generator=draws, dtype=torch.float64) / 4  # noqa: E731
    first = ConvPopulation(
        "conv1", (2, 6, 6), 3, pool=False, grid=1, weight=normal(3, 2, 3, 3), bias=normal(3), transfer=transfers[0]
    )
    second = ConvPopulation(
        "conv2", first.shape, 4, pool=pool or False, grid=grid, weight=normal(4, 3, kernel, kernel), bias=normal(4),
        transfer=transfers[1], padding_mode=mode,
    )  # fmt: skip
    network = wire(Network((2, 6, 6), [first, second]), (source,), generator=draws)
    return network.to(torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize("pool", POOLS)
def test_every_pool_and_rim_is_cut_rightly(pool, mode):
    network = column(POOLS[pool], mode=mode)
    assert_engines(network, RULES[0], "conv2", places(network.populations[1]))


@pytest.mark.parametrize("relay", ["unit", "batchnorm"])
def test_what_a_relay_hands_on_is_what_the_circuit_sees(relay):
    """`unit` is cut rightly; what `batchnorm` centres comes from two cells, and its running statistics do not move."""
    network = column(POOLS["max"])
    for position, cell in enumerate(network.populations):
        cell.relay = RELAYS[relay](position, (2, 6, 6) if position == 0 else (3, 6, 6))
        cell.relay.buffers = {name: buffer.double() for name, buffer in cell.relay.buffers.items()}
    if relay == "unit":
        assert_engines(network, RULES[0], "conv2", places(network.populations[1]))
        return
    buffers = [buffer for cell in network.populations for buffer in cell.relay.buffers.values()]
    before = [buffer.clone() for buffer in buffers]
    cut = extract(network, seen(network), PAIRING, RULES[0], population="conv2", mass=1.0)
    assert set(cut.sign) == {1, -1}
    assert cut.z_pre.min() == 0
    np.testing.assert_allclose(cut.z_pre @ cut.W.T + cut.bias, cut.basal, rtol=1e-9)
    assert all(torch.equal(one, two) for one, two in zip(buffers, before, strict=True))


def test_a_centring_relay_is_seen_as_in_a_step_that_learns():
    """Statistics of the batch, not the running ones: shifted above 0, the circuit is the engine's."""
    network = column(POOLS["none"])
    relay = RELAYS["batchnorm"](1, (3, 6, 6))
    relay.buffers = {name: buffer.double() for name, buffer in relay.buffers.items()}

    class Lifted:
        buffers = relay.buffers

        def __call__(self, pre, pairing, *, learning):
            return relay(pre, pairing, learning=learning) + 9

    network.populations[1].relay = Lifted()
    assert_engines(network, RULES[0], "conv2", places(network.populations[1]))


def test_a_place_of_several_apical_rows_is_refused_and_the_default_avoids_it():
    network = column(POOLS["overlapping max"], grid=3)
    circuit = extract(network, seen(network), PAIRING, RULES[0], population="conv2")
    assert circuit.position in [(row, col) for row in (0, 5) for col in (0, 5)]
    with pytest.raises(
        ModelError, match=r"circuit.position: expected a place of conv2 whose .* got \(3, 2\), .* 4 cells"
    ):
        extract(network, seen(network), PAIRING, RULES[0], population="conv2", position=(3, 2))
    everywhere = column(POOLS["overlapping mean"], grid=6)
    with pytest.raises(ModelError, match=r"circuit.population: expected neurons with one apical row each, got conv2"):
        extract(everywhere, seen(everywhere), PAIRING, RULES[0], population="conv2")


def test_a_place_that_no_window_reads_is_refused():
    network = column(Pooling("max", 1, 5), mode="zeros")
    with pytest.raises(ModelError, match=r"circuit.position: expected a place that a window .* got \(1, 1\)"):
        extract(network, seen(network), PAIRING, RULES[0], population="conv2", position=(1, 1))
    assert_engines(network, RULES[0], "conv2", [(0, 0), (0, 5), (5, 0), (5, 5)])


@pytest.mark.parametrize(("builder", "population", "remedy"), [
    ("softhebb", "conv1", "no population of this network has it"),
    ("softhebb", "conv3", "no population of this network has it"),
    ("scff", "conv2", "choose conv3"),
])  # fmt: skip
def test_competing_neurons_are_refused(builder, population, remedy):
    network = built(builder, RULES[0])
    with pytest.raises(ModelError, match=rf"{population}.transfer: expected relu, .* got triangle.*; {remedy}"):
        extract(network, seen(network), PAIRING, RULES[0], population=population)


def test_areas_are_refused():
    draws = torch.Generator().manual_seed(0)
    network = wire(
        area_network((2, 4, 4), [6, 6], areas=3, dimensions=2, generator=draws), ("lateral",), generator=draws
    )
    with pytest.raises(ModelError, match=r"area2.areas: expected a population whose neurons have one set of weights"):
        extract(network, seen(network).float(), PAIRING, RULES[0], population="area2")


def test_other_transfer_functions_are_refused_where_they_reach_a_circuit():
    leaking = leaky(0.3)
    own, below = (column(None, transfers=t) for t in ((RELU, leaking), (leaking, RELU)))
    with pytest.raises(ModelError, match=r"conv2.transfer: expected relu, .* got leaky\(0.3\); choose conv1"):
        extract(own, seen(own), PAIRING, RULES[0], population="conv2")
    with pytest.raises(ModelError, match=r"conv1.transfer: expected rates of at least 0 below conv2, got -.* leaky"):
        extract(below, seen(below), PAIRING, RULES[0], population="conv2")
    top = column(None, transfers=(RELU, leaking), source="dfb")
    with pytest.raises(ModelError, match=r"conv2.transfer: expected a context of rates of at least 0, got -.* leaky"):
        extract(top, seen(top), PAIRING, RULES[1], population="conv1")


def test_neurons_of_a_circuit_are_named_by_their_place_on_the_map():
    network = column(POOLS["max"])
    circuit = extract(network, seen(network), PAIRING, RULES[0], population="conv2", units=[1, 3], position=(4, 1))
    assert circuit.map_shape == map_of(network.populations[1].neurons) == (4, 6, 6)
    assert [tuple(map(int, np.unravel_index(u, circuit.map_shape))) for u in circuit.units] == [(1, 4, 1), (3, 4, 1)]

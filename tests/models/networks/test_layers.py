"""Networks of one's own: the builders' weights and training where the layers are theirs, and torch's sweeps and gradients where they are not."""

import math

import pytest
import torch
from apical.models import AdamW, Collector, ModelError
from apical.models.engine import Architecture, LocalEngine, build_engine, build_network
from apical.models.networks.layer import Layer, transfer_of
from apical.models.networks.layers import layers
from apical.plasticity import RULES, Apical, ClappPP, RuleError, Signals, Softplus, pair
from tolerances import assert_changes, assert_exact
from torch import nn

OBJECTS = 3
VGG6 = [
    {"conv": channels, "pool": 2 * pool, "grid": grid}
    for channels, pool, grid in zip((4, 8, 8, 16, 32, 32), (0, 1, 0, 1, 1, 1), (4, 2, 2, 2, 1, 1), strict=True)
]
SAME = {
    "vgg6": ({"width": 1 / 32, "grids": (4, 2, 2, 2, 1, 1)}, VGG6),
    "mlp": ({"hidden": (11, 7)}, [{"dense": 11}, {"dense": 7}]),
}
# every kernel, stride, rim, pool and transfer; of the second the dense population sees a map
OWN = {
    "kernel 1": [{"conv": 5, "kernel": 1, "grid": 2}, {"conv": 4, "kernel": 1, "pool": 2}],
    "kernel 3": [{"conv": 5, "pool": 2}, {"conv": 4, "grid": 1}, {"dense": 6}],
    "kernel 5": [{"conv": 5, "kernel": 5, "rim": "reflect"}, {"conv": 4, "kernel": 5, "padding": 0}],
    "stride 2": [{"conv": 5, "stride": 2}, {"conv": 4, "kernel": 5, "stride": 2, "rim": "reflect"}, {"dense": 6}],
    "even kernels": [{"conv": 5, "kernel": 2, "stride": 2}, {"conv": 4, "kernel": 4, "stride": 2, "padding": 1}],
    "mean-pool": [{"conv": 5, "pool": 2, "pool_kind": "mean"}, {"conv": 4, "pool": 4, "pool_kind": "mean", "grid": 1}],
    "windows that overlap": [{"conv": 5, "pool": 4, "pool_stride": 2, "pool_padding": 1, "transfer": "triangle(1.4)"}],
    "slopes by potential": [{"conv": 5, "pool": 2, "transfer": "gelu"}, {"conv": 4, "transfer": "abs"}, {"dense": 6, "transfer": "gelu"}],
    "transfers": [{"conv": 5, "transfer": "leaky(0.2)"}, {"conv": 4, "transfer": "triangle"}, {"dense": 6, "transfer": "identity"}],
}  # fmt: skip


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network_of(own, rule, side=8):
    architecture = Architecture("layers", (3, side, side), layers=tuple(Layer(**layer) for layer in own))
    return build_network(architecture, rule, seed=1, classes=2).to(torch.device("cpu"), torch.float64)


def seen(side=8):
    return torch.randn(2 * OBJECTS, 3, side, side, generator=seeded(5), dtype=torch.float64)


class Triangle(nn.Module):
    def __init__(self, power):
        super().__init__()
        self.power = power

    def forward(self, x):
        return (x - x.mean(1, keepdim=True)).relu() ** self.power


class Absolute(nn.Module):
    def forward(self, x):
        return x.abs()


def by_hand(own, depth):
    """The layer as torch's modules, with the pool last."""
    modules = []
    if "dense" in own:
        modules += [nn.Flatten(), nn.Linear(depth, own["dense"])]
    else:
        kernel = own.get("kernel", 3)
        mode = {"zeros": "zeros", "reflect": "reflect"}[own.get("rim", "zeros")]
        modules.append(
            nn.Conv2d(depth, own["conv"], kernel, own.get("stride", 1), own.get("padding", (kernel - 1) // 2), padding_mode=mode)
        )  # fmt: skip
    transfer = own.get("transfer", "relu")
    modules.append(
        {"relu": nn.ReLU(), "identity": nn.Identity(), "triangle": Triangle(1), "triangle(1.4)": Triangle(1.4),
         "leaky(0.2)": nn.LeakyReLU(0.2), "gelu": nn.GELU(), "abs": Absolute()}[transfer]
    )  # fmt: skip
    if own.get("pool", 0) > 1:
        kind = nn.AvgPool2d if own.get("pool_kind") == "mean" else nn.MaxPool2d
        modules.append(kind(own["pool"], own.get("pool_stride", own["pool"]), own.get("pool_padding", 0)))
    return nn.Sequential(*modules).double()


def torch_layers(network, own):
    """Torch's own layers with the network's weights."""
    found, shape = [], network.shape
    for population, layer in zip(network.populations, own, strict=True):
        module = by_hand(layer, math.prod(shape) if "dense" in layer else shape[0])
        parts = [part for part in module if isinstance(part, (nn.Conv2d, nn.Linear))]
        parts[0].weight.data, parts[0].bias.data = population.weight, population.bias
        found.append((module, parts[0]))
        shape = population.shape
    return found


@pytest.mark.parametrize("builder", SAME)
def test_layers_that_spell_a_builder_have_its_weights_and_its_training(builder):
    words, own = SAME[builder]
    rule, shape, found = ClappPP(context="both"), (3, 16, 16), []
    images, pairing = seen(16).float(), pair(OBJECTS)
    for architecture in (
        Architecture(builder, shape, **words),
        Architecture("layers", shape, layers=tuple(Layer(**layer) for layer in own)),
    ):
        network = build_network(architecture, rule, seed=3).to(torch.device("cpu"))
        start = {name: weight.clone() for name, weight in network.weights().items()}
        engine = build_engine(network, rule, learning_rate=1e-2)
        losses = [engine.step(images, pairing) for _ in range(3)]
        found.append((start, dict(network.weights()), {"losses": torch.stack(losses)}))
    for theirs, ours in zip(*found, strict=True):
        assert_exact(ours, theirs)


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_a_sweep_is_that_of_pytorchs_layers(own):
    network, pre = network_of(own, ClappPP(contrast=Softplus())), seen()
    for population, (module, _) in zip(network.populations, torch_layers(network, own), strict=True):
        expected = module(pre)
        for plastic in (False, True):
            found = population.forward(pre, population.weight, population.bias, plastic=plastic)
            torch.testing.assert_close(found.rate, expected)
        pre = expected


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_changes_equal_autograd_of_pytorchs_layers(own, context):
    rule, pairing = ClappPP(context=context, contrast=Softplus()), pair(OBJECTS)
    network, pre, pooled = network_of(own, rule), seen(), []
    made, losses = torch_layers(network, own), []
    for population, (module, _) in zip(network.populations, made, strict=True):
        pre = module(pre.detach())
        rate = pre if pre.dim() == 2 else nn.functional.adaptive_avg_pool2d(pre, population.grid).flatten(1)
        pooled.append(rate)
    for i, rate in enumerate(pooled):
        contexts = {"lateral": rate.detach(), "dfb": pooled[-1].detach()}
        apical = {s: Apical(contexts[s], contexts[s] @ network.apical[s][i].weight.T) for s in rule.needs.sources}
        losses.append(rule.objective(Signals(rate, apical, pairing)))
    torch.stack(losses).sum().backward()
    expected = {}
    for population, (_, part) in zip(network.populations, made, strict=True):
        expected |= {f"{population.name}.weight": part.weight.grad, f"{population.name}.bias": part.bias.grad}
    catch = Collector()
    found = LocalEngine(network, rule, catch).step(seen(), pairing)
    torch.testing.assert_close(found, torch.stack(losses).detach(), rtol=1e-10, atol=0)
    assert_changes({name: catch.changes[name] for name in expected}, expected)


@pytest.mark.parametrize("own", [own for own in OWN.values() if "conv" in own[-1]])
def test_what_is_carried_down_equals_autograd(own):
    network = network_of(own, ClappPP())
    population = network.populations[-1]
    shape = network.populations[-2].shape if len(own) > 1 else network.shape
    pre = torch.randn(2, *shape, generator=seeded(3), dtype=torch.float64, requires_grad=True)
    factor = torch.randn(2, *population.neurons, generator=seeded(4), dtype=torch.float64)
    told = population.forward(pre, population.weight, population.bias, keep_potential=True).potential
    (expected,) = torch.autograd.grad(told, pre, factor)
    torch.testing.assert_close(population.carried(factor, population.weight), expected)


def made(name):
    """A rule by its word, with its defaults."""
    try:
        return RULES[name]()
    except RuleError:
        return RULES[name](temperature=0.1)


# blocks are no layers, and areas are dense alone
TRAINED = [name for name in RULES if not (made(name).needs.engine == "block" or made(name).needs.routed)]


@pytest.mark.parametrize("name", TRAINED)
def test_every_rule_of_populations_trains_on_own_layers(name):
    own = [
        {"conv": 4, "kernel": 5, "stride": 2},
        {"conv": 4, "kernel": 2, "pool": 3, "pool_kind": "mean"},
        {"dense": 6},
    ]
    rule = made(name)
    architecture = Architecture("layers", (3, 8, 8), layers=tuple(Layer(**layer) for layer in own))
    network = build_network(architecture, rule, seed=1, classes=2)
    before = {name: weight.clone() for name, weight in network.weights().items()}
    engine = build_engine(network, rule, learning_rate=1e-2)
    needs = rule.needs
    pairing = pair(OBJECTS, negatives=needs.negatives, others=needs.others, phases=needs.phases, generator=seeded())
    losses = engine.step(seen().float(), pairing, label=torch.arange(2 * OBJECTS) % 2)
    assert losses.isfinite().all()
    still = [name for name, weight in network.weights().items() if torch.equal(weight, before[name])]
    assert all(name.endswith(".bias") for name in still) and (not still or rule.needs.forgets)


@pytest.mark.parametrize("name", ["clapp++", "bp-clapp++", "dfa", "softhebb"])
def test_without_biases_none_is_drawn_learnt_or_stored(name):
    own = [{"conv": 64, "radius": 25.0, "bias": False}, {"dense": 64, "radius": 3.0, "bias": False}, {"dense": 5}]
    rule = made(name)
    network = network_of(own, rule)
    first, second, third = network.populations
    for population, length in ((first, 25.0), (second, 3.0)):
        assert population.weight.flatten(1).norm(dim=1).mean() == pytest.approx(length, rel=0.05)
    engine = build_engine(network, rule, learning_rate=1e-2)
    pairing = pair(OBJECTS, negatives=rule.needs.negatives, generator=seeded())
    engine.step(seen(), pairing, label=torch.arange(2 * OBJECTS) % 2)
    assert not first.bias.any() and not second.bias.any() and third.bias.any()
    assert {n for n in network.weights() if n.endswith(".bias")} == {"dense2.bias"}


def test_vgg6_begins_as_the_same_layers():
    """Kernels of a length, no biases and another transfer function: one network by either builder, drawn in the same order."""
    told = {"radius": 25.0, "bias": False, "transfer": "triangle(0.7)"}
    own = tuple(Layer(**layer, **told) for layer in VGG6)
    shape, rule = (3, 16, 16), RULES["softhebb"]()
    vgg = Architecture("vgg6", shape, **SAME["vgg6"][0], start="normal", bias=False, transfer="triangle(0.7)")
    one, other = (build_network(a, rule, seed=3) for a in (vgg, Architecture("layers", shape, layers=own)))
    assert_exact(dict(one.weights()), dict(other.weights()))
    assert [p.transfer.name for p in one.populations] == ["triangle(0.7)"] * 6
    plain = build_network(Architecture("vgg6", shape, **SAME["vgg6"][0], start="normal"), rule, seed=3)
    assert plain.populations[0].bias.any() and torch.equal(plain.populations[0].weight, one.populations[0].weight)


@pytest.mark.parametrize(("words", "message"), [
    ({"start": "ones"}, r"network\.start: expected one of uniform, normal, got 'ones'"),
    ({"radius": -1.0}, r"network\.radius: expected a finite number above 0, got -1"),
    ({"transfer": "tanh"}, r"network\.transfer: expected relu, identity, triangle, .* got 'tanh'"),
])  # fmt: skip
def test_a_start_of_vgg6_that_is_none_is_refused(words, message):
    with pytest.raises(ModelError, match=message):
        build_network(Architecture("vgg6", (3, 16, 16), **SAME["vgg6"][0], **words), ClappPP(), seed=0)


def test_names_grids_and_relays():
    own = [
        {"conv": 2, "pool": 3, "relay": "batchnorm"},
        {"conv": 2, "grid": 1},
        {"dense": 3, "relay": "unit"},
        {"dense": 2},
    ]
    network = network_of(own, ClappPP(), side=9)
    assert network.names == ["conv1", "conv2", "dense1", "dense2"]
    assert [p.grid for p in network.populations[:2]] == [3, 1]
    assert sorted(network.buffers) == ["conv1.running_mean", "conv1.running_variance"]
    engine = LocalEngine(network, ClappPP(), AdamW(learning_rate=1e-3))
    engine.step(torch.randn(6, 3, 9, 9, generator=seeded(2), dtype=torch.float64), pair(3))
    assert network.buffers["conv1.running_mean"].any()
    assert network.populations[0].relay.buffers["running_mean"] is network.buffers["conv1.running_mean"]


@pytest.mark.parametrize(("own", "message"), [
    ([], r"network\.layers: expected at least one layer, got none; for example"),
    ([{}], r"network\.layers\[0\]: expected conv or dense, got neither"),
    ([{"conv": 2, "dense": 2}], r"network\.layers\[0\]: expected conv or dense, got both"),
    ([{"conv": 2}, {"conv": 2, "kernle": 3}], r"network\.layers\[1\]\.kernle: expected one of conv, .*; did you mean kernel\?"),
    ([{"dense": 2, "kernel": 3}], r"network\.layers\[0\]\.kernel: expected none in a dense layer, got 3; remove it"),
    ([{"dense": 2}, {"conv": 2}], r"network\.layers\[1\]\.conv: expected dense above a dense layer"),
    ([{"conv": 2, "kernel": 5, "padding": 9}], r"network\.layers\[0\]\.padding: expected 0 to 4 around a map"),
    ([{"conv": 2, "rim": "wrap"}], r"network\.layers\[0\]\.rim: expected one of zeros, reflect, got 'wrap'"),
    ([{"conv": 2, "pool": 3}], r"network\.layers\[0\]\.pool: expected a map that .* got 8 x 8; change image_size or the layers below"),
    ([{"conv": 2, "pool": 2, "pool_padding": 2}], r"network\.layers\[0\]\.pool_padding: expected at most 1"),
    ([{"conv": 2, "grid": 3}], r"network\.layers\[0\]\.grid: expected a divisor of its 8 x 8 map, got 3; choose one of 1, 2, 4, 8"),
    ([{"conv": 2, "stride": 0}], r"network\.layers\[0\]\.stride: expected at least 1, got 0"),
    ([{"conv": 2, "radius": 0.0}], r"network\.layers\[0\]\.radius: expected a finite number above 0, got 0.0"),
    ([{"conv": 2, "transfer": "tanh"}], r"network\.layers\[0\]\.transfer: expected relu, identity, triangle, .* got 'tanh'"),
])  # fmt: skip
def test_misuse_is_refused(own, message):
    with pytest.raises(ModelError, match=message):
        layers((3, 8, 8), own, generator=seeded())


def test_a_relay_beside_the_rules_own_is_refused():
    with pytest.raises(
        ModelError,
        match=r"network\.layers\[0\]\.relay: expected none for \w+, which brings its own \(unit\)",
    ):
        network_of([{"dense": 3, "relay": "unit"}], RULES["forward-forward"]())


@pytest.mark.parametrize("word", ["triangle(0)", "triangle(x)", "leaky(2)", "relu(1)", "leaky()"])
def test_a_number_that_a_transfer_does_not_take_is_refused(word):
    with pytest.raises(ModelError, match=r"there\.transfer: expected .* in the brackets of"):
        transfer_of(word, "there")

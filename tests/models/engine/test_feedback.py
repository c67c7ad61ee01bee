"""The feedback engine: backpropagation when its matrices are the transposed weights, local and fixed otherwise."""

import pytest
import torch
import torch.nn.functional as F
from apical.models import RELAYS, Collector, ModelError, area_network
from apical.models.engine import Architecture, FeedbackEngine, LocalEngine, build_engine, build_network, rates
from apical.plasticity import SAL, BPClassifier, ClappPP, DirectFeedbackAlignment, FeedbackAlignment, RuleError
from tolerances import assert_changes

CLASSES, ROWS, CPU = 4, 6, torch.device("cpu")
MLP = Architecture("mlp", (2, 3, 3), hidden=(11, 7, 5))
VGG = Architecture("vgg6", (3, 32, 32), 1 / 32, grids=(4, 2, 4, 2, 2, 1))
AREAS = Architecture("mlp", (2, 3, 3), hidden=(7, 7), areas=4, routing=3)
RIMMED = Architecture("scff", (3, 16, 16), 1 / 24, grids=(1, 1, 1))  # mirrored rims, overlapping pools
NETWORKS = {"mlp": MLP, "vgg6": VGG, "scff": RIMMED}
RULES = {
    "fa mlp": (FeedbackAlignment(), MLP),
    "fa vgg6": (FeedbackAlignment(), VGG),
    "dfa mlp": (DirectFeedbackAlignment(), MLP),
    "dfa vgg6": (DirectFeedbackAlignment(), VGG),
    "sal": (SAL(), AREAS),
}


def make(rule, architecture, dtype=torch.float64):
    return build_network(architecture, rule, seed=1, classes=CLASSES).to(CPU, dtype)


def relayed():
    network = make(FeedbackAlignment(), MLP)
    network.populations[0].relay = RELAYS["unit"](0, MLP.shape)
    return network


def batch(architecture, rows=ROWS, dtype=torch.float64):
    generator = torch.Generator().manual_seed(5)
    images = torch.randn(rows, *architecture.shape, generator=generator, dtype=dtype)
    return images, torch.randint(CLASSES, (rows,), generator=generator)


def changes(network, rule, images, label):
    catch = Collector()
    loss = FeedbackEngine(network, rule, catch).step(images, None, label=label)
    return loss, catch.changes


@pytest.mark.parametrize("name", NETWORKS)
def test_fa_with_transposed_weights_is_backpropagation(name):
    rule, architecture = FeedbackAlignment(), NETWORKS[name]
    network = make(rule, architecture)
    for population in network.populations[1:]:
        network.buffers[f"{population.name}.feedback"].copy_(population.weight)
    network.buffers["head.feedback"].copy_(network.head)
    images, label = batch(architecture)
    found, explicit = changes(network, rule, images, label)
    catch = Collector()
    reference = build_engine(network, BPClassifier(), learning_rate=1.0)
    reference.optimiser = catch
    loss = reference.step(images, None, label=label)
    torch.testing.assert_close(found, loss, rtol=1e-12, atol=0)
    assert_changes(explicit, {weight: -expected for weight, expected in catch.changes.items()})


@pytest.mark.parametrize("name", NETWORKS)
def test_random_matrices_are_not_backpropagation(name):
    rule, architecture = FeedbackAlignment(), NETWORKS[name]
    network = make(rule, architecture)
    images, label = batch(architecture)
    _, explicit = changes(network, rule, images, label)
    (gradient,) = torch.autograd.grad(output_loss(network, images, label), [network.populations[0].weight])
    assert torch.cosine_similarity(explicit[f"{network.names[0]}.weight"].flatten(), -gradient.flatten(), 0) < 0.9


def output_loss(network, images, label):
    network.populations[0].weight.requires_grad_()
    top = network.populations[-1].pooled(rates(network, images)[-1])
    return F.cross_entropy(top @ network.head.T, label)


def test_dfa_is_the_outer_product_of_fed_back_error_and_rate():
    rule = DirectFeedbackAlignment()
    network = make(rule, MLP)
    images, label = batch(MLP)
    _, found = changes(network, rule, images, label)
    activity = [images.flatten(1), *rates(network, images)]
    error = ((activity[-1] @ network.head.T).softmax(1) - F.one_hot(label, CLASSES)) / ROWS
    for i, name in enumerate(network.names):
        factor = -(error @ network.buffers[f"{name}.feedback"].T) * (activity[i + 1] > 0)
        torch.testing.assert_close(found[f"{name}.weight"], factor.T @ activity[i])
        torch.testing.assert_close(found[f"{name}.bias"], factor.sum(0))
    torch.testing.assert_close(found["head"], -error.T @ activity[-1])


def test_dfa_in_a_convolution_descends_the_projection_of_its_pooled_rate():
    """Where B E stands for dL/d(pooled rate), the change is the gradient of pooled rate . B E, through rho and max-pool."""
    rule = DirectFeedbackAlignment()
    network = make(rule, VGG)
    images, label = batch(VGG)
    _, found = changes(network, rule, images, label)
    below = [images, *rates(network, images)]
    error = (network.populations[-1].pooled(below[-1]) @ network.head.T).softmax(1) - F.one_hot(label, CLASSES)
    for population, pre in zip(network.populations, below, strict=False):
        weight = population.weight.clone().requires_grad_()
        pooled = population.pooled(population.forward(pre, weight, population.bias).rate)
        fed = error / ROWS @ network.buffers[f"{population.name}.feedback"].T
        (gradient,) = torch.autograd.grad((pooled * fed).sum(), weight)
        torch.testing.assert_close(found[f"{population.name}.weight"], -gradient)


@pytest.mark.parametrize("name", RULES)
def test_batch_is_the_mean_of_its_rows(name):
    rule, architecture = RULES[name]
    images, label = batch(architecture)
    _, whole = changes(make(rule, architecture), rule, images, label)
    singles = [changes(make(rule, architecture), rule, images[i : i + 1], label[i : i + 1])[1] for i in range(ROWS)]
    for weight, change in whole.items():
        mean = sum(one[weight] if weight in one else torch.zeros_like(change) for one in singles) / ROWS
        torch.testing.assert_close(mean, change, msg=weight)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("optimiser", "rate"), [("adamw", 0.01), ("sgd", 1e-3)])
def test_a_step_changes_weights_and_leaves_the_feedback_alone(name, optimiser, rate):
    rule, architecture = RULES[name]
    network = make(rule, architecture)
    engine = build_engine(network, rule, learning_rate=rate, optimiser=optimiser)
    fixed = {n: b.clone() for n, b in network.buffers.items() if n.endswith((".feedback", ".prototypes"))}
    before = {n: w.clone() for n, w in network.weights().items()}
    assert fixed
    assert not set(fixed) & set(before)
    images, label = batch(architecture)
    losses = [engine.step(images, None, label=label).item() for _ in range(30)]
    # plain gradient steps need longer until the weights have aligned with the feedback
    assert losses[-1] < 0.9 * losses[0] or optimiser == "sgd"
    assert all(torch.equal(network.buffers[n], b) for n, b in fixed.items())
    assert all(not torch.equal(network.weights()[n], w) for n, w in before.items())
    assert not any(w.requires_grad for w in network.weights().values())


def test_one_area_of_each_population_changes_for_one_row_and_the_others_not_by_a_bit():
    """Also where the optimiser still remembers the other areas: its moments for them rest."""
    rule = SAL()
    network = make(rule, AREAS, torch.float32)
    engine = build_engine(network, rule, learning_rate=0.01, weight_decay=0.1)
    images, label = batch(AREAS, rows=32, dtype=torch.float32)
    for _ in range(3):
        engine.step(images, None, label=label)
    assert len(set(network.populations[0].choose(unit(images)).tolist())) > 1
    for row in range(8):
        before = {n: w.clone() for n, w in [*network.weights().items(), *engine.optimiser.tensors().items()]}
        area = network.populations[0].choose(unit(images[row : row + 1])).item()
        engine.step(images[row : row + 1], None, label=label[row : row + 1])
        after = dict([*network.weights().items(), *engine.optimiser.tensors().items()])
        for name, old in before.items():
            if not name.startswith("area"):
                continue
            changed = [k for k in range(4) if not torch.equal(old[k], after[name][k])]
            assert len(changed) == 1, name
            assert not name.startswith("area1.") or changed == [area]


def unit(images):
    """What the relay makes of an image on its way into the lowest population."""
    flat = images.flatten(1)
    return flat / flat.square().mean(1, keepdim=True).sqrt()


def test_sal_with_one_area_and_a_unit_relay_is_dfa():
    rule, architecture = SAL(), Architecture("mlp", (2, 3, 3), hidden=(7, 7), areas=1)
    network = make(rule, architecture)
    images, label = batch(architecture)
    _, found = changes(network, rule, images, label)
    (z1, z2), n0 = rates(network, images), unit(images)
    error = ((z2 @ network.head.T).softmax(1) - F.one_hot(label, CLASSES)) / ROWS
    for name, pre, rate in (("area1", n0, z1), ("area2", unit(z1), z2)):
        factor = -(error @ network.buffers[f"{name}.feedback"].T) * (rate > 0)
        torch.testing.assert_close(found[f"{name}.weight"][0], factor.T @ pre, rtol=1e-6, atol=1e-9)


def test_128_populations_with_areas_learn():
    generator = torch.Generator().manual_seed(0)
    centre = torch.randn(CLASSES, 1, 4, 4, generator=generator)
    label = torch.randint(CLASSES, (64,), generator=generator)
    images = centre[label] + 0.5 * torch.randn(64, 1, 4, 4, generator=generator)
    rule, architecture = SAL(), Architecture("mlp", (1, 4, 4), hidden=(24,) * 128, areas=2, routing=4)
    network = build_network(architecture, rule, seed=0, classes=CLASSES)
    start = [p.weight.clone() for p in network.populations]
    engine = build_engine(network, rule, learning_rate=0.02, factors=(1 / 128,))
    losses = [engine.step(images, None, label=label).item() for _ in range(16)]
    assert losses[-1] < 0.3 * losses[0]
    assert all(not torch.equal(p.weight, before) for p, before in zip(network.populations, start, strict=True))


@pytest.mark.parametrize("name", RULES)
def test_missing_labels_are_one_sentence(name):
    rule, architecture = RULES[name]
    network = make(rule, architecture)
    before = {n: b.clone() for n, b in [*network.weights().items(), *network.buffers.items()]}
    with pytest.raises(RuleError, match="expected the class of every row, got no labels"):
        build_engine(network, rule, learning_rate=0.1).step(batch(architecture)[0], None)
    assert all(torch.equal(old, {**network.weights(), **network.buffers}[n]) for n, old in before.items())


@pytest.mark.parametrize(("build", "message"), [
    (lambda: build_network(MLP, SAL(), seed=0, classes=4), "network.areas: expected at least 1 for a routed rule, got 0"),
    (lambda: build_network(AREAS, FeedbackAlignment(), seed=0, classes=4), "network.areas: expected none, got 4"),
    (lambda: build_network(AREAS, ClappPP(), seed=0), "network.areas: expected none, got 4"),
    (lambda: build_network(MLP, FeedbackAlignment(), seed=0), "network.classes: expected at least 2"),
    (lambda: FeedbackEngine(make(ClappPP(), MLP), FeedbackAlignment(), Collector()), "network.head: expected a projection"),
    (lambda: FeedbackEngine(make(BPClassifier(), MLP), DirectFeedbackAlignment(), Collector()), "network.buffers: expected fixed"),
    (lambda: FeedbackEngine(make(DirectFeedbackAlignment(), MLP), SAL(), Collector()), "network.areas: expected populations divided"),
    (lambda: FeedbackEngine(make(SAL(), AREAS), DirectFeedbackAlignment(), Collector()), "network.areas: expected undivided"),
    (lambda: FeedbackEngine(relayed(), FeedbackAlignment(), Collector()), r"dense1.relay: expected none where the error comes down"),
])  # fmt: skip
def test_a_network_that_does_not_fit_is_refused(build, message):
    with pytest.raises(ModelError, match=message):
        build()


def test_bfloat16_follows_float32():
    images, label = batch(VGG, dtype=torch.float32)
    found = []
    for half in (False, True):
        network, catch = make(FeedbackAlignment(), VGG, torch.float32), Collector()
        FeedbackEngine(network, FeedbackAlignment(), catch, half=half).step(images, None, label=label)
        found.append(catch.changes)
    for name, full in found[0].items():
        if "bias" not in name:
            assert torch.cosine_similarity(full.flatten(), found[1][name].flatten(), dim=0) > 0.95, name


def test_the_same_seed_gives_every_supervised_rule_the_same_start():
    networks = [make(rule, MLP) for rule in (BPClassifier(), FeedbackAlignment(), DirectFeedbackAlignment())]
    for network in networks[1:]:
        for name, weight in networks[0].weights().items():
            assert torch.equal(weight, network.weights()[name])


def test_areas_are_not_for_local_rules_by_hand_either():
    network = area_network((1, 2, 2), (3,), areas=2, dimensions=2, generator=torch.Generator())
    with pytest.raises(ModelError, match=r"network\.apical: expected projections"):
        LocalEngine(network, ClappPP(), Collector())

"""From words to a network with an engine: what a rule declares is obeyed, through wrappers too, and what cannot work is refused."""

from dataclasses import dataclass

import pytest
import torch
from apical.models import Collector, ModelError
from apical.models.engine import Architecture, LocalEngine, build_blocks, build_engine, build_network
from apical.plasticity import (
    SAL,
    SCFF,
    Blockwise,
    BPClassifier,
    ClappPP,
    DirectFeedbackAlignment,
    FeedbackAlignment,
    ForwardForward,
    PhyLL,
    RuleError,
    SoftHebb,
    Wrapped,
    pair,
)
from apical.plasticity.rule import LocalRule

MLP = Architecture("mlp", (3, 4, 4), hidden=(6, 5))
AREAS = Architecture("mlp", (3, 4, 4), hidden=(6, 5), areas=2, routing=3)
VGG = Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(1,) * 6)
SCFF_BLOCKS = Architecture("scff", (3, 16, 16), 1 / 24, grids=(1, 1, 1))
SOFTHEBB_BLOCKS = Architecture("softhebb", (3, 16, 16), 1 / 24, grids=(1, 1, 1))


@dataclass(frozen=True, slots=True)
class Same(Wrapped):
    """A local rule in a wrapper that changes nothing."""

    rule: LocalRule

    def start(self, shape):
        return self.rule.start(shape)

    def factors(self, signals):
        return self.rule.factors(signals)


def images(rows=8, shape=(3, 16, 16)):
    return torch.randn(rows, *shape, generator=torch.Generator().manual_seed(1))


WRAPPED = {
    "scff": (SCFF(threshold_positive=(0.1, 1.0, 2.0), rebuild=(True, False, True)), SCFF_BLOCKS, "adamw"),
    "softhebb": (SoftHebb(inverse_temperature=(1.0, 0.7, 0.5)), SOFTHEBB_BLOCKS, "softhebb"),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_rule_learns_as_the_rule_underneath(name):
    rule, architecture, optimiser = WRAPPED[name]
    pairing, weights = pair(4, negatives="opposite"), []
    for told in (rule, Same(rule), Same(Same(rule))):
        network = build_network(architecture, told, seed=0)
        build_engine(network, told, optimiser=optimiser, learning_rate=0.01).step(images(), pairing)
        weights.append(network.weights() | network.buffers)
    for other in weights[1:]:
        assert all(torch.equal(value, other[key]) for key, value in weights[0].items())


@pytest.mark.parametrize("optimiser", ["adamw", "sgd", "lars"])
def test_of_a_rule_that_forgets_biases_rest_under_any_optimiser(optimiser):
    network = build_network(VGG, SoftHebb(), seed=0)
    before = {name: weight.clone() for name, weight in network.weights().items()}
    engine = build_engine(network, SoftHebb(), optimiser=optimiser, learning_rate=0.01)
    for _ in range(2):
        engine.step(images(), None)
    for name, weight in network.weights().items():
        assert torch.equal(weight, before[name]) == name.endswith(".bias"), name


@pytest.mark.parametrize("rule", [FeedbackAlignment(), DirectFeedbackAlignment(), BPClassifier()])
def test_lars_serves_rules_whose_apical_side_is_fixed(rule):
    network = build_network(MLP, rule, seed=0, classes=3)
    before = {name: weight.clone() for name, weight in network.weights().items()}
    engine = build_engine(network, rule, optimiser="lars", learning_rate=0.1)
    engine.step(images(6, (3, 4, 4)), None, label=torch.arange(6) % 3)
    assert all(not torch.equal(weight, before[name]) for name, weight in network.weights().items())


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_lars_moves_apical_weights_as_the_formula_says(context, monkeypatch):
    """Their change comes in blocks of rows; its size is that of the whole."""
    monkeypatch.setattr("apical.models.populations.apical.BLOCK_BYTES", 200)
    rule, glances = ClappPP(context=context), images(8, (3, 4, 4)).double()
    network = build_network(MLP, rule, seed=0).to(torch.device("cpu"), torch.float64)
    before = {name: weight.clone() for name, weight in network.weights().items()}
    collector = Collector()
    LocalEngine(network, rule, collector).step(glances, pair(4))
    engine = build_engine(network, rule, optimiser="lars", learning_rate=0.5, weight_decay=0.3, trust=0.01)
    losses = engine.step(glances, pair(4))
    assert collector.changes.keys() == before.keys() and torch.isfinite(losses).all()
    for name, weight in network.weights().items():
        step = collector.changes[name] - (0.3 * before[name] if weight.dim() > 1 else 0)
        scale = 0.01 * before[name].norm() / step.norm() if weight.dim() > 1 else 1.0
        torch.testing.assert_close(weight, before[name] + 0.5 * scale * step, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rule", [PhyLL(), SCFF(), SoftHebb()])
def test_rules_that_read_no_particular_rate_take_any_transfer_function(rule):
    assert build_network(SCFF_BLOCKS, rule, seed=0, classes=3).populations[0].transfer.name == "triangle(1)"


def engine(architecture, rule, **others):
    return build_engine(build_network(architecture, rule, seed=0, classes=3), rule, learning_rate=0.1, **others)


def blocks(rule, **others):
    network = build_blocks(Architecture("resnet18", (3, 8, 8), 1 / 16), rule, seed=0)
    return build_engine(network, rule, learning_rate=0.1, **others)


@pytest.mark.parametrize(("build", "message"), [
    (lambda: build_network(VGG, Blockwise(), seed=0), r"network.blocks: expected a rule for populations, got Blockwise, .* use build_blocks"),
    (lambda: build_engine(build_network(VGG, ClappPP(), seed=0), Blockwise(), learning_rate=0.1), r"network.blocks: .* got Network for Blockwise"),
    (lambda: build_network(Architecture("mlp", (1, 2, 2)), ClappPP(), seed=0), r"network.hidden: expected sizes of at least 1 for mlp, got none"),
    (lambda: build_network(Architecture("mlp", (1, 2, 2), hidden=(3, 0)), ClappPP(), seed=0), r"network.hidden: .* got \[3, 0\]"),
    (lambda: build_network(Architecture("mlp", (1, 2, 2), areas=2), SAL(), seed=0, classes=3), r"network.hidden: .* got none"),
    (lambda: build_network(SCFF_BLOCKS, ForwardForward(), seed=0, classes=3), r"conv1.transfer: expected relu for ForwardForward, .* got triangle\(1\)"),
    (lambda: build_network(SCFF_BLOCKS, Same(ForwardForward()), seed=0, classes=3), r"conv1.transfer: expected relu for ForwardForward"),
    (lambda: engine(AREAS, SAL(), optimiser="lars"), r"optimiser.name: expected adamw or sgd for a rule with areas, got 'lars'"),
    (lambda: engine(MLP, ClappPP(), optimiser="softhebb"), r"optimiser.name: expected adamw or sgd for ClappPP, got 'softhebb'; .* rules that forget"),
    (lambda: engine(MLP, FeedbackAlignment(), optimiser="softhebb"), r"optimiser.name: expected adamw or sgd for FeedbackAlignment"),
    (lambda: blocks(Blockwise(projector=(8,)), optimiser="softhebb"), r"optimiser.name: expected adamw or sgd for Blockwise"),
])  # fmt: skip
def test_what_cannot_work_is_one_sentence(build, message):
    with pytest.raises(ModelError, match=message):
        build()


@pytest.mark.parametrize("rule", [SCFF(penalty=(0.1, 0.2)), SoftHebb(inverse_temperature=(1.0, 2.0))])
def test_a_wrapped_rule_for_another_number_of_populations_is_refused(rule):
    for told in (rule, Same(rule)):
        with pytest.raises(RuleError, match=rf"{type(rule).__name__}\..*: expected one value or 3, .* got 2"):
            build_network(SCFF_BLOCKS, told, seed=0)

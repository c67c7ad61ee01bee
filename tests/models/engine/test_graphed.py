"""Steps on inputs that stay: the plain steps bit for bit; capture itself is checked on a GPU."""

import pytest
import torch
from apical.models import ModelError
from apical.models.engine import Architecture, Graphed, build_blocks, build_engine, build_network
from apical.plasticity import (
    BarlowTwins,
    Blockwise,
    BPClappPP,
    ClappPP,
    ClappS,
    FeedbackAlignment,
    GreedyInfoMax,
    pair,
)

SMALL = Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(4, 2, 2, 2, 1, 1))
OBJECTS, STEPS = 4, 5
RULES = [
    *(ClappPP(context=c) for c in ("lateral", "dfb", "both")),
    ClappS(),
    GreedyInfoMax(others=3),
    BPClappPP(),
    FeedbackAlignment(),
]


def engine_of(rule, optimiser="adamw"):
    network = build_network(SMALL, rule, seed=0, classes=10).to(torch.device("cpu"), torch.float64)
    return build_engine(network, rule, learning_rate=1e-3, optimiser=optimiser)


def trained(rule, wrap, objects=lambda step: OBJECTS):
    engine = engine_of(rule)
    learner, losses = wrap(engine), []
    for step in range(STEPS):
        draws, needs = torch.Generator().manual_seed(step), rule.needs
        rows = objects(step) * (1 if needs.presentation == "images" else 2)
        images = torch.randn(rows, 3, 16, 16, generator=draws, dtype=torch.float64)
        pairing = None
        if needs.presentation != "images":
            pairing = pair(
                objects(step), negatives=needs.negatives, phases=needs.phases, others=needs.others, generator=draws
            )
        engine.optimiser.learning_rate = 1e-3 / (step + 1)
        losses.append(learner.step(images, pairing, label=torch.arange(rows) % 10 if needs.supervised else None))
    return losses, {**engine.network.weights(), **engine.optimiser.tensors()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__ + getattr(rule, "context", ""))
def test_steps_on_inputs_that_stay_are_the_plain_ones(rule):
    (losses, tensors), (expected, plain) = trained(rule, Graphed), trained(rule, lambda engine: engine)
    assert all(torch.equal(a, b) for a, b in zip(losses, expected, strict=True))
    assert all(torch.equal(tensors[name], tensor) for name, tensor in plain.items())


def test_a_batch_of_another_size_is_laid_out_anew():
    rule, sizes = ClappPP(context="dfb"), (4, 4, 3, 3, 5)
    (losses, _), (expected, _) = (trained(rule, wrap, sizes.__getitem__) for wrap in (Graphed, lambda engine: engine))
    assert all(torch.equal(a, b) for a, b in zip(losses, expected, strict=True))


def test_what_cannot_be_captured_is_refused():
    with pytest.raises(ModelError, match=r"training\.graph: expected the optimiser adamw, got SGD"):
        Graphed(engine_of(ClappPP(), "sgd"))
    rule = Blockwise(objective=BarlowTwins(), features=8, projector=(8,))
    blocks = build_blocks(Architecture("resnet18", (3, 16, 16), 1 / 16), rule, seed=0)
    with pytest.raises(ModelError, match=r"training\.graph: expected a rule of populations"):
        Graphed(build_engine(blocks, rule, learning_rate=1e-3))

"""The rate twin against autograd of the objective, and the start of a network."""

import numpy as np
import pytest
import torch
from apical.models import ModelError
from apical.models.spiking.loop import Glance, LoopNetwork, changes, learn_with_rates, objective
from small_loops import SHAPE, glances, small


def _loss(network: LoopNetwork, before: np.ndarray, glance: Glance, index: int):
    """Objective of one population as torch writes it; W of that population and its B require gradients, its input does not."""
    W = torch.tensor(network.W[index], requires_grad=True)
    B = torch.tensor(network.B[index], requires_grad=True)
    wiring = network.wiring[index]
    pre = torch.from_numpy(network.rates(glance.inputs)[index - 1] if index else glance.inputs)
    matrix = torch.zeros(wiring.post, wiring.pre, dtype=torch.float64)
    matrix = matrix.index_put((torch.from_numpy(wiring.target), torch.from_numpy(wiring.source)), W[wiring.weight])
    z = torch.relu(pre @ matrix.T + torch.from_numpy(network.bias[index]))
    context = torch.from_numpy(network.rates(before)[network.speaker(index)])
    score = (z * (context @ B.T)).sum(1)
    loss = torch.relu(1 - torch.from_numpy(glance.sign) * score / network.margin).mean()
    loss.backward()
    return float(loss.detach()), -W.grad.numpy(), -B.grad.numpy()


@pytest.mark.parametrize("context", ["lateral", "dfb"])
@pytest.mark.parametrize("layers", [("6", "4"), ("conv2x3s1", "5"), ("5", "4", "3")])
def test_changes_are_the_gradient(layers, context):
    network = small(layers, context, margin=1.0, apical=1.0)
    first, second = glances(2, 9, seed=3)
    W, B = changes(network, network.rates(first.inputs), second, network.rates(second.inputs))
    loss = objective(network.scores(first.inputs, second.inputs), second.sign, network.margin)
    for k in range(len(layers)):
        expected = _loss(network, first.inputs, second, k)
        assert np.isclose(loss[k], expected[0], atol=1e-12)
        assert np.allclose(W[k], expected[1], atol=1e-12)
        assert np.allclose(B[k], expected[2], atol=1e-12)
    assert np.abs(W[0]).max() > 0


def test_the_objective_falls():
    network = small()
    pairs = glances(2, 300, seed=9)
    learnt = learn_with_rates(network, glances(120, 8), eta_basal=1.0, eta_apical=0.3)
    before, after = (
        objective(n.scores(pairs[0].inputs, pairs[1].inputs), pairs[1].sign, n.margin).sum() for n in (network, learnt)
    )
    assert after < 0.9 * before


def test_the_first_glance_changes_nothing():
    network = small()
    learnt = learn_with_rates(network, glances(1, 4), eta_basal=1.0, eta_apical=1.0)
    assert all(np.array_equal(a, b) for a, b in zip(network.W + network.B, learnt.W + learnt.B, strict=True))


def test_a_start_is_centred():
    network = small(("6",))
    examples = np.concatenate([glance.inputs for glance in glances(20, 4)])
    a = examples @ network.wiring[0].matrix(network.W[0]).T + network.bias[0]
    assert np.allclose(a.mean(0), 0, atol=1e-9)
    assert np.isclose(a.std(0).mean(), 1)


@pytest.mark.parametrize(
    ("layers", "words", "match"),
    [
        (("0",), {}, r"loop\.layers: expected a number of units"),
        (("conv2x9",), {}, "expected a kernel of 1 to 4"),
        (("6", "conv2x3"), {}, "expected a dense population above a dense one"),
        ((), {}, "expected 1 to 4 populations, got 0"),
        (("4",) * 5, {}, "expected 1 to 4 populations, got 5"),
        (("6",), {"context": "top"}, "expected one of lateral, dfb"),
        (("6",), {"margin": 0.0}, r"loop\.margin"),
        (("6",), {"apical": float("nan")}, r"loop\.apical"),
    ],
)
def test_what_a_start_refuses(layers, words, match):
    with pytest.raises(ModelError, match=match):
        small(layers, **words)


def test_the_shape_is_that_of_the_examples():
    assert small().inputs == int(np.prod(SHAPE))

"""The circuit's factors are the engine's: what all positions would change adds up to what the engine changes."""

import numpy as np
import pytest
import torch
from apical.models import Collector, ModelError, mlp, wire
from apical.models.engine import LocalEngine
from apical.models.spiking import extract
from apical.plasticity import ClappPP, Linear, pair
from circuits import OBJECTS, RULE, glances, trained


def cut(network, rule=RULE, pairing=None, **words):
    return extract(network, glances(), pairing or pair(OBJECTS), rule, **words)


def engine_changes(network, rule=RULE, pairing=None):
    collector = Collector()
    LocalEngine(network, rule, collector).step(glances(), pairing or pair(OBJECTS))
    return {name: change.numpy() for name, change in collector.changes.items()}


@pytest.mark.parametrize("population", ["conv2", "conv3"])
def test_changes_of_all_positions_are_the_engines(network, population):
    """conv2 has a max-pool and a pooled block, conv3 a pooled block."""
    expected = engine_changes(network)[f"{population}.weight"]
    index = network.names.index(population)
    cell, below = network.populations[index], network.populations[index - 1].shape
    total = np.zeros(expected.shape)
    first = cut(network, population=population, units=range(cell.shape[0]), mass=1.0)
    _, height, width = first.map_shape
    for row in range(height):
        for col in range(width):
            circuit = cut(network, population=population, units=range(cell.shape[0]), position=(row, col), mass=1.0)
            channel, y, x = np.unravel_index(circuit.inputs, below)
            total[:, channel, y - row + 1, x - col + 1] += circuit.change().sum(0)
    assert np.abs(expected).max() > 1e-4
    np.testing.assert_allclose(total, expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("context", ["dfb", "lateral", "both"])
def test_changes_of_a_dense_population_are_the_engines(context):
    rule, draws = ClappPP(context=context), torch.Generator().manual_seed(0)
    network = wire(mlp((2, 8, 8), [20, 10], generator=draws), rule.needs.sources, generator=draws)
    network.to(torch.device("cpu"), torch.float64)
    expected = engine_changes(network, rule)["dense2.weight"]
    found = [cut(network, rule, population="dense2", units=[3, 7], source=s, mass=1.0) for s in rule.needs.sources]
    np.testing.assert_allclose(sum(c.change().sum(0) for c in found), expected[[3, 7]], rtol=1e-9, atol=1e-15)


def test_potentials_stay_exact_when_inputs_are_left_out(network):
    circuit = cut(network, population="conv2", units=6, mass=0.6)
    whole = cut(network, population="conv2", units=6, mass=1.0)
    assert circuit.W.shape[1] < whole.W.shape[1]
    assert circuit.B.shape[1] < whole.B.shape[1]
    np.testing.assert_allclose(circuit.z_pre @ circuit.W.T + circuit.bias, whole.basal, rtol=0, atol=1e-12)
    np.testing.assert_allclose(circuit.context @ circuit.B.T + circuit.apical_bias, whole.prediction, atol=1e-12)
    assert np.abs(circuit.W).sum() >= 0.6 * np.abs(whole.W).sum()
    np.testing.assert_allclose(
        whole.bias, np.broadcast_to(whole.bias[0], whole.bias.shape), rtol=0, atol=1e-12
    )  # b alone


def test_only_one_neuron_of_a_pool_group_wins(network):
    wins = [cut(network, population="conv2", position=(2 + i, 4 + j)).winner for i in (0, 1) for j in (0, 1)]
    np.testing.assert_array_equal(sum(wins), np.ones_like(wins[0]))


def test_a_row_with_a_coin_makes_one_trial():
    rule = ClappPP(context="dfb", phases="either")
    network = trained(rule, steps=1)
    pairing = pair(OBJECTS, phases="either", generator=torch.Generator().manual_seed(3))
    circuit = cut(network, rule, pairing, population="conv3")
    assert circuit.trials == 2 * OBJECTS
    np.testing.assert_array_equal(circuit.context_row, np.arange(2 * OBJECTS))
    assert set(circuit.phase.tolist()) == {0, 1}


def test_trials_are_chosen_by_number_and_index(network):
    whole = cut(network, population="conv3")
    assert whole.trials == 4 * OBJECTS
    np.testing.assert_array_equal(cut(network, population="conv3", trials=5).gamma, whole.gamma[:5])
    np.testing.assert_array_equal(cut(network, population="conv3", trials=[7, 2]).basal, whole.basal[[7, 2]])
    np.testing.assert_array_equal(whole.take([7, 2]).z_pre, whole.z_pre[[7, 2]])
    assert (whole.gamma[whole.phase == 0] >= 0).all()
    assert (whole.gamma[whole.phase == 1] <= 0).all()


def test_apical_block_takes_plasticity_and_nothing_else():
    rule = ClappPP(context="dfb", contrast=Linear())
    circuit = cut(trained(rule, steps=1), rule, population="conv3")
    blocked = circuit.scale_apical(0)
    assert np.abs(circuit.change()).max() > 0
    assert np.abs(blocked.change()).max() == 0
    np.testing.assert_array_equal(blocked.basal, circuit.basal)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            {"population": "conv9"},
            r"circuit.population: expected one of conv1, conv2, conv3, got 'conv9'; did you mean",
        ),
        ({"source": "laterl"}, r"circuit.source: expected one of dfb, got 'laterl'"),
        ({"mass": 0.0}, r"circuit.mass: expected a share"),
        ({"position": (4, 0)}, r"circuit.position: expected a place on the 4 x 4 map"),
        ({"units": 0}, r"circuit.units: expected at least 1"),
        ({"units": [1, 1]}, r"circuit.units: expected different channels"),
        ({"trials": 25}, r"circuit.trials: expected 1 to 24 trials"),
        ({"trials": []}, r"circuit.trials: expected 1 to 24 trials"),
    ],
)
def test_bad_input_is_one_sentence(network, words, said):
    with pytest.raises(ModelError, match=said):
        cut(network, **{"population": "conv3", **words})


def test_pixels_are_no_rates(network):
    with pytest.raises(ModelError, match=r"circuit.z_pre: expected rates of at least 0, got -.*above the first"):
        extract(network, glances() - 1, pair(OBJECTS), RULE, population="conv1")

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking import DALE, LINEAR, split
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

WEIGHTS = arrays(np.float64, (3, 4), elements=st.floats(-10, 10, allow_subnormal=False))


def recombine(pathways):
    """The signed weights that the pathways carry together."""
    return sum(p.sign * np.where(p.present, p.weights, 0.0) for p in pathways)


@given(WEIGHTS, st.sampled_from(["none", "split", "relay"]))
def test_pathways_reproduce_the_weights_exactly(weights, option):
    np.testing.assert_array_equal(recombine(split(weights, option, LINEAR)), weights)


@given(WEIGHTS)
def test_blanket_reproduces_the_weights(weights):
    np.testing.assert_allclose(recombine(split(weights, "blanket", LINEAR)), weights, rtol=0, atol=1e-14 * 20)


@given(WEIGHTS, st.sampled_from(DALE))
def test_every_synapse_is_plastic_once(weights, option):
    present = sum(p.present.astype(int) for p in split(weights, option, LINEAR) if p.plastic)
    np.testing.assert_array_equal(present, np.ones(weights.shape))


@given(WEIGHTS, st.sampled_from(["split", "relay", "blanket"]))
def test_no_neuron_both_excites_and_inhibits(weights, option):
    pathways = split(weights, option, LINEAR)
    assert all((p.weights >= 0).all() for p in pathways)
    assert {p.name: p.sign for p in pathways}.items() <= {"excitatory": 1, "inhibitory": -1}.items()


def test_inhibition_comes_later():
    weights = np.array([[1.0, -1.0]])
    for option, lag in (("split", 3.0), ("relay", 1.5), ("blanket", 3.0)):
        delays = {p.sign: p.delay for p in split(weights, option, LINEAR)}
        assert delays == {1: 1.5, -1: lag}


def test_unknown_option_lists_the_known_ones():
    with pytest.raises(
        ModelError, match=r"replay.dale: expected one of none, split, relay, blanket, got 'splitt'; did you mean split"
    ):
        split(np.ones((1, 1)), "splitt", LINEAR)

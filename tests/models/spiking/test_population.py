"""The score of a whole population, from rates and from spikes."""

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking import extract, population_of, spiking_scores
from apical.plasticity import ClappPP, Hinge, LogisticDifference, pair
from circuits import OBJECTS, RULE, glances, trained


@pytest.fixture(scope="module")
def network():
    return trained(steps=30)


def both(network, **words):
    given = (network, glances(seed=9), pair(OBJECTS), words.pop("rule", RULE))
    cut = extract(*given, population="conv3", units=4, **words)
    return cut, population_of(*given, population="conv3", **words)


@pytest.mark.parametrize("trials", [None, [0, 3, 4, 5]])
def test_its_score_and_neuromodulators_are_the_engines(network, trials):
    circuit, everyone = both(network, trials=trials)
    np.testing.assert_allclose(everyone.score, circuit.score, rtol=1e-9)
    np.testing.assert_array_equal(everyone.modulators(everyone.score), circuit.gamma)
    assert everyone.take(slice(0, 2)).score.shape == (2,)


def test_a_contrast_of_both_glances_of_a_row_sees_both(network):
    circuit, everyone = both(network, rule=ClappPP(context="dfb", contrast=LogisticDifference()))
    np.testing.assert_allclose(everyone.modulators(everyone.score), circuit.gamma, rtol=1e-9)


def test_spikes_carry_the_score(network):
    _, everyone = both(network)
    found = [spiking_scores(everyone, duration=duration, seed=1) for duration in (500.0, 5e5)]
    angles = [np.corrcoef(scores, everyone.score)[0, 1] for scores in found]
    assert 0.9 < angles[0] < angles[1]
    np.testing.assert_allclose(found[1], everyone.score, atol=0.02 * np.abs(everyone.score).max())
    assert not np.array_equal(found[0], spiking_scores(everyone, seed=2))
    np.testing.assert_array_equal(found[0], spiking_scores(everyone, seed=1))


def test_now_takes_the_context_of_the_glance_seen(network):
    (before, everyone), (now, shown) = both(network), both(network, now=True)
    np.testing.assert_array_equal(now.basal, before.basal)
    np.testing.assert_array_equal(now.gamma, before.gamma)
    np.testing.assert_array_equal(now.context_row, now.seen_row)
    first = int(np.flatnonzero(before.context_row == now.seen_row[0])[0])
    np.testing.assert_array_equal(now.prediction[0], before.prediction[first])
    np.testing.assert_array_equal(shown.rate, everyone.rate)
    assert not np.allclose(shown.score, everyone.score)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            {"population": "conv33"},
            r"population.name: expected one of conv1, conv2, conv3, got 'conv33'; did you mean conv",
        ),
        ({"population": "conv3", "source": "lateral"}, r"population.source: expected one of dfb, got 'lateral'"),
    ],
)
def test_bad_input_is_one_sentence(network, words, said):
    with pytest.raises(ModelError, match=said):
        population_of(network, glances(), pair(OBJECTS), RULE, **words)


def test_a_silent_population_is_refused(network):
    _, everyone = both(network)
    silent = type(everyone)(
        rate=0 * everyone.rate,
        context=everyone.context,
        B=everyone.B,
        phase=everyone.phase,
        row=everyone.row,
        contrast=Hinge(),
    )
    with pytest.raises(ModelError, match=r"population.rate: expected a 99th percentile above 0, got 0"):
        spiking_scores(silent)

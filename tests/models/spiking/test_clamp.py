"""Single neurons: the f-I curve is ReLU, and the calcium spike needs coincidence."""

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking import BAC, LINEAR, clamp

pytest.importorskip("brian2", reason="the bridge needs brian2")


def test_fi_curve_is_relu():
    """C1, short: 40 cells a rate."""
    asked = np.array([-20.0, 0.0, 10.0, 50.0, 100.0])
    found = clamp(np.repeat(asked / LINEAR.gain, 40), duration=900.0).rate(100.0).reshape(5, 40).mean(1)
    np.testing.assert_allclose(found, np.maximum(asked, 0), rtol=0, atol=1.5)
    assert np.polyfit(asked[2:], found[2:], 1)[0] == pytest.approx(1, abs=0.03)


def test_burst_needs_soma_and_tuft_together():
    soma, tuft = np.zeros((3, 100)), np.zeros((3, 100))
    soma[[0, 2], 20:25] = 2000  # pA for 5 ms
    tuft[[1, 2], 20:40] = 300  # pA for 20 ms
    found = clamp(soma, tuft, neuron=BAC, holding=False, noise=False)
    alone, apical, both = found.counts
    assert (alone, apical) == (1, 0)
    assert 2 <= both <= 4
    assert found.V_apical[2].max() > -30 > found.V_apical[1].max()


def test_linear_tuft_does_not_drive_the_soma():
    quiet = clamp([0.0, 0.0, 0.0], [-300.0, 0.0, 300.0], holding=False, noise=False, duration=100.0)
    np.testing.assert_array_equal(quiet.V_soma[0], quiet.V_soma[2])
    assert quiet.V_apical[2, -1] > LINEAR.E_a + 20 > quiet.V_apical[0, -1]
    coupled = clamp([0.0, 0.0], [0.0, 300.0], neuron=LINEAR.but(kappa=5.0), holding=False, noise=False, duration=100.0)
    assert coupled.V_soma[1, -1] > coupled.V_soma[0, -1] + 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"duration": 0.0}, "clamp.duration: expected a time above 0"),
        ({"duration": 10.0, "dt": -1.0}, "clamp.dt: expected a time above 0"),
        ({"apical": [1.0, 2.0], "soma": [1.0, 2.0, 3.0]}, "clamp.apical: expected currents that fit"),
        ({"target": "cpp_standalone"}, "clamp.target: expected numpy or cython"),
        (
            {"duration": 10.0, "neuron": LINEAR.but(tau_w=0.1)},
            "clamp.dt: expected at most half .* got 0.1 ms with tau_w at 0.1 ms",
        ),
    ],
)
def test_bad_input_is_one_sentence(words, said):
    with pytest.raises(ModelError, match=said):
        clamp(**{"soma": [0.0], **words})

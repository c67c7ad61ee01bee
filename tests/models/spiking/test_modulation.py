"""A late modulator meets what is left of the eligibility; pairs at a clamped tuft turn over with its sign."""

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking import BAC, FORMS, LINEAR, modulate, pairing_window, replay
from circuits import small_circuit

pytest.importorskip("brian2", reason="the bridge needs brian2")


def test_the_effect_decays_with_the_eligibility():
    found = modulate(small_circuit(), [-250, 0, 50, 200], tau_e=100.0, duration=100.0)
    np.testing.assert_allclose(found.kernel, [0, 1, np.exp(-0.5), np.exp(-2)])
    assert found.effect[0] == 0
    assert found.effect[1] == pytest.approx(1, abs=0.05)  # spikes on their way arrive after the pulse
    np.testing.assert_allclose(found.effect[2:], found.kernel[2:], rtol=1e-3)


def test_during_the_stimulus_the_effect_grows():
    found = modulate(small_circuit(), [-90, -50, 0], tau_e=500.0, duration=100.0)
    assert np.isnan(found.kernel[:2]).all()
    assert 0 < found.effect[0] < found.effect[1] < found.effect[2]


def test_windows_turn_over_with_the_apical_deviation():
    found = pairing_window(np.arange(-60, 61, 10.0))
    lag = found.lag[:, 0]
    np.testing.assert_allclose(lag, np.arange(-60, 61, 10.0), atol=1.5)
    for form in FORMS:
        values = found.eligibility[form]
        np.testing.assert_allclose(values[:, 0], -values[:, 2], atol=1e-12)
        assert np.abs(values[:, 1]).max() == 0
        assert np.abs(values[:, 0]).max() > 1
    box = lag[found.eligibility["A"][:, 0] > 0]
    assert box.max() < 0
    assert -40 < box.min() < -25
    causal = np.where(lag > 0, 5 * np.exp(-lag / 20), 0)
    np.testing.assert_allclose(found.eligibility["B"][:, 0], causal, atol=1e-9)
    assert found.eligibility["C"][:, 0].min() > 0


def test_coincidences_are_the_gate_and_leave_the_eligibility_alone():
    circuit = small_circuit()
    words = {"duration": 300.0, "tau_a": 50.0, "tau_b": 50.0}
    plain, counted = replay(circuit, **words), replay(circuit, keep_coincidence=True, **words)
    assert plain.coincidence is None
    np.testing.assert_array_equal(plain.eligibility, counted.eligibility)
    expected = circuit.gate[:, :, None] * circuit.z_pre[:, None, :]
    assert np.corrcoef(counted.coincidence.ravel(), expected.ravel())[0, 1] > 0.9
    assert np.polyfit(expected.ravel(), counted.coincidence.ravel(), 1)[0] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"onsets": [5.0]}, r"modulate.onsets: expected times in multiples of 10 ms"),
        ({"onsets": []}, r"modulate.onsets: expected times"),
        ({"trial": 99}, r"modulate.trial: expected 0 to 7, got 99"),
        ({"tau_e": 0.0}, r"modulate.tau_e: expected a time above 0 ms"),
        ({"target": "cpp_standalone"}, r"modulate.target: expected numpy or cython"),
        ({"dt": 0.0}, r"modulate.dt: expected 0.001 to 0.5 ms, got 0.0"),
        ({"dt": 0.3}, r"modulate.dt: expected a whole number of steps in 1 ms, got 0.3"),
        ({"pool": 0}, r"modulate.pool: expected at least 1 neuron per unit, got 0"),
        (
            {"pool": 20},
            r"modulate.pool: expected pooled rates of at most 1000 Hz at dt 0.1 ms, got 1123 Hz; lower pool",
        ),
        ({"seed": -1}, r"modulate.seed: expected 0 or above"),
        ({"neuron": BAC}, r"modulate.neuron: expected one without calcium spike, got bac"),
        (
            {"neuron": LINEAR.but(tau_syn_a=0.1)},
            r"modulate.dt: expected at most half .* got 0.1 ms with tau_syn_a at 0.1 ms",
        ),
    ],
)
def test_bad_input_is_one_sentence(words, said):
    with pytest.raises(ModelError, match=said):
        modulate(small_circuit(), **{"onsets": [0.0], **words})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"lags": []}, r"pairing.lags: expected finite numbers"),
        ({"apical": [np.nan]}, r"pairing.apical: expected finite numbers"),
        ({"theta_b": 0.0}, r"pairing.theta_b: expected a number above 0"),
        ({"target": "cpp_standalone"}, r"pairing.target: expected numpy or cython"),
        ({"dt": 4.0}, r"pairing.dt: expected at most half of every time constant, got 4 ms with tau_syn at 5 ms"),
    ],
)
def test_bad_pairs_are_one_sentence(words, said):
    with pytest.raises(ModelError, match=said):
        pairing_window(**{"lags": [0.0], **words})

from dataclasses import replace

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking import BAC, LINEAR, Calibration, calibrate
from circuits import small_circuit
from hypothesis import given
from hypothesis import strategies as st


def test_closed_forms_of_the_neuron():
    assert LINEAR.charge == pytest.approx(8800)  # fC
    assert LINEAR.gain == pytest.approx(0.1136, rel=1e-3)  # Hz per pA
    assert LINEAR.rheobase == pytest.approx(347, abs=0.5)  # pA
    assert BAC.gain == pytest.approx(0.0365, rel=1e-2)
    assert LINEAR.E_base == pytest.approx(-59.9, abs=0.1)  # mV, background 3.2 and 5.3 nS beside a leak of 8.5 nS


def test_closed_forms_of_the_calibration():
    circuit = small_circuit()
    found = calibrate(circuit)
    for values, rate in (
        (circuit.z_pre, found.pre_rate),
        (circuit.rate, found.post_rate),
        (circuit.context, found.context_rate),
    ):
        assert np.percentile(values, 99) * rate == pytest.approx(80)
    # a constant input of rate nu through weight w gives the current at which the neuron fires at r_post w z
    assert found.basal_charge * found.pre_rate * LINEAR.gain == pytest.approx(found.post_rate)
    assert found.apical_gain * circuit.prediction.std() == pytest.approx(5)
    assert found.apical_charge * found.context_rate / LINEAR.g_a == pytest.approx(found.apical_gain)  # pC Hz = pA
    assert found.clipped_pre == (circuit.z_pre * found.pre_rate > 100).mean() > 0
    assert set(found.as_dict()) == set(Calibration.units)


def test_charges_of_the_sheet_at_equal_rates():
    """8.8 pC per basal spike when inputs and outputs share one scale, 1.4 pC per apical spike at 30 Hz per unit and 5 mV."""
    circuit = small_circuit()
    scale = np.percentile(circuit.z_pre, 99) / np.percentile(circuit.rate, 99)
    found = calibrate(replace(circuit, rate=circuit.rate * scale))
    assert found.basal_charge == pytest.approx(8.8)
    spread = circuit.prediction.std()
    found = calibrate(
        replace(circuit, prediction=circuit.prediction / spread), rate=30 * np.percentile(circuit.context, 99)
    )
    assert found.apical_charge == pytest.approx(1.4, abs=0.02)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_units_of_the_rate_network_do_not_matter(pre, context):
    circuit = small_circuit()
    found, other = (
        calibrate(circuit),
        calibrate(replace(circuit, z_pre=circuit.z_pre * pre, W=circuit.W / pre, context=circuit.context * context)),
    )
    assert other.pre_rate * pre == pytest.approx(found.pre_rate)
    assert other.basal_charge / pre == pytest.approx(found.basal_charge)
    assert other.apical_charge / context == pytest.approx(found.apical_charge)
    assert other.clipped_pre == found.clipped_pre


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        ({}, {"rate": 0.0}, "calibration.rate"),
        ({}, {"ceiling": float("nan")}, "calibration.ceiling"),
        ({}, {"percentile": 101}, "calibration.percentile"),
        ({"rate": np.zeros((8, 5))}, {}, "circuit.rate: expected a 99th percentile above 0, got 0"),
        ({"prediction": np.zeros((8, 5))}, {}, "circuit.prediction: expected a dendritic prediction that varies"),
    ],
)
def test_bad_input_is_one_sentence(change, words, said):
    with pytest.raises(ModelError, match=said):
        calibrate(replace(small_circuit(), **change), **words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"tau_a": 0.0}, "neuron.tau_a: expected a number above 0, got 0.0"),
        ({"kappa": -1.0}, "neuron.kappa: expected a number from 0"),
        ({"V_r": -40.0}, "neuron.V_r: expected less than V_th"),
        ({"tau_aa": 1.0}, "neuron.parameter: expected one of .*did you mean tau_a"),
    ],
)
def test_impossible_neuron_is_one_sentence(words, said):
    with pytest.raises(ModelError, match=said):
        LINEAR.but(**words)


def test_a_calibration_fits_any_neuron():
    circuit, other = small_circuit(), LINEAR.but(tau_a=50.0, b=100.0)
    assert calibrate(circuit).fit(other) == calibrate(circuit, other) != calibrate(circuit)

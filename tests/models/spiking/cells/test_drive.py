"""Cells and synapses by equations against closed forms and against the neuron of a replay."""

import numpy as np
import pytest
from apical.models.spiking import BAC, LINEAR, clamp
from apical.models.spiking.cells import CELLS, SYNAPSES, Cell, Synapse, drive, from_neuron, measure

pytest.importorskip("brian2", reason="the bridge needs brian2")


def test_the_cell_is_the_neuron_of_a_replay():
    """Without noise the same spikes and potentials as in the clamp, for both presets."""
    soma, tuft = np.full((3, 100), 0.0), np.zeros((3, 100))
    soma[[0, 2], 20:25], tuft[[1, 2], 20:40] = 2000.0, 300.0
    for neuron in (LINEAR, BAC):
        quiet = neuron.but(sigma_s=0.0, noise_current=0.0)
        found = drive(from_neuron(quiet), cells=3, duration=100.0, inputs={"I_s": soma, "I_t": tuft}, every=0.5)
        expected = clamp(soma, tuft, neuron=quiet)
        assert found.counts.tolist() == expected.counts.tolist()
        np.testing.assert_allclose(found.potentials["apical"], expected.V_apical, rtol=0, atol=1e-3)
        np.testing.assert_allclose(np.concatenate(found.spikes), np.concatenate(expected.spikes))


@pytest.fixture(scope="module")
def linear():
    return measure(CELLS["linear"], cells=8, duration=600.0)


def test_measured_calibration_of_the_linear_cell_agrees_with_its_closed_form(linear):
    found = linear
    assert found.gain == pytest.approx(LINEAR.gain, rel=0.03)
    assert found.charge == pytest.approx(LINEAR.charge, rel=0.03)
    # the cell holds itself at the rheobase less 5 pA
    assert found.rheobase == pytest.approx(LINEAR.rheobase - LINEAR.holding, abs=10)
    assert found.distance < 2.5
    assert found.basal_gain == pytest.approx(1 / LINEAR.g_s, rel=1e-3)
    assert found.apical_gain == pytest.approx(1 / LINEAR.apical_leak, rel=1e-3)
    assert found.apical_bend < 1e-3


def test_measured_scales_of_a_circuit_agree_with_the_closed_forms(circuit, linear):
    from apical.models.spiking import calibrate

    found, expected = linear.calibration(circuit), calibrate(circuit)
    for name, value in expected.as_dict().items():
        assert getattr(found, name) == pytest.approx(value, rel=0.03, abs=1e-12), name


def test_weights_change_while_brian_runs():
    """Every pre-synaptic spike adds 1 to w and reads the cell's potential, which the one before has moved."""
    cell = Cell(
        name="leaky", model="dv/dt = -v/tau : volt", namespace={"tau": "10 ms"}, roles={"soma": "v"}, method="exact"
    )
    synapse = Synapse(
        name="grows", model="w : volt\nseen : volt", on_pre="seen = {soma}; {soma} += w; w += 1*mV", unit="mV",
        eligibility="seen", eligibility_unit="mV",
    )  # fmt: skip
    found = drive(cell, synapse, duration=30.0, pre=[[5.0, 15.0]], weights=2.0, weight_every=10.0)
    assert found.weights.tolist() == [[4.0]]
    np.testing.assert_allclose(found.weight_course[0, 0], [2.0, 3.0, 4.0])
    assert found.eligibility[0, 0] == pytest.approx(2 * np.exp(-1), rel=1e-6)


def test_given_spikes_replace_the_threshold():
    found = drive(CELLS["linear"], cells=2, duration=50.0, post=[[10.0, 12.0], []])
    assert found.counts.tolist() == [2, 0]
    np.testing.assert_allclose(found.spikes[0], [10.0, 12.0])


def test_the_same_seed_gives_the_same_run():
    words = {"duration": 200.0, "rates": [50.0] * 5, "weights": 300.0, "inputs": {"I_s": 300.0, "I_t": 50.0}}
    first, again, other = (drive(CELLS["linear"], SYNAPSES["apical-pre"], seed=s, **words) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.spikes[0], again.spikes[0])
    np.testing.assert_array_equal(first.eligibility, again.eligibility)
    assert not np.array_equal(first.eligibility, other.eligibility)

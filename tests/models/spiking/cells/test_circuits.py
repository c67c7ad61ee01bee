"""Another eligibility on a trained circuit: the replay's own again, and one that survives back-propagating spikes."""

import numpy as np
import pytest
from apical.models import ModelError
from apical.models.spiking import BAC, LINEAR, calibrate, replay
from apical.models.spiking.cells import CELLS, SYNAPSES, from_neuron, replay_synapse

pytest.importorskip("brian2", reason="the bridge needs brian2")


@pytest.fixture(scope="module")
def few(circuit):
    return circuit.take(slice(0, 8))


def test_the_replays_own_form_is_as_good_here_as_there(few):
    words = {"neuron": LINEAR.but(tau_a=50.0, tau_b=50.0), "duration": 200.0}
    found = replay_synapse(few, SYNAPSES["apical-pre"], **words)
    expected = replay(few, level=2, **words)
    assert np.nanmean(found.cosine) == pytest.approx(np.nanmean(expected.cosine), abs=0.05)
    assert found.rate.mean() == pytest.approx(expected.rate.mean(), rel=0.1)
    np.testing.assert_allclose(found.V_apical, expected.V_apical, rtol=0, atol=4)


@pytest.mark.slow
def test_an_efference_copy_takes_back_propagating_spikes_out(few):
    """Without intrinsic noise the copy of a blocked tuft is the tuft: nothing is learnt; against rest most is left."""
    neuron = BAC.but(tau_b=50.0, noise_current=0.0)
    words = {"neuron": neuron, "calibration": calibrate(few, neuron), "duration": 200.0}
    raw, copied = {}, {}
    for name, part in (("intact", few), ("blocked", few.scale_apical(0.0))):
        raw[name] = replay_synapse(part, SYNAPSES["apical-pre"], **words)
        copied[name] = replay_synapse(part, SYNAPSES["apical-pre-copy"], cell=from_neuron(neuron, copy=True), **words)
    assert raw["intact"].rate.mean() > 2
    left = lambda found: np.linalg.norm(found["blocked"].batch_change) / np.linalg.norm(found["intact"].batch_change)  # noqa: E731
    assert left(raw) > 0.2
    assert left(copied) < 1e-6
    assert np.nanmean(copied["intact"].cosine) > np.nanmean(raw["intact"].cosine) + 0.1


def test_misuse_is_refused(few):
    with pytest.raises(
        ModelError, match=r"synapse\.eligibility: expected the name of a variable, got none in burst-dependent"
    ):
        replay_synapse(few, SYNAPSES["burst-dependent"])
    with pytest.raises(ModelError, match=r"synapse\.on_pre: expected a cell with the role apical_deviation, got bac"):
        replay_synapse(few, SYNAPSES["apical-pre-copy"])
    with pytest.raises(ModelError, match=r"replay_synapse\.target: expected numpy or cython"):
        replay_synapse(few, SYNAPSES["apical-pre"], target="cpp_standalone")
    with pytest.raises(
        ModelError, match=r"from_neuron\.copy: expected a neuron whose spikes reach the tuft, got linear"
    ):
        from_neuron(LINEAR, copy=True)
    assert CELLS["bac-copy"].roles["apical_deviation"] == "D"

"""The change follows from what is recorded."""

import numpy as np
import pytest
from apical.models.spiking import replay
from apical.protocols.replay.recomputed import Stored, change
from made_replays import made_circuit

pytest.importorskip("brian2", reason="the bridge needs brian2")

CIRCUIT = made_circuit(trials=6)


def stored_and_held(**words):
    stored = Stored()
    held = replay(CIRCUIT, pool=5, duration=80.0, sink=stored, keep_sources=True, **words).batch_change
    return stored, held


def apart(found, held):
    return np.linalg.norm(found - held) / np.linalg.norm(held)


@pytest.mark.parametrize(
    "words",
    [
        {}, {"eligibility": "spike"}, {"dale": "split"}, {"dale": "relay"}, {"dale": "blanket"}, {"level": 1}, {"level": 3},
        {"level": 4}, {"level": 4, "eligibility": "spike"}, {"chunk": 4}, {"dt": 0.2, "settle": 30.0},
    ],
    ids=str,
)  # fmt: skip
def test_dW_follows_from_what_is_recorded(words):
    stored, held = stored_and_held(**words)
    assert np.abs(held).max() > 0
    assert apart(change(stored), held) < 1e-6


@pytest.mark.parametrize("part", ["V_apical", "V_basal", "input_time", "input_index"])
def test_another_recording_gives_another_change(part):
    stored, held = stored_and_held()
    where = stored.trials if part.startswith("V") else stored.spikes
    where[part] = where[part][::-1]
    assert apart(change(stored), held) > 0.01


def test_a_potential_at_the_threshold_stays_on_its_side():
    """Rounded to float32 it would be equal to it."""
    stored, _ = stored_and_held()
    assert stored.trials["V_basal"].dtype == np.float32
    from apical.models.spiking.simulate import _stored

    class Setup:
        class neuron:
            E_L, theta_b = -70.0, 0.0

    above = _stored("V_b", np.array([-0.07 + 1e-12, -0.07, -0.07 - 1e-12]), Setup)
    np.testing.assert_array_equal(above > np.float32(-70), [True, False, False])

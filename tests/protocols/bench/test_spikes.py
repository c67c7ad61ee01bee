"""The benchmark of a replay: what it reports, and what it refuses."""

import pytest
from apical.models import ModelError
from apical.protocols.bench import spikes
from apical.protocols.errors import ConfigError

pytest.importorskip("brian2", reason="the bridge needs brian2")


def test_a_made_circuit_is_replayed_faithfully():
    found = spikes(neurons=8, inputs=20, trials=4, duration=100.0, progress=False)
    assert found["synapses"] == 160
    assert found["side_by_side"] == 4
    assert found["predicted_bytes"] > 0
    assert found["processor_seconds"] > 0
    assert found["cosine"] > 0.4


def test_what_it_refuses():
    with pytest.raises(ConfigError, match=r"bench\.trials: expected at least 1, got 0"):
        spikes(trials=0, progress=False)
    with pytest.raises(ModelError, match=r"replay\.memory: expected at most"):
        spikes(neurons=50, inputs=50, trials=2, memory=1000, progress=False)

"""What is refused before anything is replayed."""

from dataclasses import replace

import numpy as np
import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.replay import preflight
from apical.protocols.replay.preflight import check_memory, check_modulated
from made_replays import made_circuit

CIRCUIT = made_circuit()


def test_memory_grows_with_trials_synapses_and_seeds(monkeypatch):
    entries = 24 * 8 * 30
    needed = entries * (4 * 3 + 8 * preflight.ARRAYS)
    monkeypatch.setattr(preflight, "MEMORY", needed)
    check_memory(CIRCUIT, 3)
    for circuit, seeds in ((CIRCUIT, 4), (made_circuit(trials=25), 3), (made_circuit(units=9), 3)):
        with pytest.raises(
            ConfigError, match=r"replay.trials: expected checks of at most .* MB, got a prediction of .* MB for 2"
        ):
            check_memory(circuit, seeds)


def test_the_usual_size_fits():
    check_memory(made_circuit(trials=64, units=30, inputs=1200), 3)


@pytest.mark.parametrize("name", ["gamma", "weight", "prediction", "gate", "winner", "z_pre"])
def test_a_circuit_that_the_rule_does_not_change_is_refused(name):
    check_modulated(CIRCUIT)
    silent = replace(CIRCUIT, **{name: np.zeros_like(getattr(CIRCUIT, name))})
    with pytest.raises(
        ConfigError,
        match=r"replay.trials: expected trials that change .* raise --trials or choose another --population",
    ):
        check_modulated(silent)

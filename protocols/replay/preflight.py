"""What the checks of a replay need, known before anything is replayed."""

import numpy as np

from ...models.spiking import Circuit
from ...models.spiking.plan import megabytes
from ..errors import ConfigError

# a replay bounds itself; this is for what stays of it and for the checks
MEMORY = 2 << 30
ARRAYS = 5  # float64 arrays of the size of the eligibility that a check holds at once, measured


def check_memory(circuit: Circuit, seeds: int) -> None:
    """Refuse a circuit whose traces, one float32 array for every seed, and the checks on them need more than `MEMORY`.

    Args:
        circuit: with all its trials.
        seeds: how many.

    Raises:
        ConfigError: as said; the sentence has the predicted size.
    """
    entries = circuit.trials * circuit.W.size
    needed = entries * (4 * seeds + 8 * ARRAYS)
    if needed > MEMORY:
        raise ConfigError(
            f"replay.trials: expected checks of at most {megabytes(MEMORY)}, got a prediction of {megabytes(needed)} for "
            f"{circuit.trials} trials of {circuit.W.size} synapses and {seeds} seed(s); lower --trials, --units or --seeds"
        )


def check_modulated(circuit: Circuit) -> None:
    """Refuse a circuit that the rule does not change: nothing could be compared.

    Raises:
        ConfigError: the change of the batch is 0.
    """
    factor = (circuit.gamma * circuit.weight)[:, None] * circuit.second * circuit.gate * circuit.winner
    if not np.any(factor.T @ circuit.z_pre):
        raise ConfigError(
            f"replay.trials: expected trials that change the weights of {circuit.name}, got {circuit.trials} whose changes add up to 0 "
            f"({np.count_nonzero(circuit.gamma)} with a neuromodulator other than 0); raise --trials or choose another --population"
        )

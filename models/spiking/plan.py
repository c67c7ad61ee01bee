"""How a replay is cut into chunks of trials, and what it will hold in memory, known before anything is allocated.

Trials lie side by side in one Brian2 network (neuron index = trial * units + unit): a step costs about the same for one trial as for
many, so this is an order of magnitude faster than one trial after another.
"""

from dataclasses import dataclass

from ..errors import ModelError
from .circuit import Circuit
from .dale import Pathway

NEURONS = 20_000  # a chunk beyond this gains no more speed
# measured peaks with Brian2 2.9 (numpy target): monitors grow by doubling and are copied once
SYNAPSE_BYTES = 75
NEURON_BYTES = 250
SAMPLE_BYTES = 22
SPIKE_BYTES = 60
EXPECTED_HZ = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Size of a replay.

    Attributes:
        trials: trials in all.
        chunk: trials side by side.
        neurons: neurons of a chunk, sources included.
        synapses: synapses of a chunk.
        chunk_bytes: predicted memory of a chunk.
        result_bytes: memory of what stays until the end.
    """

    trials: int
    chunk: int
    neurons: int
    synapses: int
    chunk_bytes: int
    result_bytes: int

    @property
    def bytes(self) -> int:
        """Predicted memory in all."""
        return self.chunk_bytes + self.result_bytes

    def slices(self) -> list[slice]:
        """Trials of each chunk."""
        return [slice(start, min(start + self.chunk, self.trials)) for start in range(0, self.trials, self.chunk)]


def plan_replay(
    circuit: Circuit,
    basal: tuple[Pathway, ...],
    apical: tuple[Pathway, ...],
    *,
    level: int,
    samples: int,
    memory: int,
    chunk: int | None = None,
    keep_eligibility: bool = True,
    keep_coincidence: bool = False,
    source_spikes: float = 0.0,
    compiled: bool = False,
) -> Plan:
    """Choose the number of trials side by side.

    Args:
        circuit: with all its trials.
        basal, apical: pathways of W and B.
        level: of fidelity; level 0 has no synapses.
        samples: time points of each recorded potential.
        memory: bytes that the replay may hold.
        chunk: trials side by side; None for as many as memory and speed advise.
        keep_eligibility: whether the eligibility of every trial stays in memory.
        keep_coincidence: whether the coincidences of every trial do.
        compiled: a program is built for every chunk, which costs more than it computes: all trials go into one.
        source_spikes: spikes of inputs and context that are kept, per trial.

    Raises:
        ModelError: it does not fit; the sentence has the predicted size and what to change.
    """
    if chunk is not None and chunk < 1:
        raise ModelError(f"replay.chunk: expected at least 1 trial, got {chunk}; leave it out for a good choice")
    units, inputs = circuit.W.shape
    neurons, synapses = units, 0
    if level:
        for pathways, sources in ((basal, inputs), (apical, len(circuit.contexts))):
            neurons += sources * (1 + len({p.origin for p in pathways} - {"source"}))
            synapses += sum(int(p.present.sum()) for p in pathways)
    window = samples / 1e3 * EXPECTED_HZ * SPIKE_BYTES if level >= 2 else 0.0
    voltages = 3 if level >= 2 else 2
    traces = 8 * units * inputs * (4 if keep_coincidence else 2)
    trial = int(
        SYNAPSE_BYTES * synapses
        + NEURON_BYTES * neurons
        + units * (SAMPLE_BYTES * voltages * samples + window)
        + SPIKE_BYTES * source_spikes
        + traces
    )
    kept = (circuit.trials if keep_eligibility else 1) + (circuit.trials if keep_coincidence else 0)
    result = circuit.trials * units * 8 * 5 + kept * units * inputs * 4
    room = memory - result
    fitting = max(0, room // trial)
    size = chunk or max(1, min(circuit.trials, circuit.trials if compiled else NEURONS // neurons, fitting))
    size = min(size, circuit.trials)
    found = Plan(
        trials=circuit.trials, chunk=size, neurons=size * neurons, synapses=size * synapses,
        chunk_bytes=size * trial, result_bytes=result,
    )  # fmt: skip
    if size > fitting:
        raise ModelError(_too_large(found, memory, keep_eligibility))
    if compiled and chunk is None and size < circuit.trials:
        raise ModelError(
            f"replay.target: expected all {circuit.trials} trials side by side for a program that is compiled once, got room for {size} in "
            f"{megabytes(memory)}; use target='numpy', which compiles nothing, fewer trials, or raise memory"
        )
    return found


def _too_large(plan: Plan, memory: int, keep_eligibility: bool) -> str:
    if keep_eligibility and plan.result_bytes > memory // 2:
        remedy = "keep_eligibility=False, fewer units or fewer trials"
    elif plan.chunk > 1:
        remedy = "a smaller chunk"
    else:
        remedy = "fewer units, a smaller mass or a shorter duration"
    return (
        f"replay.memory: expected at most {megabytes(memory)}, got a prediction of {megabytes(plan.bytes)} for {plan.chunk} "
        f"trial(s) side by side ({plan.neurons} neurons, {plan.synapses} synapses); use {remedy}, or raise memory"
    )


def megabytes(count: int) -> str:
    """Bytes in words.

    >>> megabytes(1_500_000)
    '1.5 MB'
    """
    return f"{count / 1e6:.1f} MB"

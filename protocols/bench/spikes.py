"""`apical bench spikes`: seconds, processor time and memory of a replay of a made circuit, against what was predicted before it began."""

import resource
import time
from typing import Any

import numpy as np
import torch

from ...models.spiking import Circuit, replay
from ..errors import ConfigError
from ..progress import tell
from ..runs.provenance import machine
from .contest import peak, resident

CONTEXTS = 100
CPU = torch.device("cpu")


def spikes(
    *, neurons: int = 200, inputs: int = 200, trials: int = 50, duration: float = 500.0, target: str = "numpy",
    memory: int = 2 << 30, progress: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Replay a random circuit at level 2, one neuron per unit, all inputs wired to all neurons.

    Args:
        neurons, inputs: their product is the number of basal synapses.
        trials: replayed as many side by side as memory and speed advise.
        duration: of a trial, ms, after 100 ms of settling.
        target: where Brian2 computes.
        memory: bytes that the replay may hold.
        progress: tell what happens on stderr.

    Returns:
        JSON-ready dict: synapses of a trial, predicted_bytes, grown_bytes (peak minus what was resident before), seconds, processor_seconds,
        trials side by side, cosine with the rule, machine.

    Raises:
        ConfigError: fewer than one of anything.
        ModelError: it does not fit, or the target is not there.
    """
    for name, value in (("neurons", neurons), ("inputs", inputs), ("trials", trials)):
        if value < 1:
            raise ConfigError(f"bench.{name}: expected at least 1, got {value}; raise it")
    circuit = _made(neurons, inputs, trials)
    tell(progress, f"{neurons * inputs:,} synapses, {trials} trials of {duration:g} ms, target {target}")
    before, wall, processor = resident(), time.perf_counter(), _processor()
    found = replay(
        circuit, level=2, pool=1, duration=duration, settle=100.0, target=target, memory=memory, keep_eligibility=False
    )
    return {
        "benchmark": "spikes", "target": target, "synapses": neurons * inputs, "trials": trials, "side_by_side": found.plan.chunk,
        "predicted_bytes": found.plan.bytes, "grown_bytes": peak(CPU) - before, "seconds": time.perf_counter() - wall,
        "processor_seconds": _processor() - processor, "cosine": float(np.nanmean(found.cosine)), "machine": machine(),
    }  # fmt: skip


def _processor() -> float:
    """Seconds of this process and of compilers that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def _made(units: int, inputs: int, trials: int) -> Circuit:
    """Random weights and half-normal rates; fixations and saccades at random."""
    draws = np.random.default_rng(0)
    W = draws.normal(size=(units, inputs)) / np.sqrt(inputs)
    B = draws.normal(size=(units, CONTEXTS)) / np.sqrt(CONTEXTS)
    z, context = (np.maximum(draws.normal(size=(trials, n)), 0) for n in (inputs, CONTEXTS))
    basal = z @ W.T
    rows = np.arange(trials)
    none = np.zeros((trials, units))
    return Circuit(
        name="made", source="lateral", map_shape=(units, 1, 1), position=None, units=np.arange(units), inputs=np.arange(inputs),
        contexts=np.arange(CONTEXTS), W=W, B=B, bias=none, apical_bias=none, z_pre=z, context=context, basal=basal,
        rate=np.maximum(basal, 0), prediction=context @ B.T, gate=(basal > 0).astype(np.float64), winner=np.ones((trials, units)),
        gamma=draws.choice([-1.0, 1.0], trials), weight=np.ones(trials), phase=np.zeros(trials, dtype=np.int8),
        score=np.zeros(trials), context_row=rows, seen_row=rows,
    )  # fmt: skip

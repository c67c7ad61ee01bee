"""C15: the spike-derived changes applied to the rate network, against those of the rule itself."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from ...models import Collector, Network
from ...models.engine import LocalEngine
from ...models.populations.geometry import add_change
from ...models.spiking import Circuit, calibrate, replay
from ..readouts.reading import Reading, read_out
from ..runs.reading import reading_of
from .agreement import ratio
from .check import Check, Criterion, at_least
from .circuits import Loaded
from .workbench import Bench

STEPS = 5
STEP_SIZE = 0.005  # length of the first change, relative to the weights of the circuit
OBJECTS = 128
N_TRAIN, N_TEST = 2000, 1000


def learning_level(bench: Bench) -> list[Check]:
    """Both networks start alike; each is changed by its own signals, with one learning rate."""
    loaded, population = bench.loaded, bench.circuit.name
    before = loss(loaded, loaded.network, population)
    # linear by ridge, whatever the run's own read-out: the criterion is about this one
    reading = reading_of(
        loaded.run.config, loaded.run.rule, loaded.run.stimulus, field="replay.learning", n_train=N_TRAIN, n_test=N_TEST,
        read_out="linear", solver="ridge",
    )  # fmt: skip
    start = accuracy(loaded.network, reading, population)
    ratios: list[float] = []
    points: list[float] = []
    detail: dict[str, list[float]] = {"loss before": [before], "accuracy before": [start]}
    rule, rate = loaded.another(), _length(bench)
    if math.isnan(rate):
        reason = (
            f"the rule changes nothing in the first {bench.settings.few} trials: there is no length to give the changes"
        )
        return _checks([rate], [rate], reason, detail)
    _learn(bench, rule, None, rate)
    by_rule, own = loss(loaded, rule, population), accuracy(rule, reading, population)
    for seed in bench.settings.seeds:
        spiking = loaded.another()
        _learn(bench, spiking, seed, rate)
        by_spikes, found = loss(loaded, spiking, population), accuracy(spiking, reading, population)
        ratios.append((before - by_spikes) / (before - by_rule) if by_rule < before else math.nan)
        points.append(found - own)
        for name, value in (("loss, spikes", by_spikes), ("accuracy, spikes", found)):
            detail.setdefault(name, []).append(value)
    detail |= {"loss, rule": [by_rule], "accuracy, rule": [own]}
    reason = (
        ""
        if by_rule < before
        else f"the rule itself does not lower the objective on unseen glances ({before:.4f} to {by_rule:.4f}): nothing to compare"
    )
    return _checks(ratios, points, reason, detail)


def _checks(ratios: list[float], points: list[float], reason: str, detail: dict[str, list[float]]) -> list[Check]:
    return [
        Check("C15", f"fall of the objective by {STEPS} spiking changes, relative to the rule's", ratios, at_least(0.9), reason, detail),
        Check("C15", "read-out accuracy minus that of the rule's network (points)", points, Criterion(-1.0, 1.0)),
    ]  # fmt: skip


def _length(bench: Bench) -> float:
    """Learning rate that gives the first change its length; NaN where there is no change."""
    c = bench.few
    return STEP_SIZE * ratio(float(np.linalg.norm(c.W)), float(np.linalg.norm(c.change().sum(0))))


def _learn(bench: Bench, network: Network, seed: int | None, rate: float) -> None:
    """Several changes of the circuit's weights; by the rule where there is no seed."""
    s, loaded = bench.settings, bench.loaded
    for step in range(STEPS):
        circuit = loaded.cut(network, loaded.run.rule, s, s.source, "learning", step).take(slice(0, s.few))
        if seed is None:
            change = circuit.change().sum(0)
        else:
            bench.tell(f"learning, step {step + 1} of {STEPS}, seed {seed}")
            change = replay(
                circuit, **{**s.reference, "calibration": calibrate(circuit), "seed": seed * STEPS + step}, keep_eligibility=False
            ).batch_change  # fmt: skip
        apply(network, circuit, rate * change)


def apply(network: Network, circuit: Circuit, change: NDArray[np.float64]) -> None:
    """Add a change to the weights of the circuit, in the network.

    Args:
        network: changed in place.
        circuit: says which weights they are.
        change: of W, (units, inputs).
    """
    channels = circuit.units // (circuit.map_shape[1] * circuit.map_shape[2])
    synapses = circuit.inputs if circuit.synapses is None else circuit.synapses
    cell = network.populations[network.names.index(circuit.name)]
    add_change(cell, *(torch.from_numpy(part) for part in (channels, synapses, change)))


def loss(loaded: Loaded, network: Network, population: str) -> float:
    """Objective of the population on glances that no circuit has seen."""
    shown = loaded.glances(min(OBJECTS, len(loaded.run.stimulus.train)), "held-out")
    losses = LocalEngine(network, loaded.run.rule, Collector()).step(shown.images, shown.pairing)
    return float(losses[network.names.index(population)])


def accuracy(network: Network, reading: Reading, population: str) -> float:
    """Read-out of the population, per cent."""
    return read_out(network, reading, [population])[population].accuracy

"""C15: the spike-derived changes applied to the rate network, against those of the rule itself."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from ...models import Collector, Network
from ...models.engine import LocalEngine
from ...models.populations.geometry import add_change
from ...models.spiking import Circuit, calibrate, replay
from ..check import Check, Criterion, at_least
from ..readouts.reading import Reading, read_out
from ..runs.reading import reading_of
from .agreement import ratio
from .circuits import Loaded
from .workbench import Bench

Array = NDArray[np.float64]
Changed = Callable[[Circuit, int], Array]  # dW of a circuit at a step

STEPS = 5
LEAST = 0.9  # of the rule's fall
MARGIN = 0.3  # of the rule's fall
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
        return _checks([rate], [rate], [rate], reason, detail)
    _learn(bench, rule, BY_RULE, rate)
    by_rule, own = loss(loaded, rule, population), accuracy(rule, reading, population)
    fall = before - by_rule
    wrong: dict[str, float] = {}
    for name, change in NULLS.items():
        other = loaded.another()
        _learn(bench, other, change, rate)
        wrong[name] = ratio(before - loss(loaded, other, population), fall)
    for seed in bench.settings.seeds:
        spiking = loaded.another()
        _learn(bench, spiking, _by_spikes(bench, seed), rate)
        by_spikes, found = loss(loaded, spiking, population), accuracy(spiking, reading, population)
        ratios.append((before - by_spikes) / fall if fall > 0 else math.nan)
        points.append(found - own)
        for name, value in (("loss, spikes", by_spikes), ("accuracy, spikes", found)):
            detail.setdefault(name, []).append(value)
    detail |= {"loss, rule": [by_rule], "accuracy, rule": [own]}
    detail |= {f"fall relative to the rule's, {name}": [value] for name, value in wrong.items()}
    margins = [value - max(wrong.values()) for value in ratios]
    reason = (
        ""
        if by_rule < before
        else f"the rule itself does not lower the objective on unseen glances ({before:.4f} to {by_rule:.4f}): nothing to compare"
    )
    return _checks(ratios, margins, points, reason, detail, wrong)


def _checks(
    ratios: list[float], margins: list[float], points: list[float], reason: str, detail: dict[str, list[float]],
    wrong: Mapping[str, float] | None = None,
) -> list[Check]:  # fmt: skip
    short = tuple(name for name, value in (wrong or {}).items() if value < LEAST)
    return [
        Check("C15", f"fall of the objective by {STEPS} spiking changes, relative to the rule's", ratios, at_least(LEAST), reason, detail, rejects=short),
        Check("C15", "that fall above the largest by wrong changes of equal length", margins, at_least(MARGIN), reason, rejects=tuple(wrong or ())),
        Check("C15", "read-out accuracy minus that of the rule's network (points)", points, Criterion(-1.0, 1.0), self_test=True),
    ]  # fmt: skip


def _length(bench: Bench) -> float:
    """Learning rate that gives the first change its length; NaN where there is no change."""
    c = bench.few
    return STEP_SIZE * ratio(float(np.linalg.norm(c.W)), float(np.linalg.norm(c.change().sum(0))))


def _by_rule(circuit: Circuit, step: int) -> Array:
    total: Array = circuit.change().sum(0)
    return total


def _of_length(change: Array, circuit: Circuit) -> Array:
    """As long as the rule's change."""
    size = float(np.linalg.norm(change))
    return change * (float(np.linalg.norm(_by_rule(circuit, 0))) / size) if size else change


def _random(circuit: Circuit, step: int) -> Array:
    return _of_length(np.random.default_rng(step).standard_normal(circuit.W.shape), circuit)


def _shuffled(circuit: Circuit, step: int) -> Array:
    return np.roll(_by_rule(circuit, step), 1, axis=0)  # every unit gets the change of another


def _without_apical(circuit: Circuit, step: int) -> Array:
    post = circuit.gate * circuit.winner * (circuit.gamma * circuit.weight)[:, None]
    return _of_length(post.T @ circuit.z_pre, circuit)


BY_RULE: Changed = _by_rule
# what a spiking change has to be better than
NULLS: dict[str, Changed] = {
    "no dW": lambda circuit, _: np.zeros(circuit.W.shape), "reversed dW": lambda circuit, step: -_by_rule(circuit, step),
    "random dW": _random, "dW of other units": _shuffled, "no apical factor": _without_apical,
}  # fmt: skip


def _by_spikes(bench: Bench, seed: int) -> Changed:
    def change(circuit: Circuit, step: int) -> Array:
        bench.tell(f"learning, step {step + 1} of {STEPS}, seed {seed}")
        words = {**bench.settings.reference, "calibration": calibrate(circuit), "seed": seed * STEPS + step}
        return replay(circuit, **words, keep_eligibility=False).batch_change

    return change


def _learn(bench: Bench, network: Network, change: Changed, rate: float) -> None:
    """Several changes of the circuit's weights."""
    s, loaded = bench.settings, bench.loaded
    for step in range(STEPS):
        circuit = loaded.cut(network, loaded.run.rule, s, s.source, "learning", step).take(slice(0, s.few))
        apply(network, circuit, rate * change(circuit, step))


def apply(network: Network, circuit: Circuit, change: NDArray[np.float64]) -> None:
    """Add a change to the weights of the circuit, in the network.

    Args:
        network: changed in place.
        circuit: says which weights they are.
        change: of W, (units, inputs).
    """
    channels = circuit.units // (circuit.map_shape[1] * circuit.map_shape[2])
    synapses, change = circuit.of_weights(change)
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

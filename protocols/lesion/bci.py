"""Stage `bci`: a brain-computer interface on units of one population, whose tufts are told its error.

Two groups P+ and P- of units of the network's middle population, with its own W, inputs and biases at one place, drive a read-out

    y = mean rate of P+ - mean rate of P-              error  e = max(0, target - y)

that is shown to the animal. In every trial one glance is seen, rates fluctuate, and the error reaches the tufts as a context of one neuron:

    a = W z + b + noise,   r = rho(a),   V_a = B e + coupling r + noise          dW_ji = rate (V_a - coupling r)_j rho'(a_j) z_i / |z|^2

What the soma sends into its own tuft (`COUPLING`) is no instruction: the rule reads the deviation without it, as an experimenter does by regressing
the somatic signal out. B is set to each unit's causal sign (1 / -1, and 0 for units that are not read out), to 1 everywhere, or learnt on a first day
without basal plasticity from the correlation of every unit's fluctuation, at equal glances, with that of the read-out. Rates, no spikes; gamma is 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Circuit
from ..errors import ConfigError, ProtocolError
from .circuit import Found, cut
from .events import Interface, Probe
from .protocol import Condition
from .subject import Subject

GROUP = 5  # units of P+, and of P-
FLUCTUATION, TUFT_NOISE = 0.3, 0.1  # of potentials, in mean rates of the units
COUPLING = 0.5  # of the soma into the tuft
TARGET = 1.5  # mean rates above the read-out of the first day
RATE = 0.03
Array = NDArray[np.float64]


@dataclass(slots=True)
class Units:
    """Units of an interface; rates in units of their mean rate at first.

    Attributes:
        W: (units, inputs).
        bias: (glances, units).
        z: pre-synaptic rates, (glances, inputs).
        causal: 1 for P+, -1 for P-, 0 for the others, (units,).
    """

    W: Array
    bias: Array
    z: Array
    causal: Array

    def potential(self, glance: int) -> Array:
        """a of one glance, (units,)."""
        found: Array = self.z[glance] @ self.W.T + self.bias[glance]
        return found

    def output(self, rate: Array) -> float:
        """y."""
        return float(self.causal @ rate) / GROUP


@dataclass(slots=True)
class Day:
    """Trials of one day.

    Attributes:
        rate, apical: r and V_a, (trials, units).
        error, output: (trials,).
        glance: that was seen, (trials,).
    """

    rate: Array
    apical: Array
    error: Array
    output: Array
    glance: NDArray[np.int64]


def interface(subject: Subject, condition: Condition, seed: int) -> dict[str, Found]:
    """What a condition finds at its probes."""
    found: dict[str, Found] = {}
    task: Interface | None = None
    for event in condition.events:
        if isinstance(event, Interface):
            task = event
        elif isinstance(event, Probe):
            if task is None:
                raise ConfigError(
                    f"conditions.{condition.label}: expected an interface before the probe, got none; add one"
                )
            found[event.name] = trained(units_of(cut(subject), seed), task, seed)
    return found


def units_of(circuit: Circuit, seed: int) -> Units:
    """The units of a circuit that fire, and which of them are read out.

    Raises:
        ProtocolError: too few fire.
    """
    rate = circuit.rate.mean(0)
    firing = np.flatnonzero(rate > 0.1 * rate.max())
    if len(firing) < 2 * GROUP:
        raise ProtocolError(f"bci.units: expected {2 * GROUP} that fire, got {len(firing)}; take another run")
    chosen = np.random.default_rng(seed).permutation(firing)[: 2 * GROUP]
    causal = np.zeros(len(rate))
    causal[chosen[:GROUP]], causal[chosen[GROUP:]] = 1.0, -1.0
    scale = float(rate[firing].mean())
    return Units(circuit.W / scale, circuit.bias / scale, circuit.z_pre, causal)


def trained(units: Units, task: Interface, seed: int) -> Found:
    """All days of one animal: numbers, and the output of every day as a share of the way to the target."""
    draws = np.random.default_rng([seed, 1])
    first = _day(units, task, np.zeros(len(units.causal)), -np.inf, 0.0, draws)
    start = float(first.output.mean())
    target = start + TARGET
    feedback = _feedback(units, task, first)
    days = [_day(units, task, feedback, target, RATE, draws) for _ in range(task.days)]
    outputs = np.array([start, *(float(day.output.mean()) for day in days)])
    way = (outputs - start) / TARGET
    slope = residual_slope(days[0])
    changed = days[-1].rate.mean(0) - first.rate.mean(0)
    values = {
        "output": float(way[-1]), "residual_plus": float(slope[units.causal > 0].mean()),
        "residual_minus": float(slope[units.causal < 0].mean()), "prediction": _correlation(slope, changed),
    }  # fmt: skip
    return Found(values, np.arange(len(way), dtype=np.float64), way)


def _feedback(units: Units, task: Interface, first: Day) -> Array:
    """B."""
    if task.feedback == "causal":
        return units.causal.copy()
    if task.feedback == "global":
        return np.ones(len(units.causal))
    found: Array = _fluctuation(first.rate, first.glance).T @ _fluctuation(first.output, first.glance)
    found /= np.abs(found).max()
    return found


def _fluctuation(values: Array, glance: NDArray[np.int64]) -> Array:
    """What a glance alone does not explain."""
    found: Array = np.empty_like(values)
    for one in np.unique(glance):
        found[glance == one] = values[glance == one] - values[glance == one].mean(0)
    return found


def _day(units: Units, task: Interface, feedback: Array, target: float, rate: float, draws: np.random.Generator) -> Day:
    """Trials one after the other; W changes in place."""
    count, wide = task.trials, len(units.causal)
    rates, apical, errors, outputs = np.zeros((count, wide)), np.zeros((count, wide)), np.zeros(count), np.zeros(count)
    glances = draws.integers(len(units.z), size=count)
    for trial, glance in enumerate(glances.tolist()):
        a = units.potential(glance) + FLUCTUATION * draws.standard_normal(wide)
        r = np.maximum(a, 0)
        y = units.output(r)
        error = max(0.0, target - y)
        instruction = feedback * error + TUFT_NOISE * draws.standard_normal(wide)
        if task.scrambled:
            instruction = draws.permutation(instruction)
        rates[trial], apical[trial], errors[trial], outputs[trial] = r, instruction + COUPLING * r, error, y
        if rate:
            z = units.z[glance]
            units.W += rate * np.outer(instruction * (a > 0), z) / max(float(z @ z), 1e-12)
    return Day(rates, apical, errors, outputs, glances)


def residual_slope(day: Day) -> Array:
    """Slope of the apical signal on the error once the somatic one is regressed out, (units,): of V_a = s r + q e + const the q."""
    found = np.zeros(day.rate.shape[1])
    for unit in range(len(found)):
        known = np.stack([day.rate[:, unit], day.error, np.ones(len(day.error))], 1)
        found[unit] = np.linalg.lstsq(known, day.apical[:, unit], rcond=None)[0][1]
    return found


def _correlation(first: Array, second: Array) -> float:
    if not (first.std() > 0 and second.std() > 0):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])

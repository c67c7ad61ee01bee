"""Stage `circuit`: one glance of a circuit cut out of the run's network, replayed with spikes, and a pulse of the modulator afterwards.

The replay's synapses keep an eligibility trace that decays with tau while the glance lasts. After it nothing fires, and the trace decays in
closed form: a pulse at onset d after the end of the glance makes

    dW(d) = sum over trials of gamma weight e(d),   e(d) = e_tau(0) exp(-d / tau)                             exponential
                                                    e(d) = [e_tau(0) exp(-d / tau) - e_rise(0) exp(-d / rise)] / peak    rise-decay

with e_tau(0) and e_rise(0) from two replays of the same spikes. A pulse during the glance meets the trace of a glance of that length; before
the glance there is no trace.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Circuit, calibrate, extract, replay
from ..errors import ConfigError, ProtocolError
from .events import Contingency, Fixation, Gamma, Probe
from .protocol import Condition
from .subject import Subject

UNITS, TRIALS = 24, 16
POOL = 10
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """What a probe found: numbers by measure, and a curve.

    Attributes:
        values: by measure.
        x, y: the curve.
    """

    values: dict[str, float]
    x: Array
    y: Array


def cut(subject: Subject) -> Circuit:
    """The circuit of one seed: trials with a modulator, from the middle of the network."""
    seen = subject.glances("circuit", 0, Contingency())
    names = subject.network.names
    whole = extract(
        subject.network, seen.images, seen.pairing, subject.rule, population=names[len(names) // 2],
        units=UNITS, seed=subject.looking.batches.seed, label=subject.told(seen),
    )  # fmt: skip
    modulated = np.flatnonzero((whole.gamma != 0) & (whole.eligibility().reshape(whole.trials, -1).any(1)))
    if not len(modulated):
        raise ProtocolError(
            "circuit.gamma: expected trials with a neuromodulator, got none; show more glances or an earlier checkpoint"
        )
    return whole.take(modulated[:TRIALS])


def pulse(circuit: Circuit, condition: Condition, seed: int) -> dict[str, Found]:
    """What a condition finds at its probes."""
    duration: float | None = None
    gamma: Gamma | None = None
    found: dict[str, Found] = {}
    for event in condition.events:
        if isinstance(event, Fixation):
            duration = event.duration or 300.0
        elif isinstance(event, Gamma):
            gamma = event
        elif isinstance(event, Probe):
            if duration is None or gamma is None or gamma.onset is None:
                raise ConfigError(
                    f"conditions.{condition.label}: expected a fixation and a gamma with onsets before the probe, got none; add them"
                )
            found[event.name] = _sweep(circuit, gamma, duration, seed)
    return found


def _sweep(circuit: Circuit, gamma: Gamma, duration: float, seed: int) -> Found:
    assert gamma.onset is not None
    traces = Traces(circuit, seed)
    onsets = np.array(sorted(gamma.onset))
    rule = circuit.change().sum(0)
    strength = gamma.scale if gamma.clamp is None else gamma.clamp
    changes = [strength * traces.change(gamma, duration, onset) for onset in onsets]
    along = np.array([float((change * rule).sum() / np.square(rule).sum()) for change in changes])
    best = int(np.abs(along).argmax())
    if not np.abs(along[best]) > 0:
        raise ProtocolError(
            "gamma.onset: expected a pulse that changes something, got none; add onsets of 0 s and later"
        )
    curve = along / along[best]
    # a pulse during the fixation is neither early nor late
    early = np.abs(curve[onsets * 1e3 <= -duration]).max(initial=0.0)
    norm = np.linalg.norm(changes[best]) * np.linalg.norm(rule)
    values = {
        "peak": float(onsets[best]), "peak_from_start": float(onsets[best] + duration / 1e3), "early": float(early),
        "late": float(np.abs(curve[-1])), "cosine": float((changes[best] * rule).sum() / norm),
    }  # fmt: skip
    return Found(values, onsets, curve)


class Traces:
    """Summed eligibility of a circuit at some time, gamma and weights of the trials included.

    Args:
        circuit: with its trials.
        seed: of the spikes, the same for every replay.
    """

    def __init__(self, circuit: Circuit, seed: int) -> None:
        self.circuit, self.seed, self.scales = circuit, seed, calibrate(circuit)
        self._kept: dict[tuple[float, float], Any] = {}

    def change(self, gamma: Gamma, duration: float, onset: float) -> Array:
        """dW of a pulse, (units, inputs), times ms.

        Args:
            gamma: kernel and its times.
            duration: of the fixation, ms.
            onset: of the pulse, s from its end.
        """
        seen, after = duration + min(onset, 0.0) * 1e3, max(onset, 0.0)
        if round(seen) < 1:
            return np.zeros_like(self.circuit.W)
        decaying = self._after(gamma.tau, seen, after)
        if gamma.kernel == "exponential":
            return decaying
        tau, rise = gamma.tau, gamma.rise
        time = math.log(tau / rise) / (1 / rise - 1 / tau)
        peak = math.exp(-time / tau) - math.exp(-time / rise)
        return (decaying - self._after(rise, seen, after)) / peak

    def _after(self, tau: float, seen: float, after: float) -> Array:
        """The trace that decays with tau (s), after a glance of `seen` ms and `after` s of silence."""
        key = (tau, round(seen))
        if key not in self._kept:
            found = replay(
                self.circuit, calibration=self.scales, pool=POOL, duration=float(round(seen)), settle=0.0,
                tau_e=tau * 1e3, seed=self.seed, keep_eligibility=False,
            )  # fmt: skip
            # the replay gives it per unit of z; undone, traces of two time constants can be subtracted
            self._kept[key] = found.batch_change * tau * 1e3 * -math.expm1(-round(seen) / (tau * 1e3))
        trace: Array = self._kept[key] * math.exp(-after / tau)
        return trace

"""A modulator that arrives during or after the stimulus: what is left of the eligibility when it does.

    de_ji/dt = -e_ji / tau_e + sum over pre-synaptic spikes of the trace,     dW_ji = gamma(t) e_ji(t)

The stimulus is shown once; one copy of the circuit for every onset of a brief pulse gamma(t), side by side.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .assemble import Assembly, Setup, assemble
from .brian import session, unburdened
from .calibration import Calibration, calibrate
from .circuit import Circuit
from .dale import split
from .limits import check_rates, check_step, check_times, time_constants
from .neuron import LINEAR, Neuron

PULSE = 10.0  # ms between two looks at the modulator; a pulse fills one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Modulation:
    """Effect of one pulse by its onset.

    Attributes:
        onset: ms after the end of the stimulus; negative during it, below -duration before it.
        effect: dW of a pulse at that onset relative to the eligibility at the end of the stimulus, projected on it.
        duration, tau_e: ms.
    """

    onset: NDArray[np.float64]
    effect: NDArray[np.float64]
    duration: float
    tau_e: float

    @property
    def kernel(self) -> NDArray[np.float64]:
        """What an exponential trace predicts after the stimulus: exp(-onset / tau_e); 0 before it, NaN during it."""
        after = np.exp(-np.maximum(self.onset, 0) / self.tau_e)
        return np.where(self.onset >= 0, after, np.where(self.onset < -self.duration, 0.0, np.nan))


def modulate(
    circuit: Circuit,
    onsets: Sequence[float],
    *,
    trial: int = 0,
    tau_e: float = 300.0,
    duration: float = 300.0,
    pool: int = 10,
    neuron: Neuron = LINEAR,
    calibration: Calibration | None = None,
    dt: float = 0.1,
    seed: int = 0,
    target: str = "numpy",
) -> Modulation:
    """Show one trial and give a pulse of the modulator at several onsets.

    Args:
        circuit: from `extract`.
        onsets: ms after the end of the stimulus, multiples of 10 ms.
        trial: which trial is shown.
        tau_e: decay of the eligibility, ms.
        duration: of the stimulus, ms, a multiple of 10.
        pool: neurons per input and per context neuron.
        neuron: neuron type without calcium spike.
        calibration: scales; None for those of the circuit.
        dt: time step, ms.
        seed: of the Poisson spikes.
        target: `numpy` or `cython`.

    Raises:
        ModelError: times that do not fit, a trial that is not there, rates too high for the step, a neuron with a calcium spike, or a
            target that cannot stop between two parts of a run.
    """
    when = np.asarray(onsets, dtype=np.float64)
    _check(circuit, when, trial, duration, neuron, target)
    check_times("modulate", duration=duration, settle=0.0, dt=dt, tau_e=tau_e, seed=seed, pool=pool)
    check_step("modulate", dt, time_constants(neuron, level=1))
    scales = calibrate(circuit, neuron) if calibration is None else calibration.fit(neuron)
    part = circuit.take([trial] * len(when))
    setup = Setup(
        neuron=neuron, calibration=scales, basal=split(circuit.W, "none", neuron), apical=split(circuit.B, "none", neuron),
        level=1, pool=pool, conductance=False, slope=1.0, tau_e=tau_e, dt=dt, settle=0.0, duration=duration, modulated=True,
    )  # fmt: skip
    check_rates("modulate", part, setup)
    lead = max(0.0, -duration - float(when.min())) + PULSE
    tail = max(0.0, float(when.max())) + 2 * PULSE
    changes, left = _run(part, setup, when + lead + duration, (lead, duration, tail), target, seed)
    reference = left * math.exp(tail / tau_e)
    effect = (changes * reference).sum(1) / np.square(reference).sum(1)
    return Modulation(onset=when, effect=effect, duration=duration, tau_e=tau_e)


def _check(
    circuit: Circuit, when: NDArray[np.float64], trial: int, duration: float, neuron: Neuron, target: str
) -> None:
    steps = np.append(when, duration) / PULSE
    if not (when.size and np.isfinite(steps).all() and np.allclose(steps, np.round(steps)) and duration > 0):
        raise ModelError(
            f"modulate.onsets: expected times in multiples of {PULSE:g} ms and such a duration above 0, got {when.tolist()[:6]} and "
            f"{duration!r}; round them"
        )
    if not 0 <= trial < circuit.trials:
        raise ModelError(
            f"modulate.trial: expected 0 to {circuit.trials - 1}, got {trial}; choose one of the circuit's"
        )
    if neuron.bac:
        raise ModelError(
            f"modulate.neuron: expected one without calcium spike, got {neuron.name}; its soma does not fire here, use linear"
        )
    if target == "cpp_standalone":
        raise ModelError(
            "modulate.target: expected numpy or cython, got cpp_standalone; the stimulus ends within the run"
        )


def _run(
    part: Circuit, setup: Setup, pulses: NDArray[np.float64], times: tuple[float, float, float], target: str, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Change of every copy and the eligibility left at the end, each (onsets, synapses of a copy)."""
    copies, units = part.basal.shape
    looks = np.zeros((round(sum(times) / PULSE), copies * units))
    for copy, at in enumerate(pulses):
        looks[round(at / PULSE), copy * units : (copy + 1) * units] = 1
    with unburdened(), session(target) as (b2, _):
        b2.seed(seed)
        built = assemble(b2, part, setup)
        gamma = b2.TimedArray(looks, dt=PULSE * b2.ms, name="gamma")
        for number, synapses in enumerate(built.plastic):
            synapses.namespace["gamma"] = gamma
            code = "change += gamma(t, j)*eligibility*exp(-(t - last)/tau_e)"
            built.network.add(synapses.run_regularly(code, dt=PULSE * b2.ms, when="end", name=f"modulator_{number}"))
        sources = [built.network[name] for name in ("basal_source", "apical_source")]
        rates = [np.array(source.rates[:]) for source in sources]
        for share, length in zip((0.0, 1.0, 0.0), times, strict=True):
            for source, full in zip(sources, rates, strict=True):
                source.rates = share * full * b2.Hz
            built.network.run(length * b2.ms, namespace={})
        return _collected(built, setup, copies, sum(times))


def _collected(
    built: Assembly, setup: Setup, copies: int, end: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    assert setup.tau_e is not None
    changes, left = [], []
    for synapses in built.plastic:
        # synapses are ordered copy by copy
        changes.append(np.asarray(synapses.change[:]).reshape(copies, -1))
        since = end - np.asarray(synapses.last[:]) * 1e3
        left.append((np.asarray(synapses.eligibility[:]) * np.exp(-since / setup.tau_e)).reshape(copies, -1))
    return np.concatenate(changes, 1), np.concatenate(left, 1)

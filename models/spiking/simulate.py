"""One chunk of trials through Brian2: build, settle, record, read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .assemble import Assembly, Setup, assemble
from .brian import session
from .circuit import Circuit
from .result import Chunk

NAMES = {"V_b": "V_basal", "V_a": "V_apical", "V_s": "V_soma"}


def simulate(part: Circuit, setup: Setup, *, target: str, seed: int) -> Chunk:
    """Replay the trials of a chunk side by side.

    Args:
        part: circuit with the chunk's trials.
        setup: what all chunks share.
        target: where Brian2 computes.
        seed: of this chunk.
    """
    with session(target) as (b2, folder):
        b2.seed(seed)
        built = assemble(b2, part, setup)
        if setup.settle:
            built.network.run(setup.settle * b2.ms, namespace={})
            _forget(b2, built, setup)
        built.network.run(setup.duration * b2.ms, namespace={})
        if folder:
            b2.get_device().build(directory=folder, compile=True, run=True)
        return _read(built, part, setup)


def _forget(b2: Any, built: Assembly, setup: Setup) -> None:
    """Only the window counts: eligibility starts at its beginning."""
    for synapses in built.plastic:
        synapses.eligibility = 0
        if setup.coincidence:
            synapses.coincidence = 0
        if setup.tau_e is not None:
            synapses.last = setup.settle * b2.ms
    if setup.level == 0:
        built.units.trace_sum = 0


def _read(built: Assembly, part: Circuit, setup: Setup) -> Chunk:
    trials, units = part.basal.shape
    samples = np.asarray(built.voltages.t_) * 1e3 >= setup.settle - setup.dt / 2
    voltages = {
        NAMES[name]: (np.asarray(getattr(built.voltages, name))[:, samples] * 1e3).astype(np.float32).reshape(
            trials, units, -1
        )
        for name in built.voltages.record_variables
    }  # fmt: skip
    if built.spikes is None:
        a = (voltages["V_basal"].mean(-1, dtype=np.float64) - setup.neuron.E_L) / setup.calibration.basal_gain
        rate = np.maximum(a, 0) * setup.calibration.post_rate
        spikes = np.zeros(0), np.zeros(0, dtype=np.int64)
    else:
        spikes = _spikes(built.spikes, setup)
        rate = np.bincount(spikes[1], minlength=trials * units).reshape(trials, units) / setup.duration * 1e3
    trial = spikes[1] // units
    order = np.lexsort((spikes[1], spikes[0], trial))
    return Chunk(
        rate=rate, voltages=voltages, eligibility=_eligibility(built, part, setup),
        coincidence=_coincidence(built, part, setup),
        spike_time=spikes[0][order].astype(np.float32), spike_unit=(spikes[1][order] % units).astype(np.int32),
        spike_count=np.bincount(trial, minlength=trials),
    )  # fmt: skip


def _spikes(monitor: Any, setup: Setup) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times in ms from the start of the window, and neurons."""
    times, neurons = np.asarray(monitor.t_) * 1e3 - setup.settle, np.asarray(monitor.i, dtype=np.int64)
    inside = times >= -setup.dt / 2
    return times[inside], neurons[inside]


def _eligibility(built: Assembly, part: Circuit, setup: Setup) -> NDArray[np.float64]:
    """e in the units of the rule: the sum over spikes divided by the spikes that a unit of z is expected to give."""
    trials, units = part.basal.shape
    inputs = part.z_pre.shape[1]
    total = np.zeros((trials, inputs, units))
    expected = _expected(setup, _effective(setup))
    for number, (pre, post) in enumerate(built.wires):
        where = (pre // inputs, pre % inputs, post % units)
        if setup.level == 0:
            drive = np.asarray(built.units.trace_sum[:])
            rates = setup.pre_rates(part).ravel() * setup.pool
            total[where] += drive[post] * rates[pre] * _effective(setup) / setup.duration
            continue
        synapses = built.plastic[number]
        traces = np.asarray(synapses.eligibility[:])
        if setup.tau_e is not None:
            since = setup.settle + setup.duration - np.asarray(synapses.last[:]) * 1e3
            traces = traces * np.exp(-since / setup.tau_e)
        total[where] += traces
    return total.transpose(0, 2, 1) / expected


def _coincidence(built: Assembly, part: Circuit, setup: Setup) -> NDArray[np.float64] | None:
    """Pre-synaptic spikes that met an open gate, in units of z."""
    if not (setup.coincidence and setup.level):
        return None
    trials, units = part.basal.shape
    inputs = part.z_pre.shape[1]
    total = np.zeros((trials, inputs, units))
    for synapses, (pre, post) in zip(built.plastic, built.wires, strict=True):
        total[pre // inputs, pre % inputs, post % units] += np.asarray(synapses.coincidence[:])
    return total.transpose(0, 2, 1) / _expected(setup, setup.duration)


def _expected(setup: Setup, effective: float) -> float:
    """Spikes that a source with z = 1 is expected to give in that time."""
    return setup.pool * setup.calibration.pre_rate * effective * 1e-3


def _effective(setup: Setup) -> float:
    """Length of the window as the eligibility weighs it, ms."""
    if setup.tau_e is None:
        return setup.duration
    return float(setup.tau_e * -np.expm1(-setup.duration / setup.tau_e))

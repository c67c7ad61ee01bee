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
        NAMES[name]: _stored(name, np.asarray(getattr(built.voltages, name))[:, samples], setup).reshape(trials, units, -1)
        for name in built.voltages.record_variables
    }  # fmt: skip
    before = np.full(trials * units, np.nan)
    if built.spikes is None:
        a = (voltages["V_basal"].mean(-1, dtype=np.float64) - setup.neuron.E_L) / setup.calibration.basal_gain
        rate = np.maximum(a, 0) * setup.calibration.post_rate
        spikes = np.zeros(0), np.zeros(0, dtype=np.int64)
    else:
        spikes = _spikes(built.spikes, setup)
        before = _last_before(built.spikes, setup, len(before))
        rate = np.bincount(spikes[1], minlength=trials * units).reshape(trials, units) / setup.duration * 1e3
    trial = spikes[1] // units
    order = np.lexsort((spikes[1], spikes[0], trial))
    return Chunk(
        rate=rate, voltages=voltages, eligibility=_eligibility(built, part, setup),
        coincidence=_coincidence(built, part, setup),
        spike_time=spikes[0][order].astype(np.float32), spike_unit=(spikes[1][order] % units).astype(np.int32),
        spike_count=np.bincount(trial, minlength=trials), spike_before=before.reshape(trials, units).astype(np.float32),
        sources=_sources(built, part, setup),
    )  # fmt: skip


def _stored(name: str, volts: NDArray[np.float64], setup: Setup) -> NDArray[np.float32]:
    """Potentials in mV as they are kept; V_b on the side of the gate's threshold on which it was, which rounding could change."""
    kept = (volts * 1e3).astype(np.float32)
    if name == "V_b":
        threshold = setup.neuron.E_L + setup.neuron.theta_b
        opened = volts > setup.neuron.E_L * 1e-3 + setup.neuron.theta_b * 1e-3
        lowest = np.nextafter(np.float32(threshold), np.float32(np.inf))
        kept = np.where(opened, np.maximum(kept, lowest), np.minimum(kept, np.float32(threshold)))
    return kept.astype(np.float32)


def _last_before(monitor: Any, setup: Setup, units: int) -> NDArray[np.float64]:
    """Last spike of every unit before the window, ms from its start."""
    last = np.full(units, -np.inf)
    times = np.asarray(monitor.t_) * 1e3 - setup.settle
    early = times < -setup.dt / 2
    np.maximum.at(last, np.asarray(monitor.i)[early], times[early])
    return np.where(np.isfinite(last), last, np.nan)


def _sources(built: Assembly, part: Circuit, setup: Setup) -> dict[str, NDArray[Any]]:
    """Spikes of inputs and context, trial by trial; those before the window that arrive in it are among them."""
    found: dict[str, NDArray[Any]] = {}
    late = max(setup.neuron.delay_exc, setup.neuron.delay_inh)
    for side, (name, count, lag) in {
        "basal": ("input", part.z_pre.shape[1], late),
        "apical": ("context", part.context.shape[1], late + setup.neuron.delay_context),
    }.items():
        if side not in built.sources:
            continue
        monitor = built.sources[side]
        times, index = np.asarray(monitor.t_) * 1e3 - setup.settle, np.asarray(monitor.i, dtype=np.int64)
        inside = times >= -lag - setup.dt / 2
        times, index = times[inside], index[inside]
        order = np.lexsort((index, times, index // count))
        found[f"{name}_time"] = times[order].astype(np.float32)
        found[f"{name}_index"] = (index[order] % count).astype(np.int32)
        found[f"{name}_count"] = np.bincount(index // count, minlength=part.trials)
    return found


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

"""Current clamp: single neurons with injected currents, for f-I curves and for the calcium spike."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ModelError
from .brian import session, unburdened
from .equations import namespace, neuron_equations, noise_step
from .limits import check_step, time_constants
from .neuron import LINEAR, Neuron


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """What the cells did.

    Attributes:
        duration: ms.
        spikes: spike times in ms, one array per cell.
        time: sample times of the voltages, ms.
        V_soma, V_apical: mV, float32 (cells, samples).
    """

    duration: float
    spikes: list[NDArray[np.float64]]
    time: NDArray[np.float64]
    V_soma: NDArray[np.float32]
    V_apical: NDArray[np.float32]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Spikes of each cell."""
        return np.array([len(times) for times in self.spikes], dtype=np.int64)

    def rate(self, start: float = 0.0) -> NDArray[np.float64]:
        """Rate of each cell from `start` (ms) to the end, Hz."""
        late = np.array([(times >= start).sum() for times in self.spikes])
        return late / (self.duration - start) * 1e3


def clamp(
    soma: ArrayLike,
    apical: ArrayLike = 0.0,
    *,
    neuron: Neuron = LINEAR,
    step: float = 1.0,
    duration: float | None = None,
    holding: bool = True,
    noise: bool = True,
    dt: float = 0.1,
    seed: int = 0,
    target: str = "numpy",
) -> Response:
    """Inject currents into the soma and the tuft of unconnected cells that start from rest.

    Args:
        soma, apical: currents in pA; (cells,) for constant ones, (cells, steps) for a time course in steps of `step` ms.
        neuron: neuron type.
        step: length of a step of a time course, ms.
        duration: ms; None for the length of the time course.
        holding: whether the soma receives its constant current I_0 besides.
        noise: whether the neuron's intrinsic noise is on.
        dt: time step, ms; at most half of every time constant.
        seed: of the noise.
        target: where Brian2 computes, `numpy` or `cython`.

    Raises:
        ModelError: shapes or times that do not fit.
    """
    first, second = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (soma, apical))
    courses = [x if x.ndim == 2 else x[:, None] for x in (first, second)]
    try:
        first, second = np.broadcast_arrays(*courses)
    except ValueError:
        raise ModelError(
            f"clamp.apical: expected currents that fit the soma's {courses[0].shape}, got {courses[1].shape}; give (cells,) or "
            "(cells, steps)"
        ) from None
    length = duration if duration is not None else first.shape[1] * step
    for name, value in (("step", step), ("duration", length), ("dt", dt)):
        if not (math.isfinite(value) and value > 0):
            raise ModelError(f"clamp.{name}: expected a time above 0 ms, got {value!r}; correct it")
    check_step("clamp", dt, time_constants(neuron, level=2))
    if target == "cpp_standalone":
        raise ModelError(
            "clamp.target: expected numpy or cython, got cpp_standalone; single cells gain nothing from it"
        )
    cell = neuron if noise else neuron.but(sigma_s=0.0, noise_current=0.0)
    return _run(first, second, cell, step, length, holding, dt, seed, target)


def _run(
    soma: NDArray[np.float64], apical: NDArray[np.float64], neuron: Neuron, step: float, duration: float,
    holding: bool, dt: float, seed: int, target: str,
) -> Response:  # fmt: skip
    text = neuron_equations(neuron, level=2, conductance=False)
    # the same neuron, with the constant currents replaced by time courses and without a synapse to report to
    text = text.replace("I_bias : amp (constant)", "I_bias = soma_current(t, i) : amp")
    text = text.replace("I_a_bias : amp (constant)", "I_a_bias = apical_current(t, i) : amp")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("trace"))
    with unburdened(), session(target) as (b2, _):
        b2.seed(seed)
        clock = b2.Clock(dt=dt * b2.ms, name="clamp_clock")
        held = step if soma.shape[1] > 1 else duration
        space = namespace(neuron, b2) | {
            "V_rest": neuron.E_a * b2.mV,
            "soma_current": b2.TimedArray(soma.T * b2.pA, dt=held * b2.ms, name="soma_current"),
            "apical_current": b2.TimedArray(apical.T * b2.pA, dt=held * b2.ms, name="apical_current"),
        }
        space["I_0"] = neuron.holding * b2.pA if holding else 0 * b2.pA
        group = b2.NeuronGroup(
            len(soma), text, method="euler", threshold="V_s > V_th", reset="V_s = V_r; w_s += b",
            refractory=neuron.t_ref * b2.ms, namespace=space, clock=clock, name="clamped",
        )  # fmt: skip
        group.V_s, group.V_b, group.V_a = neuron.E_L * b2.mV, neuron.E_L * b2.mV, neuron.E_a * b2.mV
        for name in ("I_noise_a", "I_noise_s") if neuron.noise_current else ():
            group.run_regularly(noise_step(name), when="start", name=f"{name}_step")
        voltages = b2.StateMonitor(group, ["V_s", "V_a"], record=True, dt=max(dt, 0.5) * b2.ms, name="clamp_voltages")
        spikes = b2.SpikeMonitor(group, name="clamp_spikes")
        b2.Network(group, voltages, spikes, name="clamp_network").run(duration * b2.ms, namespace={})
        times, cells = np.asarray(spikes.t_) * 1e3, np.asarray(spikes.i)
        return Response(
            duration=duration, spikes=[np.sort(times[cells == k]) for k in range(len(soma))],
            time=np.asarray(voltages.t_) * 1e3, V_soma=(np.asarray(voltages.V_s) * 1e3).astype(np.float32),
            V_apical=(np.asarray(voltages.V_a) * 1e3).astype(np.float32),
        )  # fmt: skip

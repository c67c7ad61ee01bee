"""Spike pairs at a clamped apical potential: the timing windows of three forms of the eligibility.

    A  at each pre-synaptic spike    e += H(V_b - E_L - theta_b) (V_a - rest)         the form of a replay
    B  at each post-synaptic spike   e += x (V_a - rest),   tau_plus dx/dt = -x + pre-synaptic spikes
    C  at all times                  tau_plus de/dt = x y (V_a - rest),   tau_minus dy/dt = -y + post-synaptic spikes

In every form the apical deviation is a factor: it sets the sign of the window, and without deviation there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .brian import session, unburdened
from .equations import ELIGIBLE, namespace, neuron_equations
from .limits import check_step, time_constants
from .neuron import LINEAR, Neuron

FORMS = ("A", "B", "C")
PULSE_pA, PULSE_ms = 9_000.0, 1.0  # one spike, 0.8 ms after its start
MARGIN = 20.0  # ms before the first and after the last event


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """Eligibility after one pair, or after several.

    Attributes:
        lag: time of the last post-synaptic minus that of the last pre-synaptic spike, ms, (lags, apical), as measured.
        apical: V_a - rest, mV, (apical,).
        eligibility: by form, mV, (lags, apical), of all pairs together.
        spikes: post-synaptic spikes, (lags, apical): as many as pairs where every pulse evoked one.
        tau_plus, tau_minus, theta_b: ms, ms, mV.
    """

    lag: NDArray[np.float64]
    apical: NDArray[np.float64]
    eligibility: dict[str, NDArray[np.float64]]
    spikes: NDArray[np.int64]
    tau_plus: float
    tau_minus: float
    theta_b: float


def pairing_window(
    lags: Sequence[float],
    apical: Sequence[float] = (5.0, 0.0, -5.0),
    *,
    pairs: int = 1,
    rate: float = 10.0,
    neuron: Neuron = LINEAR,
    theta_b: float = 3.0,
    tau_plus: float = 20.0,
    tau_minus: float = 20.0,
    dt: float = 0.1,
    target: str = "numpy",
) -> Window:
    """One pre-synaptic spike and one evoked post-synaptic spike per cell, or several pairs, without noise.

    Args:
        lags: post minus pre, ms.
        apical: clamped V_a - rest, mV.
        pairs: number of pairs.
        rate: pairs a second.
        neuron: neuron type without calcium spike.
        theta_b: threshold of the gate of form A, mV; the potential after a pulse only nears rest, so that it must be above 0.
        tau_plus, tau_minus: of the pre- and the post-synaptic trace, ms.
        dt: time step, ms; at most half of every time constant.
        target: `numpy` or `cython`.

    Raises:
        ModelError: no lags, lags or potentials that are not finite, no pairs, or a compiled device.
    """
    grid = [np.asarray(values, dtype=np.float64) for values in (lags, apical)]
    for name, values in zip(("lags", "apical"), grid, strict=True):
        if values.ndim != 1 or not values.size or not np.isfinite(values).all():
            raise ModelError(f"pairing.{name}: expected finite numbers, got {values.tolist()}; give at least one")
    if target == "cpp_standalone":
        raise ModelError("pairing.target: expected numpy or cython, got cpp_standalone; single pairs gain nothing")
    if pairs < 1:
        raise ModelError(f"pairing.pairs: expected at least 1, got {pairs!r}; give one")
    times = {"theta_b": theta_b, "tau_plus": tau_plus, "tau_minus": tau_minus, "dt": dt, "rate": rate}
    for name, value in times.items():
        if not (np.isfinite(value) and value > 0):
            raise ModelError(f"pairing.{name}: expected a number above 0, got {value!r}; correct it")
    check_step("pairing", dt, time_constants(neuron, level=2) | {"tau_plus": tau_plus, "tau_minus": tau_minus})
    lag, deviation = (values.ravel() for values in np.meshgrid(*grid, indexing="ij"))
    times["period"] = 1e3 / rate
    silent = neuron.but(theta_b=theta_b, sigma_s=0.0, noise_current=0.0)
    post, spikes, found = _run(lag, deviation, pairs, silent, times, target)
    shape = len(grid[0]), len(grid[1])
    return Window(
        lag=post.reshape(shape), apical=grid[1], eligibility={form: found[form].reshape(shape) for form in FORMS},
        spikes=spikes.reshape(shape), tau_plus=tau_plus, tau_minus=tau_minus, theta_b=theta_b,
    )  # fmt: skip


def _run(
    lag: NDArray[np.float64],
    deviation: NDArray[np.float64],
    pairs: int,
    neuron: Neuron,
    times: dict[str, float],
    target: str,
) -> tuple[NDArray[np.float64], NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Measured lags, numbers of post-synaptic spikes and eligibility by form, one per cell."""
    pre = MARGIN + np.maximum(0, -lag.min()) + np.arange(pairs) * times["period"]
    post = pre[:, None] + lag
    end = max(pre[-1], post.max()) + PULSE_ms + 10 * MARGIN
    dt, cells = times["dt"], len(lag)
    course = np.zeros((round(end / dt), cells))
    for (_, cell), at in np.ndenumerate(post):
        course[round(at / dt) : round((at + PULSE_ms) / dt), cell] = PULSE_pA
    with unburdened(), session(target) as (b2, _):
        clock = b2.Clock(dt=dt * b2.ms, name="pair_clock")
        space = namespace(neuron, b2) | {
            "I_0": 0 * b2.pA, "V_rest": neuron.E_a * b2.mV, "s_a": 1 * b2.mV,
            "pulse": b2.TimedArray(course * b2.pA, dt=dt * b2.ms, name="pulse"),
        }  # fmt: skip
        group = b2.NeuronGroup(
            cells, _equations(neuron), method="euler", threshold="V_s > V_th", reset="V_s = V_r; w_s += b",
            refractory=10 * b2.ms, namespace=space, clock=clock, name="paired",
        )  # fmt: skip
        group.V_s = group.V_b = neuron.E_L * b2.mV
        group.V_a = (neuron.E_a + deviation) * b2.mV
        group.winner = 1
        source = b2.SpikeGeneratorGroup(
            cells, np.tile(np.arange(cells), pairs), np.repeat(pre, cells) * b2.ms, clock=clock, name="pair_source"
        )
        forms = {form: _synapses(b2, form, source, group, times, space, clock) for form in FORMS}
        spikes = b2.SpikeMonitor(group, name="pair_spikes")
        network = b2.Network(group, source, *forms.values(), spikes, name="pair_network")
        network.run(end * b2.ms, namespace={})
        fired = np.full(cells, np.nan)
        fired[np.asarray(spikes.i)] = np.asarray(spikes.t_) * 1e3
        count = np.bincount(np.asarray(spikes.i), minlength=cells)
        found = {form: np.asarray(synapses.eligibility[:]).copy() for form, synapses in forms.items()}
    return fired - pre[-1], count, found


def _equations(neuron: Neuron) -> str:
    """The neuron of a replay, with its apical potential clamped and a pulse for its basal current."""
    lines = neuron_equations(neuron, level=2, conductance=False).splitlines()
    held = ["V_a : volt (constant)" if line.startswith("dV_a/dt") else line for line in lines]
    return "\n".join(held).replace("I_bias : amp (constant)", "I_bias = pulse(t, i) : amp")


def _synapses(
    b2: Any, form: str, source: Any, group: Any, times: dict[str, float], space: dict[str, Any], clock: Any
) -> Any:
    traces = {name: times[name] * b2.ms for name in ("tau_plus", "tau_minus")}
    gain = "(V_a_post - V_rest)/s_a"
    model, on_pre, on_post = {
        "A": ("eligibility : 1", ELIGIBLE, ""),
        "B": ("dx/dt = -x/tau_plus : 1 (event-driven)\neligibility : 1", "x += 1", f"eligibility += x*{gain}"),
        "C": (
            "dx/dt = -x/tau_plus : 1 (clock-driven)\ndy/dt = -y/tau_minus : 1 (clock-driven)\n"
            f"deligibility/dt = x*y*{gain}/tau_plus : 1 (clock-driven)",
            "x += 1",
            "y += 1",
        ),
    }[form]
    events = {"on_pre": on_pre} | ({"on_post": on_post} if on_post else {})
    synapses = b2.Synapses(
        source, group, model, **events, method="euler", namespace=space | traces, clock=clock, name=f"form_{form}"
    )
    cells = np.arange(len(source))
    synapses.connect(i=cells, j=cells)
    return synapses

"""Stage `synapse`: one synapse with an explicit eligibility trace, its tuft clamped, its two sides made to fire at a lag.

    V_b(t) - E_L = A sum over post spikes of exp(-(t - t_post) / tau_b)       basal depolarisation around a spike, A = 15 mV
    pre      e += H(V_b - E_L - theta_b) (V_a - E_a) / s_a     at each pre spike (Form A, as in the replay), theta_b = 2 mV
    post     e += x (V_a - E_a) / s_a                          at each post spike, x: trace of the pre spikes, 20 ms
    product  de/dt = x y (V_a - E_a) / (s_a 20 ms)             y: trace of the post spikes, 20 ms

A modulator of 1 at the end gives dw = e. Spike times jitter by 1 ms, drawn with the seed. What V_b does around a post-synaptic spike is assumed here:
in the neuron of a replay V_b reports the synaptic current alone. With `spikes: evoked` the two sides are Brian2's: every post-synaptic spike is
evoked by a pulse in that neuron, V_b follows the pulse, nothing jitters, and no seed changes anything.

Two further forms have no tuft. Of the order of the spikes alone:

    two_traces   e+ += x at each post spike,  e- += y at each pre spike       dw = m+ e+ - m- e-
    one_trace    e = e+ - e-                                                 dw = (m+ + m-) e

with the modulators m+ (as noradrenaline, which converts traces of potentiation) and m- (as serotonin, traces of depression) 1 or 0.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import LINEAR, pairing_window
from ..errors import ConfigError
from .circuit import Found
from .events import ORDERED, Apical, Gamma, Pairing, Probe
from .protocol import Condition

SPIKE, THRESHOLD = 15.0, 2.0  # mV
TRACE, JITTER = 20.0, 1.0  # ms
APICAL = 5.0  # s_a, mV per unit of the prediction
ALONE = 500.0  # ms between pairs beyond which each is alone: ten times the slowest of the neuron's and the traces' time constants
FORMS = {"pre": "A", "post": "B", "product": "C"}
MODULATORS = {"plus": (1.0, 0.0), "minus": (0.0, 1.0), "both": (1.0, 1.0), "none": (0.0, 0.0)}
Array = NDArray[np.float64]


def pairings(condition: Condition, seed: int) -> dict[str, Found]:
    """What a condition finds at its probes."""
    deviation, pairing, modulators = 0.0, None, MODULATORS["both"]
    found: dict[str, Found] = {}
    for event in condition.events:
        if isinstance(event, Apical):
            deviation = deviation * event.scale if event.clamp is None else event.clamp
        elif isinstance(event, Gamma):
            modulators = MODULATORS[event.modulator]
        elif isinstance(event, Pairing):
            pairing = event
        elif isinstance(event, Probe):
            if pairing is None:
                raise ConfigError(
                    f"conditions.{condition.label}: expected a pairing before the probe, got none; add one"
                )
            _check(condition, pairing, deviation, modulators)
            found[event.name] = _window(pairing, deviation, modulators, seed)
    return found


def _check(condition: Condition, pairing: Pairing, deviation: float, modulators: tuple[float, float]) -> None:
    """Of a tuft or of two modulators, a form reads one."""
    ordered = pairing.form in ORDERED
    if ordered and deviation:
        raise ConfigError(
            f"conditions.{condition.label}.apical.clamp: expected none with form {pairing.form}, which has no tuft, got {deviation:g}; "
            "remove it"
        )
    if not ordered and modulators != MODULATORS["both"]:
        raise ConfigError(
            f"conditions.{condition.label}.gamma.modulator: expected both with form {pairing.form}, which has one modulator, got another; "
            f"remove it or take a form of {', '.join(ORDERED)}"
        )


def _window(pairing: Pairing, deviation: float, modulators: tuple[float, float], seed: int) -> Found:
    lags = np.array(sorted(pairing.lag))
    evoked = 1.0
    if pairing.spikes == "evoked":
        found, evoked = _evoked(pairing, deviation)
        changes = np.array(found)
    else:
        of_one = [
            ordered(pairing, lag, modulators, seed) if pairing.form in ORDERED else trace(pairing, lag, deviation, seed)
            for lag in lags
        ]
        changes = np.array(of_one) / pairing.pairs
    first, after = float(changes[lags > 0].sum()), float(changes[lags < 0].sum())
    values = {
        "change": float(changes.sum()), "largest": float(changes.max(initial=0.0)),
        "smallest": float(changes.min(initial=0.0)), "pre_first": first, "post_first": after, "shift": first - after,
        "evoked": evoked,
    }  # fmt: skip
    return Found(values, lags, changes)


@cache
def _evoked(pairing: Pairing, deviation: float) -> tuple[tuple[float, ...], float]:
    """Change per pair at every lag, with post-synaptic spikes that Brian2 evokes, and spikes per pulse; the same with every seed."""
    alone = 1e3 / pairing.rate >= ALONE
    pairs = 1 if alone else pairing.pairs
    lags = sorted(pairing.lag)
    found = pairing_window(lags, (deviation,), pairs=pairs, rate=10.0 if alone else pairing.rate)
    changes = tuple(float(e) / APICAL / pairs for e in found.eligibility[FORMS[pairing.form]][:, 0])
    return changes, float(found.spikes.mean()) / pairs


def _times(pairing: Pairing, lag: float, seed: int) -> tuple[Array, Array]:
    """Pre- and post-synaptic spikes, ms."""
    draws = np.random.default_rng(seed)
    pre: Array = np.arange(pairing.pairs, dtype=np.float64) * 1e3 / pairing.rate
    return pre, pre + lag + JITTER * draws.standard_normal(pairing.pairs)


def ordered(pairing: Pairing, lag: float, modulators: tuple[float, float], seed: int) -> float:
    """Change after the pairs by the order of the spikes.

    Args:
        pairing: rate, number and form, two_traces or one_trace.
        lag: post after pre, ms.
        modulators: m+ and m-.
        seed: of the jitter.
    """
    pre, post = _times(pairing, lag, seed)
    after = pre[:, None] - post[None, :]
    near = np.exp(-np.abs(after) / TRACE)
    potentiating, depressing = float(near[after < 0].sum()), float(near[after >= 0].sum())
    plus, minus = modulators
    if pairing.form == "one_trace":
        return (plus + minus) * (potentiating - depressing)
    return plus * potentiating - minus * depressing


def trace(pairing: Pairing, lag: float, deviation: float, seed: int) -> float:
    """Eligibility after the pairs.

    Args:
        pairing: rate, number and form.
        lag: post after pre, ms.
        deviation: V_a - E_a, mV.
        seed: of the jitter.
    """
    pre, post = _times(pairing, lag, seed)
    after = pre[:, None] - post[None, :]  # of a pre spike, behind a post spike
    with np.errstate(over="ignore"):
        if pairing.form == "pre":
            potential = SPIKE * np.where(after >= 0, np.exp(-after / LINEAR.tau_b), 0).sum(1)
            total = float((potential > THRESHOLD).sum())
        elif pairing.form == "post":
            total = float(np.where(after < 0, np.exp(after / TRACE), 0).sum())
        else:
            total = float(np.exp(-np.abs(after) / TRACE).sum()) / 2
    return total * deviation / APICAL

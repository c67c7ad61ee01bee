"""Stage `synapse`: one synapse with an explicit eligibility trace, its tuft clamped, its two sides made to fire at a lag.

    V_b(t) - E_L = A sum over post spikes of exp(-(t - t_post) / tau_b)       basal depolarisation around a spike, A = 15 mV
    pre      e += H(V_b - E_L - theta_b) (V_a - E_a) / s_a     at each pre spike (Form A, as in the replay), theta_b = 2 mV
    post     e += x (V_a - E_a) / s_a                          at each post spike, x: trace of the pre spikes, 20 ms
    product  de/dt = x y (V_a - E_a) / (s_a 20 ms)             y: trace of the post spikes, 20 ms

A modulator of 1 at the end gives dw = e. Spike times jitter by 1 ms, drawn with the seed.
"""

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import LINEAR
from ..errors import ConfigError
from .circuit import Found
from .events import Apical, Pairing, Probe
from .protocol import Condition

SPIKE, THRESHOLD = 15.0, 2.0  # mV
TRACE, JITTER = 20.0, 1.0  # ms
APICAL = 5.0  # s_a, mV per unit of the prediction
Array = NDArray[np.float64]


def pairings(condition: Condition, seed: int) -> dict[str, Found]:
    """What a condition finds at its probes."""
    deviation, pairing = 0.0, None
    found: dict[str, Found] = {}
    for event in condition.events:
        if isinstance(event, Apical):
            deviation = deviation * event.scale if event.clamp is None else event.clamp
        elif isinstance(event, Pairing):
            pairing = event
        elif isinstance(event, Probe):
            if pairing is None:
                raise ConfigError(
                    f"conditions.{condition.label}: expected a pairing before the probe, got none; add one"
                )
            found[event.name] = _window(pairing, deviation, seed)
    return found


def _window(pairing: Pairing, deviation: float, seed: int) -> Found:
    lags = np.array(sorted(pairing.lag))
    changes = np.array([trace(pairing, lag, deviation, seed) for lag in lags]) / pairing.pairs
    values = {
        "change": float(changes.sum()), "largest": float(changes.max(initial=0.0)),
        "smallest": float(changes.min(initial=0.0)), "pre_first": float(changes[lags > 0].sum()),
        "post_first": float(changes[lags < 0].sum()),
    }  # fmt: skip
    return Found(values, lags, changes)


def trace(pairing: Pairing, lag: float, deviation: float, seed: int) -> float:
    """Eligibility after the pairs.

    Args:
        pairing: rate, number and form.
        lag: post after pre, ms.
        deviation: V_a - E_a, mV.
        seed: of the jitter.
    """
    draws = np.random.default_rng(seed)
    pre = np.arange(pairing.pairs) * 1e3 / pairing.rate
    post = pre + lag + JITTER * draws.standard_normal(pairing.pairs)
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

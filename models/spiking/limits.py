"""What a simulation refuses before Brian2 is asked: times, steps and rates that its equations cannot follow."""

import math
from collections.abc import Mapping

from ..errors import ModelError
from .assemble import Setup
from .circuit import Circuit
from .neuron import Neuron

POISSON_LIMIT = 0.1  # spikes per source and step; beyond, one spike per step is no longer Poisson
STEPS = 2  # per time constant; Euler's method overshoots below 1 and diverges below 1/2


def check_times(
    owner: str, *, duration: float, settle: float, dt: float, tau_e: float | None, seed: int, pool: int
) -> None:
    """Refuse times (ms), seeds and pools out of range.

    Args:
        owner: the function that was asked, for the message.
        duration, settle, dt, tau_e: ms.
        seed: from 0.
        pool: neurons per source.

    Raises:
        ModelError: as said.
    """
    for name, value, low, high in (
        ("duration", duration, 1.0, 1e7), ("settle", settle, 0.0, 1e7), ("dt", dt, 1e-3, 0.5),
    ):  # fmt: skip
        if not (math.isfinite(value) and low <= value <= high):
            raise ModelError(f"{owner}.{name}: expected {low:g} to {high:g} ms, got {value!r}; correct it")
        if name != "dt" and value != round(value):
            raise ModelError(
                f"{owner}.{name}: expected whole ms, got {value!r}; potentials are sampled every ms, round it"
            )
    if abs(1 / dt - round(1 / dt)) > 1e-9:
        raise ModelError(f"{owner}.dt: expected a whole number of steps in 1 ms, got {dt!r} ms; use 0.05, 0.1 or 0.2")
    if tau_e is not None and not (math.isfinite(tau_e) and tau_e > 0):
        raise ModelError(f"{owner}.tau_e: expected a time above 0 ms, got {tau_e!r}; correct it")
    if pool < 1:
        raise ModelError(f"{owner}.pool: expected at least 1 neuron per unit, got {pool!r}; 10 are usual")
    if seed < 0:
        raise ModelError(f"{owner}.seed: expected 0 or above, got {seed!r}; choose another")


def time_constants(neuron: Neuron, *, level: int, conductance: bool = False) -> dict[str, float]:
    """Time constants that are integrated at a level, by name, ms; those of the tuft with all that opens at rest.

    The trace of the eligibility and the noise current decay by their exact steps and are not among them.
    """
    n = neuron
    opened = n.g_a * (n.rest_exc + n.rest_inh) * conductance + n.g_sa * (level >= 2)
    tuft = "tau_a with its open conductances" if opened else "tau_a"
    found = {"tau_syn": n.tau_syn, "tau_syn_a": n.tau_syn_a, "tau_b": n.tau_b, tuft: n.C_a / (n.g_a + opened)}
    if level >= 2:
        found |= {"tau_s": n.tau_s, "tau_w": n.tau_w}
    return found | ({"tau_wd": n.tau_wd} if n.bac else {})


def check_step(owner: str, dt: float, times: Mapping[str, float]) -> None:
    """Refuse a step too long for Euler's method.

    Args:
        owner: the function that was asked, for the message.
        dt: time step, ms.
        times: time constants by name, ms.

    Raises:
        ModelError: a time constant is shorter than two steps.
    """
    name = min(times, key=lambda name: times[name])
    if times[name] < STEPS * dt * (1 - 1e-9):
        raise ModelError(
            f"{owner}.dt: expected at most half of every time constant, got {dt:g} ms with {name} at {times[name]:g} ms; lower dt or "
            "lengthen it"
        )


def check_rates(owner: str, circuit: Circuit, setup: Setup) -> None:
    """Refuse pooled rates at which a source would have to fire twice in a step.

    Args:
        owner: the function that was asked, for the message.
        circuit: its trials are what is shown.
        setup: pool, scales and step.

    Raises:
        ModelError: as said.
    """
    most = setup.pool * max(setup.pre_rates(circuit).max(initial=0), setup.context_rates(circuit).max(initial=0))
    limit = POISSON_LIMIT / setup.dt * 1e3
    if most > limit * (1 + 1e-9):
        raise ModelError(
            f"{owner}.pool: expected pooled rates of at most {limit:g} Hz at dt {setup.dt:g} ms, got {most:.0f} Hz; lower pool, dt "
            "or the calibration's rates (a source fires at most once a step)"
        )

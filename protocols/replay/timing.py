"""C7, C8 and C14: how long the eligibility lasts, when the modulator may come, how late the context."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import LINEAR, Circuit, Replay, modulate
from ..check import Check, Criterion, at_least, at_most
from .agreement import total_cosine
from .workbench import Bench, cosine_of, traces

STATED = 300.0  # ms, the short end of the windows measured at spines (Yagishita 2014)
# the long end of how long a glance lasts; the replay's window is longer for the sake of its averages
FIXATION = 300.0  # ms
RATIOS = (0.5, 1.0, 2.0, 4.0)
RISE, DECAY = 300.0, 800.0  # ms
ONSETS = (0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 800.0, 1000.0, 1500.0, 2000.0)
DELAYS = (20.0, 50.0)


def carried_over(circuit: Circuit, eligibility: NDArray[np.float64], ratio: float) -> float:
    """Cosine of the batch's change with the rule when traces outlast their glance.

    m_k = e_k + exp(-1/ratio) m_{k-1} along the stream of trials as they are lived; ratio is tau_e over the length of a glance.
    """
    kept = np.zeros_like(eligibility[0])
    change = np.zeros_like(kept)
    for gamma, weight, e in zip(circuit.gamma, circuit.weight, eligibility, strict=True):
        kept = e + math.exp(-1 / ratio) * kept
        change += gamma * weight * kept
    return total_cosine(np.tensordot(circuit.gamma * circuit.weight, circuit.eligibility(), 1), change)


def duration(bench: Bench) -> list[Check]:
    """C7: the trace of one glance that is still there at the next, for windows of the replay and for fixations as long as real ones."""
    c = bench.circuit
    curve = {
        f"tau_e / T = {ratio:g}": bench.over(lambda r, ratio=ratio: carried_over(c, traces(r), ratio))  # type: ignore[misc]
        for ratio in RATIOS
    }
    theory = {f"tau_e / T = {r:g}": _independent(r) for r in RATIOS}

    def row(glance: float, what: str, detail: dict[str, Any]) -> Check:
        stated = STATED / glance
        reason = (
            f"without noise it is {carried_over(c, c.eligibility(), stated):.3f}, and {_independent(stated):.3f} were gamma independent from glance "
            "to glance: here fixation and saccade alternate, so that what is carried over meets the opposite sign; a trace reset by the saccade has "
            "none of it"
        )
        found = bench.over(lambda r: carried_over(c, traces(r), stated))
        what = f"cosB with tau_e {STATED:g} ms and no reset between {what} of {glance:g} ms"
        return Check("C7", what, found, at_least(0.9), reason, detail)

    detail = {"measured": curve, "independent gamma, without noise": theory}
    return [row(bench.settings.duration, "windows", detail), row(FIXATION, "fixations", {})]


def _independent(ratio: float) -> float:
    """Cosine without noise where the sign of gamma is independent from glance to glance."""
    return float((1 + 1 / math.expm1(2 / ratio)) ** -0.5)


def modulator(bench: Bench) -> list[Check]:
    """C8: one pulse of the modulator before, at and after the end of the stimulus."""
    c = bench.circuit
    trial = int(np.argmax(np.linalg.norm(c.eligibility(), axis=(1, 2))))
    late: list[float] = []
    outside: list[float] = []
    peaks: list[float] = []
    for seed in bench.settings.seeds:
        found = {}
        for tau_e in (RISE, DECAY):
            bench.tell(f"modulator, tau_e {tau_e:g} ms, seed {seed}")
            found[tau_e] = modulate(
                c, (-FIXATION - 200.0, *ONSETS), trial=trial, tau_e=tau_e, duration=FIXATION, pool=bench.settings.pool,
                calibration=bench.calibration, dt=bench.settings.dt, seed=seed,
                target=bench.settings.live_target,
            )  # fmt: skip
        after = found[RISE].onset >= 0
        # relative to the kernel at that onset is stricter than to its height
        late.append(max(float(np.abs(m.effect[after] / m.kernel[after] - 1).max()) for m in found.values()))
        outside.append(max(float(np.abs(m.effect[~after]).max()) for m in found.values()))
        delayed = found[DECAY].effect[after] - found[RISE].effect[after]
        peaks.append(found[RISE].onset[after][int(np.argmax(delayed))])
        bench.extras.setdefault("modulation", found)
    return [
        Check("C8", "largest distance from exp(-delay / tau_e), relative to it", late, at_most(0.05), self_test=True),
        Check("C8", "effect of a modulator before the stimulus", outside, at_most(0.05), self_test=True),
        Check("C8", f"best delay with rise {RISE:g} and decay {DECAY:g} ms (ms), by construction", peaks, Criterion(300.0, 2000.0), self_test=True),
    ]  # fmt: skip


def context_delay(bench: Bench) -> list[Check]:
    """C14: context that arrives late, in the settled window and from the onset of the stimulus."""
    drops: list[float] = []
    onsets: list[float] = []
    detail: dict[str, list[float]] = {}
    for seed in bench.settings.seeds:
        own = float(np.nanmean(bench.reference[seed]))
        settled = {delay: cosine_of(_delayed(bench, seed, delay)) for delay in DELAYS}
        first = {delay: cosine_of(_delayed(bench, seed, delay, settle=0.0)) for delay in (0.0, *DELAYS)}
        drops.append(max(own - value for value in settled.values()))
        onsets.append(max(first[0.0] - first[delay] for delay in DELAYS))
        for name, values in (("settled", {0.0: own, **settled}), ("from onset", first)):
            for delay, value in values.items():
                detail.setdefault(f"cosT {name}, {delay:g} ms", []).append(value)
    reason = "V_a has not reached its context by the end of the window: " + ", ".join(
        f"{name} {np.mean(values):.3f}" for name, values in detail.items() if "onset" in name
    )
    return [
        Check("C14", "loss of cosT by a context delay up to 50 ms, settled", drops, at_most(0.03), reason, detail),
        Check("C14", f"the same in the first {FIXATION:g} ms from onset", onsets, at_most(0.03), reason),
    ]


def _delayed(bench: Bench, seed: int, delay: float, **words: float) -> Replay:
    neuron = LINEAR.but(delay_context=delay)
    length = {"duration": FIXATION} if words else {}
    return bench.run(f"context {delay:g} ms late", seed, bench.few, neuron=neuron, **length, **words)

"""C5: a gate decided from the spikes of the circuit; that of the whole population, which is the rule's, is C17."""

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Circuit, Replay
from ..check import Check, Criterion, at_least
from .agreement import correlation, line, total_cosine
from .workbench import Bench, traces

Array = NDArray[np.float64]
AWAY = 0.25  # s.d. of the score


def scores(circuit: Circuit) -> Array:
    """u of the circuit's own neurons, sum_j z_j e_j over winners, (trials,)."""
    total: Array = (circuit.rate * circuit.winner * circuit.prediction).sum(1)
    return total


def spiking_scores(found: Replay) -> Array:
    """The same from output rates and apical potentials."""
    total: Array = (found.z * found.circuit.winner * found.prediction).sum(1)
    return total


def gate(bench: Bench) -> list[Check]:
    """A fixation's gate is open below a threshold of the score, a saccade's above it.

    The margin belongs to the score of the whole population, of which the circuit is a part. The thresholds here are the medians of the
    circuit's own score in each phase, the hardest ones: half of the gates are open, and chance is 0.5.
    """
    c = bench.circuit
    right = scores(c)
    phases = {name: c.phase == p for p, name in enumerate(("fixations", "saccades")) if (c.phase == p).any()}
    limits, spread = np.zeros_like(right), np.zeros_like(right)
    for part in phases.values():
        limits[part], spread[part] = np.median(right[part]), right[part].std()
    far = np.abs(right - limits) > AWAY * spread
    opened = _open(right, limits, c)
    start, rise = line(right, np.mean([spiking_scores(r) for r in bench.base.values()], 0))

    def agreement(found: Replay, part: NDArray[np.bool_], *, fitted: bool = False) -> float:
        u = spiking_scores(found)
        u = (u - start) / rise if fitted and rise else u  # a silent soma has no score to fit
        return float((_open(u, limits, c) == opened)[part].mean()) if part.any() else float("nan")

    def bias(found: Replay, part: NDArray[np.bool_]) -> float:
        return float(_open(spiking_scores(found), limits, c)[part].mean() - opened[part].mean())

    # signed and phase by phase: an offset of the score closes gates of the one and opens those of the other, noise does either
    biases = {name: bench.over(lambda r, part=part: bias(r, part)) for name, part in phases.items()}  # type: ignore[misc]
    worst = max((float(np.mean(v)) for v in biases.values()), key=abs)
    everywhere = np.ones_like(far)
    fitted = float(np.mean(bench.over(lambda r: agreement(r, everywhere, fitted=True))))
    near = float(np.mean(bench.over(lambda r: agreement(r, ~far))))
    reason = (
        f"{(~far).mean():.0%} of the scores lie within {AWAY:g} s.d. of their phase of the threshold, where {near:.2f} agree; with slope {rise:.3f} and offset "
        f"{start:.2g} of the spiking score taken out {fitted:.3f} of all agree"
    )
    detail = {
        "correlation of scores": bench.over(lambda r: correlation(right, spiking_scores(r))),
        "cosB with the spiking gate": bench.over(lambda r: _gated(c, r, opened, _open(spiking_scores(r), limits, c))),
    }
    return [
        Check("C5", "gates decided alike, threshold at the median score", bench.over(lambda r: agreement(r, everywhere)),
              at_least(0.93), reason, detail),
        Check("C5", f"gates decided alike further than {AWAY:g} s.d. from it", bench.over(lambda r: agreement(r, far)),
              at_least(1.0), reason),
        Check("C5", "largest change of the share of open gates in a phase, mean over seeds", [worst], Criterion(-0.05, 0.05), reason,
              {f"change in {name}, by seed": v for name, v in biases.items()}),
    ]  # fmt: skip


def _open(score: Array, limits: Array, circuit: Circuit) -> NDArray[np.bool_]:
    return np.where(circuit.phase == 0, score < limits, score > limits)


def _gated(circuit: Circuit, found: Replay, opened: NDArray[np.bool_], spiking: NDArray[np.bool_]) -> float:
    sign = np.where(circuit.phase == 0, 1.0, -1.0) * circuit.weight
    expected = np.tensordot(sign * opened, circuit.eligibility(), 1)
    return total_cosine(expected, np.tensordot(sign * spiking, traces(found), 1))

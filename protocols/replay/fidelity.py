"""C0, C2, C3, C4, C4c, C6: whether spikes carry each factor of the rule, and the rule itself."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import LINEAR, Circuit, Replay
from ...models.spiking.calibration import TAIL_HZ
from ..check import Check, at_least, at_most
from ..check import Criterion as Between
from .agreement import (
    correlation,
    line,
    mean_cosine,
    partial_correlation,
    ratio,
    relative_error,
    slope,
    top_agreement,
    total_cosine,
)
from .workbench import Bench, cosine_of, traces

SETTLED = 10  # time constants before the window of C0
BORDER = 0.25  # s.d. of a


def rate_mode(bench: Bench) -> list[Check]:
    """C0: mean currents in place of spikes, with the neuron's own time constants and with those asked for."""

    def smallest(**words: Any) -> float:
        found = bench.run("rate mode", 0, bench.circuit, level=0, dale=bench.settings.dale, **words)
        return float(np.nanmin(found.cosine)) if np.isfinite(found.cosine).any() else float("nan")

    slow = max(bench.settings.tau, LINEAR.tau_a)
    # a potential near a = 0 that is still on its way from rest opens its gate late, by how much is a matter of last bits
    long = SETTLED * round(slow)
    own, asked = smallest(tau_a=None, tau_b=None, settle=SETTLED * LINEAR.tau_a), smallest(settle=float(long))
    what = "smallest cosine of a trial with the rule, in rate mode, time constants"
    broken = "the bridge and the rule disagree without any noise: a defect of the program"
    return [
        Check("C0", f"{what} {LINEAR.tau_a:g} and {LINEAR.tau_b:g} ms", [own], at_least(0.999), broken),
        Check("C0", f"{what} {bench.settings.tau:g} ms", [asked], at_least(0.999), broken),
    ]  # fmt: skip


def tails(bench: Bench) -> list[Check]:
    """C2: how far the rates of the sources reach beyond those that spikes carry."""
    c, scales = bench.circuit, bench.calibration

    def row(what: str, values: NDArray[np.float64], scale: float, tail: float, clipped: float) -> Check:
        above = np.maximum(values * scale - scales.ceiling, 0).sum()
        share = ratio(float(above), float(values.sum() * scale))
        reason = (
            f"spiking sources are clipped at {scales.ceiling:g} Hz, {clipped:.2%} of the rates; what they lose, {share:.2%} of the summed rate, "
            "reaches the neuron as a bias current without noise, so that the mean potential stays exact"
        )
        detail = {"share of rates clipped": clipped, "share of the summed rate in the bias current": share}
        return Check("C2", f"99.9th percentile of the rates of {what} (Hz)", [tail], at_most(TAIL_HZ), reason, detail)

    found = [row("inputs", c.z_pre, scales.pre_rate, scales.tail_pre, scales.clipped_pre)]
    if c.apical:
        found.append(row("context", c.context, scales.context_rate, scales.tail_context, scales.clipped_context))
    return found


def potentials(bench: Bench) -> list[Check]:
    """C2 and C3: basal, output and apical side against the rate network."""
    c, over = bench.circuit, bench.over
    basal = [
        Check("C2", "correlation of output rate with relu(a)", over(lambda r: correlation(c.rate, r.z)), at_least(0.98)),
        Check("C2", "correlation of V_b with a", over(lambda r: correlation(c.basal, r.a)), at_least(0.99)),
        Check("C2", "slope of output rate on relu(a)", over(lambda r: slope(c.rate, r.z)), Between(0.93, 1.07)),
        Check("C2", "slope of V_b on a", over(lambda r: slope(c.basal, r.a)), Between(0.93, 1.07)),
    ]  # fmt: skip
    if not c.apical:
        return basal
    return [
        *basal,
        Check("C3", "correlation of V_a with B c", over(lambda r: correlation(c.prediction, r.prediction)), at_least(0.99)),
        Check("C3", "slope of V_a on B c", over(lambda r: slope(c.prediction, r.prediction)), Between(0.95, 1.05)),
        _leak(bench),
    ]  # fmt: skip


def _leak(bench: Bench) -> Check:
    """What of the soma's rate is in V_a beyond B c; the rates of another seed cannot have leaked into it."""
    c, base = bench.circuit, bench.base

    def between(apical: Replay, somatic: Replay) -> float:
        return partial_correlation(apical.prediction, somatic.z, c.prediction)

    own = bench.over(lambda r: abs(between(r, r)))
    seeds = list(bench.settings.seeds)
    other = [between(base[a], base[b]) for a in seeds for b in seeds if a != b]
    chance = _by_chance(base[seeds[0]])
    reason = f"with the trials of the residual rates permuted, where nothing can leak, 95 % of the sizes are below {chance:.3f}"
    detail = {"signed": bench.over(lambda r: between(r, r)), "95 % of permutations below": [chance]}
    if other:
        detail["rates of another seed"] = other
        reason = (
            f"{reason}; with the rates of another seed it is {min(other):+.3f} to {max(other):+.3f}: the same size means that it comes from "
            "the noise of few trials that all units share, and from the slight curvature of V_a, not from the soma"
        )
    return Check(
        "C3", "size of the partial correlation of V_a with output rate, given B c", own, at_most(0.05), reason, detail
    )


def _by_chance(found: Replay, permutations: int = 200) -> float:
    """Size of the partial correlation of V_a with rates of other trials; 95th percentile."""
    c, draws = found.circuit, np.random.default_rng(0)
    left = found.prediction - np.add(*_fitted(c.prediction, found.prediction))
    rates = found.z - np.add(*_fitted(c.prediction, found.z))
    return float(
        np.percentile([abs(correlation(left, rates[draws.permutation(len(rates))])) for _ in range(permutations)], 95)
    )


def _fitted(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    start, rise = line(x, y)
    return start, rise * x


def changes(bench: Bench) -> list[Check]:
    """C4 and C4c: direction and sign of the weight changes."""
    c = bench.circuit
    rule = c.eligibility()
    batch = np.tensordot(c.gamma * c.weight, rule, 1)
    far = (~borderline(c))[:, :, None]
    clean = float(np.mean(bench.over(lambda r: mean_cosine(rule * far, traces(r) * far))))
    drive = np.linalg.norm(rule, axis=(1, 2))
    weak = drive < np.median(drive)
    by_drive = [_nanmean(np.stack([r.cosine for r in bench.base.values()])[:, part]) for part in (weak, ~weak)]
    reason = (
        f"cosT is {clean:.3f} without units near a = 0, {by_drive[0]:.3f} in the half of the trials with the weaker eligibility and "
        f"{by_drive[1]:.3f} in the other"
    )
    batches = bench.over(lambda r: total_cosine(batch, r.batch_change))
    return [
        Check("C4", "cosT, mean cosine of a trial's eligibility with the rule", bench.over(cosine_of), at_least(0.95), reason),
        Check("C4", "cosB, cosine of the change of the batch with the rule", batches, at_least(0.94), _opposed(bench)),
        Check("C4", "equal signs in the larger half of the entries", bench.over(lambda r: top_agreement(rule, traces(r))),
              at_least(0.97), reason),
        Check("C4c", "relative error |s - r| / (|s| + |r|) of a trial", bench.over(lambda r: relative_error(rule, traces(r))),
              at_most(0.2), reason),
    ]  # fmt: skip


def _opposed(bench: Bench) -> str:
    """How much the terms of the batch cancel: noise adds up where the signal does not."""
    single = bench.circuit.change()
    left = float(np.linalg.norm(single.sum(0)) / np.sqrt(np.square(single).sum()))
    return f"the terms of this batch leave {left:.2f} of the norm that independent terms would: where they cancel, noise does not"


def borderline(circuit: Circuit) -> NDArray[np.bool_]:
    """Trials and units whose basal potential lies near the kink of relu, bool (trials, units)."""
    near: NDArray[np.bool_] = np.abs(circuit.basal) < BORDER * circuit.basal.std()
    return near


def kink(bench: Bench) -> list[Check]:
    """C6: whether the residual error sits at a = 0, where noise flips the gate.

    Entries near a = 0, whose gates could flip, are compared with open ones elsewhere: a gate that is closed and stays so has no error.
    """
    c = bench.circuit
    rule, near = c.eligibility(), borderline(c)
    weight, live = c.gamma * c.weight, c.winner > 0
    far = (~near)[:, :, None]
    batch, without = np.tensordot(weight, rule, 1), np.tensordot(weight, rule * far, 1)
    flips, stays = near & live, ~near & live & (c.gate > 0)

    def gained(found: Replay) -> tuple[float, float]:
        """Gain of cosB without the borderline entries, and its share of what cosB misses of 1."""
        e = traces(found)
        whole = total_cosine(batch, np.tensordot(weight, e, 1))
        gain = total_cosine(without, np.tensordot(weight, e * far, 1)) - whole
        return gain, ratio(gain, 1 - whole)

    def density(found: Replay) -> float:
        e = traces(found)
        error = np.square(e - slope(rule, e) * rule).sum(2)
        return (
            ratio(float(error[flips].mean()), float(error[stays].mean()))
            if flips.any() and stays.any()
            else float("nan")
        )

    share = float(flips.sum() / live.sum())
    dense, gains = bench.over(density), [gained(bench.base[seed]) for seed in bench.settings.seeds]
    removed = [part for _, part in gains]
    reason = (
        f"{share:.0%} of the entries lie there, and without them {np.mean(removed):.0%} of 1 - cosB are gone; the error of an entry there is "
        f"{np.mean(dense):.2g} times that of an open one elsewhere, where the noise of the context and of the inputs remains"
    )
    detail = {"share of entries": share, "share of 1 - cosB that is gone without them": removed}
    return [
        Check("C6", f"gain of cosB without |a| < {BORDER:g} s.d.", [gain for gain, _ in gains], at_least(0.0), reason, detail),
        Check("C6", "squared error of an entry near a = 0, relative to open ones elsewhere", dense, at_least(1.0), reason),
    ]  # fmt: skip


def _nanmean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

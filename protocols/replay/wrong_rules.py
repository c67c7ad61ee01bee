"""C4b and C16: wrong rules and nulls that a faithful bridge must beat."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...models.spiking import Circuit, Replay, cosine
from ..check import Check, above
from .agreement import mean_cosine, total_cosine
from .workbench import Bench, cosine_of, traces

Array = NDArray[np.float64]
PERMUTATIONS = 2000
QUANTILE = 99.9


def wrong_rules(circuit: Circuit, seed: int = 0) -> Iterator[tuple[str, Array]]:
    """Name and eligibility of other rules, without noise, (trials, units, inputs); one after another, since each is as large as a replay's.

    rho for rho'          rate-based Hebbian term: z in place of the gate
    sign of apical        the sign of B c alone
    mean subtracted       B c minus its mean over trials, unit by unit
    rectified             depolarisation alone
    no gate               rho' left out
    shuffled B            another unit's B c

    Where the second factor is the rule's own, that stands in the place of B c, and the names say so; without a gate of its own there is none
    to leave out.
    """
    e, gate, won = circuit.second, circuit.gate, circuit.winner
    shuffled = e[:, np.random.default_rng(seed).permutation(e.shape[1])]
    sign, other = (
        ("sign of apical", "shuffled B")
        if circuit.post is None
        else ("sign of the second factor", "another unit's second factor")
    )
    factors = {
        "rho for rho'": e * circuit.rate, sign: np.sign(e) * gate, "mean subtracted": (e - e.mean(0)) * gate,
        "rectified": np.maximum(e, 0) * gate, "no gate": e, other: shuffled * gate,
    }  # fmt: skip
    if not circuit.gated:
        factors = {name: values for name, values in factors.items() if name not in ("rho for rho'", "no gate")}
    if circuit.post is not None and e.min(initial=0) >= 0:
        del factors["rectified"]  # it is what the rule does
    for name, factor in factors.items():
        yield name, (factor * won)[:, :, None] * circuit.z_pre[:, None, :]


def yardsticks(bench: Bench) -> list[Check]:
    """C4b: how far the spiking rule is above the best wrong rule; both cosines are with the right one, in rate."""
    c = bench.circuit
    rule, modulated = c.eligibility(), c.gamma * c.weight
    batch = np.tensordot(modulated, rule, 1)
    trial: dict[str, float] = {}
    whole: dict[str, float] = {}
    for name, e in wrong_rules(c):
        trial[name] = mean_cosine(rule, e)
        whole[name] = total_cosine(batch, np.tensordot(modulated, e, 1))
    found = []
    for what, measured, others in (
        ("cosT", bench.over(cosine_of), trial),
        ("cosB", bench.over(lambda r: total_cosine(batch, r.batch_change)), whole),
    ):
        best = max(others, key=lambda name: others[name])
        reason = (
            f"in this circuit '{best}' has {what} {others[best]:.3f} with the rule even without noise: these trials hardly tell the "
            "two apart, so that the spikes, which are noisy, need not come closer"
        )
        margin = [value - others[best] for value in measured]
        found.append(
            Check("C4b", f"{what} above that of the best wrong rule", margin, above(0), reason, {"wrong": others})
        )
    return found


def nulls(bench: Bench) -> list[Check]:
    """C16: rows of B, labels of trials and signs of gamma permuted; margin above the 99.9th percentile of the null."""
    rows = "rows of B" if bench.circuit.post is None else "second factors of units"
    names = [rows, "labels of trials", *(["signs of gamma"] if np.ptp(bench.circuit.gamma) > 0 else [])]
    margins: dict[str, list[float]] = {name: [] for name in names}
    tops: dict[str, list[float]] = {name: [] for name in margins}
    for seed in bench.settings.seeds:
        found = bench.base[seed]
        observed = {
            rows: cosine_of(found), "labels of trials": cosine_of(found),
            "signs of gamma": total_cosine(bench.circuit.change().sum(0), found.batch_change),
        }  # fmt: skip
        for name, values in zip(margins, _null(bench.circuit, found, seed), strict=False):
            tops[name].append(float(np.percentile(values, QUANTILE)))
            margins[name].append(observed[name] - tops[name][-1])
    reason = "the permuted labels keep most of what the rule says: trials or units are too alike in this circuit"
    return [
        Check("C16", f"{'cosB' if 'gamma' in name else 'cosT'} above the {QUANTILE:g}th percentile, {name} permuted", values,
              above(0), reason, {"percentile": tops[name], "permutations": PERMUTATIONS})
        for name, values in margins.items()
    ]  # fmt: skip


def _null(circuit: Circuit, found: Replay, seed: int) -> tuple[Array, Array, Array]:
    """Cosines with units, trials and signs permuted, (permutations,) each; the rule's eligibility is an outer product, so that no tensor is built."""
    draws, e = np.random.default_rng(seed), traces(found)
    trials, units = circuit.gamma.size, len(circuit.units)
    factor = circuit.gate * circuit.winner
    pre = np.linalg.norm(circuit.z_pre, axis=1)
    size = np.linalg.norm(e, axis=(1, 2))
    drawn = np.einsum("tui,ti->tu", e, circuit.z_pre)
    rows = np.empty(PERMUTATIONS)
    for k in range(PERMUTATIONS):
        permuted = circuit.second[:, draws.permutation(units)] * factor
        rows[k] = _ratio((drawn * permuted).sum(1), size, pre * np.linalg.norm(permuted, axis=1))
    rule = circuit.eligibility().reshape(trials, -1)
    norms = np.linalg.norm(rule, axis=1)
    crossed = e.reshape(trials, -1) @ rule.T
    labels, signs = np.empty(PERMUTATIONS), np.empty(PERMUTATIONS)
    target = circuit.change().sum(0).ravel()
    single = circuit.weight[:, None] * e.reshape(trials, -1)
    for k in range(PERMUTATIONS):
        order = draws.permutation(trials)
        labels[k] = _ratio(crossed[np.arange(trials), order], size, norms[order])
        signs[k] = cosine(target[None], (circuit.gamma[draws.permutation(trials)] @ single)[None])[0]
    return rows, labels, signs


def _ratio(inner: Array, found: Array, expected: Array) -> float:
    """Mean cosine over the trials where the expected norm is not 0; 0 where the found norm alone is, as in the observed one."""
    some = expected > 0
    norm = found[some] * expected[some]
    return float((inner[some] / np.where(norm > 0, norm, 1)).mean()) if some.any() else float("nan")

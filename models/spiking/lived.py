"""The trials of a batch: which row was seen, which gave its context, and with which neuromodulator it changes weights.

A rule's change is a sum over trials of rank-one products

    dW_ji = gamma weight f_j z_i

z_i the pre-synaptic rate of the row seen, f_j what the post-synaptic side adds. Which trials there are follows from what a rule declares:

    sources                      every row of the batch gives a context, met by the row that follows: once as a fixation and once as a saccade
      of `backwards`             the row that gave the context learns from the one that followed
      with several negatives     met by the row that follows and by every negative (`Factors.met`)
      `transport`                the same meetings once more, seen by the row that gave the context: source `lateral-back`
    none                         every row is a trial, with the neuromodulator of its phase, or 1
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity import Factors, LocalRule, Pairing, Phase, Signals
from ..errors import ModelError
from .neuron import unknown

Array = NDArray[np.float64]
Index = NDArray[np.int64]
BASAL = "basal"  # source of a circuit without apical dendrites
BACK = "-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """Trials as they would be lived; arrays of (trials,).

    Attributes:
        pair: row of the pairing that the trial is one of.
        context, seen: rows of the batch.
        phase: 0 fixation (or positive), 1 saccade (or negative).
        gamma: neuromodulator, 1 throughout where the rule has none.
        weight: in the mean over rows.
        score: that the neuromodulator follows from; 0 where there is none.
    """

    pair: Index
    context: Index
    seen: Index
    phase: NDArray[np.int8]
    gamma: Array
    weight: Array
    score: Array

    def take(self, trials: Index) -> "Lived":
        """Some of them."""
        return replace(self, **{field.name: getattr(self, field.name)[trials] for field in fields(self)})


def circuit_sources(rule: LocalRule) -> tuple[str, ...]:
    """Sources that a circuit can be cut for, by word: the rule's own, read backwards where it is, or `basal` where it has none."""
    own = rule.needs.sources
    return own + tuple(f"{source}{BACK}" for source in own if rule.needs.transport) if own else (BASAL,)


def chosen_source(rule: LocalRule, source: str | None, owner: str) -> str:
    """The source asked for, or the first.

    Raises:
        ModelError: the rule has no such source.
    """
    known = circuit_sources(rule)
    if source is not None and source not in known:
        raise unknown(f"{owner}.source", source, known)
    return known[0] if source is None else source


def lived(
    rule: LocalRule, source: str, signals: Signals, factors: Factors, trials: int | Sequence[int] | None = None, *, now: bool = False
) -> Lived:  # fmt: skip
    """Trials of one source.

    Args:
        rule: says how rows are compared.
        source: one of `circuit_sources`.
        signals, factors: of the population.
        trials: the first n, or their indices; None for all.
        now: the context is that of the row seen, a control.

    Raises:
        ModelError: trials that are not there, or a rule that declares a neuromodulator and gives none.
    """
    if source == BASAL:
        found = _rows(rule, signals, factors)
    elif source.removesuffix(BACK) in factors.met:
        found = _met(source, signals, factors)
    else:
        found = _pairs(rule, source, signals, factors)
    found = found.take(_chosen(trials, len(found.seen)))
    return replace(found, context=found.seen) if now else found


def _pairs(rule: LocalRule, source: str, signals: Signals, factors: Factors) -> Lived:
    """Fixation and saccade of a row side by side; with `either` a row makes only one of the two."""
    pairing, phase = _paired(signals), _phase(rule, factors, source)
    weight = _both(pairing.fixation_weight, pairing.saccade_weight).astype(np.float64)
    alive = np.flatnonzero(weight > 0)
    own, other = alive // 2, _both(pairing.fixation, pairing.saccade)[alive]
    context, seen = (other, own) if source in rule.needs.backwards else (own, other)
    return Lived(
        pair=own.astype(np.int64), context=context.astype(np.int64), seen=seen.astype(np.int64), phase=(alive % 2).astype(np.int8),
        gamma=_both(phase.gamma_fixation, phase.gamma_saccade)[alive].astype(np.float64), weight=weight[alive],
        score=_both(phase.score_fixation, phase.score_saccade)[alive].astype(np.float64),
    )  # fmt: skip


def _met(source: str, signals: Signals, factors: Factors) -> Lived:
    """The row that follows and every negative, row by row; one drawn twice counts twice in its neuromodulator."""
    pairing, wanted = _paired(signals), source.removesuffix(BACK)
    field = factors.met[wanted].double().cpu().numpy()
    table = (signals.apical[wanted].potential @ signals.rate.T).double().cpu().numpy()
    follows = pairing.fixation.cpu().numpy()
    others = np.zeros((len(follows), 0), dtype=np.int64) if pairing.others is None else pairing.others.cpu().numpy()
    rows = [list(dict.fromkeys([int(first), *map(int, more)])) for first, more in zip(follows, others, strict=True)]
    own = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    met = np.array([r for row in rows for r in row], dtype=np.int64)
    rank = np.concatenate([np.arange(len(row)) for row in rows])
    # a first negative beside what follows, as a saccade beside a fixation; further ones after all rows
    order = np.lexsort((rank, own, np.maximum(rank - 1, 0)))
    own, met = own[order], met[order]
    context, seen = (met, own) if source.endswith(BACK) else (own, met)
    return Lived(
        pair=own, context=context, seen=seen, phase=(met != follows[own]).astype(np.int8), gamma=field[own, met] * len(rows),
        weight=np.full(len(own), 1 / len(rows)), score=table[own, met],
    )  # fmt: skip


def _rows(rule: LocalRule, signals: Signals, factors: Factors) -> Lived:
    """Rows of one object side by side."""
    pairing, count = signals.pairing, len(signals.rate)
    order = np.arange(count)
    if pairing is None:
        even = np.full(count, 1 / count)
        return Lived(
            pair=order, context=order, seen=order, phase=np.zeros(count, dtype=np.int8), gamma=np.ones(count), weight=even,
            score=np.zeros(count),
        )  # fmt: skip
    order = order.reshape(2, -1).T.ravel()
    partner = (order + count // 2) % count
    gamma, score, weight = np.ones(count), np.zeros(count), np.full(count, 1 / count)
    phase = np.zeros(count, dtype=np.int8)
    if rule.needs.modulated:
        told = _phase(rule, factors, BASAL)
        for number, (rows, by, of, heavy) in enumerate((
            (pairing.fixation, told.gamma_fixation, told.score_fixation, pairing.fixation_weight),
            (pairing.saccade, told.gamma_saccade, told.score_saccade, pairing.saccade_weight),
        )):  # fmt: skip
            at = rows.cpu().numpy()
            gamma[at], score[at], phase[at] = _host(by), _host(of), number
            weight[at] = np.bincount(at, _host(heavy), minlength=count)[at]
    return Lived(
        pair=order, context=partner, seen=order, phase=phase[order], gamma=gamma[order], weight=weight[order], score=score[order]
    )  # fmt: skip


def modulators(rule: LocalRule, source: str, trials: Lived, factors: Factors, pairing: Pairing | None) -> Array:
    """Neuromodulators of trials as other factors have them, of a rule without several negatives, (trials,)."""
    if not rule.needs.modulated or pairing is None:
        return np.ones(len(trials.seen))
    told = _phase(rule, factors, source)
    stay, jump = _host(told.gamma_fixation), _host(told.gamma_saccade)
    if source != BASAL:
        found: Array = np.where(trials.phase == 0, stay[trials.pair], jump[trials.pair])
        return found
    by_row = np.ones(len(factors.drive))
    by_row[pairing.fixation.cpu().numpy()], by_row[pairing.saccade.cpu().numpy()] = stay, jump
    return by_row[trials.seen]


def _phase(rule: LocalRule, factors: Factors, source: str) -> Phase:
    if source not in factors.phases:
        raise ModelError(
            f"{type(rule).__name__}.needs.records: expected factors with the neuromodulator of {source!r}, got "
            f"{', '.join(factors.phases) or 'none'}; give Factors.phases[{source!r}] or do not declare one"
        )
    return factors.phases[source]


def _paired(signals: Signals) -> Pairing:
    if signals.pairing is None:
        raise ModelError("circuit.pairing: expected who follows whom for a rule with a context, got None; call pair()")
    return signals.pairing


def _both(first: Tensor, second: Tensor) -> NDArray[Any]:
    return torch.stack([first, second], 1).flatten().cpu().numpy()


def _host(values: Tensor) -> Array:
    found: Array = values.detach().double().cpu().numpy()
    return found


def _chosen(trials: int | Sequence[int] | None, total: int) -> Index:
    if trials is None:
        return np.arange(total)
    index = np.arange(trials) if isinstance(trials, int) else np.asarray(trials, dtype=np.int64)
    if not index.size or index.min() < 0 or index.max() >= total:
        got = trials if isinstance(trials, int) else list(trials)[:6]
        raise ModelError(f"circuit.trials: expected 1 to {total} trials of this batch, got {got}; show more glances")
    return index

"""The post-synaptic side of a change, asked of the rule itself: by its factors, with the signals of spiking neurons in place of the rate network's.

A rule without apical dendrites, or with a second factor of its own (`Needs.second`), has no factor that a compartment simply holds. Its change
of a trial is

    dW_ji = gamma weight f_j z_i,        f = drive / (gamma weight), the rule's own

and with spikes the rule is told the mean basal potential, the rate and the mean apical potential of the circuit's neurons in that trial; all other
neurons keep those of the rate network, as inputs, context and neuromodulator do. A synapse counts the pre-synaptic spikes that met an open
gate; at the end of the trial the count meets f.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity import Apical, LocalRule, Pairing, RuleError, Signals
from ..errors import ModelError
from .lived import BACK, BASAL, Lived, modulators

Array = NDArray[np.float64]
Index = NDArray[np.int64]
EXACT = 1e-3  # relative to the largest entry, for sums in float32 in another order


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """The second factor of a circuit's neurons, from what they do.

    Attributes:
        rule: the rule.
        signals: of the population in the whole batch.
        trials: of the circuit.
        source: of the circuit, see `circuit_sources`.
        channels: of the circuit's neurons, int64 (units,).
        place: on the map before the pool; None in a dense population.
        lines: unit (block-pooled) of each neuron, int64 (units,).
        share: of each neuron in the rate of its unit, (rows, units).
        rate: of each neuron in the rate network, (rows, units).
    """

    rule: LocalRule
    signals: Signals
    trials: Lived
    source: str
    channels: Tensor
    place: tuple[int, int] | None
    lines: Tensor
    share: Tensor
    rate: Tensor

    @torch.no_grad()
    def __call__(self, trial: Index, basal: Array, rate: Array, apical: Array) -> Array:
        """f of trials, (trials, units); 0 where the neuromodulator that the rule gives is 0.

        Args:
            trial: numbers of the circuit's trials, int64 (trials,).
            basal, rate, apical: a, z and e of the circuit's neurons in each of them, (trials, units).
        """
        lived = self.trials.take(np.asarray(trial, dtype=np.int64))
        a, z, e = (torch.from_numpy(np.ascontiguousarray(x)).to(self.signals.rate) for x in (basal, rate, apical))
        if self.source == BASAL:
            rows = torch.from_numpy(lived.seen)
            return self._factor(self._rates(rows, a, z), lived, rows)
        found = np.zeros(basal.shape)
        for number in range(len(lived.seen)):
            one = lived.take(np.array([number]))
            row = torch.from_numpy(one.seen)
            shown = self._rates(row, a[number : number + 1], z[number : number + 1])
            found[number] = self._factor(_alone(shown, one, self.source, self.lines, e[number]), one, row)[0]
        return found

    def _rates(self, rows: Tensor, a: Tensor, z: Tensor) -> Signals:
        """Signals with the neurons of the circuit as they are told, in some rows."""
        here, rate = self.signals, self.signals.rate.clone()
        moved = self.share[rows] * (z - self.rate[rows])
        rate[rows] = rate[rows].index_add(1, self.lines.to(rate.device), moved)
        if here.basal is None:
            return replace(here, rate=rate)
        whole = here.basal.clone()
        if self.place is None:
            whole[rows[:, None], self.channels] = a
        else:
            whole[rows[:, None], self.channels, self.place[0], self.place[1]] = a
        return replace(here, rate=rate, basal=whole)

    def _factor(self, signals: Signals, lived: Lived, rows: Tensor) -> Array:
        factors = self.rule.factors(signals)
        scale = modulators(self.rule, self.source, lived, factors, signals.pairing) * lived.weight
        at = at_circuit(self.rule, factors.drive, rows, self.channels, self.place, self.lines)
        if self.source == BASAL:  # what a rule adds without its neuromodulator is not lost where that is 0
            scale = np.where(scale == 0, lived.weight, scale)
        found: Array = np.divide(at, scale[:, None], out=np.zeros_like(at), where=scale[:, None] != 0)
        return found


def at_circuit(
    rule: LocalRule, drive: Tensor, rows: Tensor, channels: Tensor, place: tuple[int, int] | None, lines: Tensor
) -> Array:
    """Drive of the circuit's neurons, float64 (rows, units)."""
    if rule.needs.site == "unit":
        at = drive[rows][:, lines]
    elif place is None:
        at = drive[rows][:, channels]
    else:
        at = drive[rows][:, channels, place[0], place[1]]
    found: Array = at.double().cpu().numpy()
    return found


def _alone(signals: Signals, trial: Lived, source: str, lines: Tensor, potential: Tensor) -> Signals:
    """Signals in which one trial alone has a weight, and its apical potential is as told."""
    assert signals.pairing is not None
    apical = signals.apical[source]
    told = apical.potential.clone()
    told[int(trial.context[0]), lines] = potential
    return replace(
        signals, apical={source: replace(apical, potential=told)}, pairing=only(signals.pairing, trial),
    )  # fmt: skip


def only(pairing: Pairing, trials: Lived) -> Pairing:
    """The pairing with the weights of some trials, and 0 for all others."""
    kept = []
    for number, weight in enumerate((pairing.fixation_weight, pairing.saccade_weight)):
        held = torch.zeros_like(weight)
        rows = torch.from_numpy(trials.pair[trials.phase == number])
        held[rows] = weight[rows]
        kept.append(held)
    return replace(pairing, fixation_weight=kept[0], saccade_weight=kept[1])


def check_gathered(rule: LocalRule, signals: Signals, drive: Tensor, parts: Mapping[str, Lived]) -> None:
    """Refuse a rule whose drive is not what it declares: the apical potentials, each times neuromodulator and weight, gathered at the rows seen.

    Args:
        rule: declares `second` apical.
        signals: of the population.
        drive: of its factors.
        parts: all trials of every source of `circuit_sources`.

    Raises:
        ModelError: as said.
    """
    total = torch.zeros_like(drive)
    for source, trials in parts.items():
        side = potentials(signals, source)
        scale = torch.from_numpy(trials.gamma * trials.weight).to(side)
        seen, context = (torch.from_numpy(rows).to(side.device) for rows in (trials.seen, trials.context))
        total.index_add_(0, seen, scale[:, None] * side[context])
    if (apart := _apart(total, drive)) > EXACT:
        raise ModelError(
            f"{type(rule).__name__}.needs.second: expected a drive that is neuromodulator times apical potential at the rows that it meets, "
            f"got one that differs by {apart:.2g} of its size; declare second='own'"
        )


def check_divided(rule: LocalRule, signals: Signals, drive: Tensor, parts: Mapping[str, Lived]) -> None:
    """Refuse a rule whose drive is no sum over trials by the weights of the pairing.

    Raises:
        ModelError: as said.
    """
    assert signals.pairing is not None
    total = torch.zeros_like(drive)
    for source, trials in parts.items():
        for number in (0, 1):
            half = trials.take(np.flatnonzero(np.arange(len(trials.seen)) % 3 % 2 == number))
            shown = replace(signals, apical={source: signals.apical[source]}, pairing=only(signals.pairing, half))
            try:
                total += rule.factors(shown).drive
            except RuleError as error:
                raise ModelError(
                    f"{type(rule).__name__}.needs.sources: expected factors of one source alone, got {error}; a circuit has one source"
                ) from error
    if (apart := _apart(total, drive)) > EXACT:
        raise ModelError(
            f"{type(rule).__name__}.factors: expected a drive that adds up over fixations and saccades by the weights of the pairing, got one "
            f"that differs by {apart:.2g} of its size; a change of single trials is needed to replay them"
        )


def potentials(signals: Signals, source: str) -> Tensor:
    """Apical potential of a source in every row that gave a context, (rows, units)."""
    apical: Apical = signals.apical[source.removesuffix(BACK)]
    if not source.endswith(BACK):
        return apical.potential
    assert apical.back is not None  # `transport` is what the word stands for
    return apical.back


def _apart(found: Tensor, expected: Tensor) -> float:
    size = float(expected.abs().max())
    gap = float((found - expected).abs().max())
    return gap / size if size else gap

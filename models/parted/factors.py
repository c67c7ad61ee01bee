"""Factors of a population whose units are shared out: each rank computes those of its rows of B, and no potential travels.

    own units of all rows   z, e = B c  ->  scores of the own units  ->  sum over ranks  ->  gamma, prediction, drive of the own units
    all units of own rows   drive       ->  change of W

What is exchanged is one share of the rates and of the drives, and two numbers a row; of a rule whose factors at a unit depend on other units
through their scores alone.
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ...plasticity import Apical, Factors, LocalRule, Pairing, Signals
from ...plasticity.scores import parted
from ..populations.apical import ApicalProjection
from ..ranks.ranks import DRIVES, RATES, SCORES, Ranks


def parted_factors(
    ranks: Ranks,
    rule: LocalRule,
    projections: Mapping[str, ApicalProjection],
    rate: Tensor,
    whole: Tensor | None,
    contexts: Mapping[str, Tensor],
    pairing: Pairing | None,
    *,
    label: Tensor | None,
    position: int,
) -> tuple[Signals, Factors]:
    """Signals and factors of the own units, but for the drive, which is that of all units at the own rows.

    Args:
        ranks: who shares them.
        rule: with `needs.parted`.
        projections: by source.
        rate: block-pooled rates of the own rows, (own rows, units).
        whole: those of all rows, (rows, units), where they were gathered as a context; None elsewhere.
        contexts: of all rows by source, (rows, inputs).
        pairing, label, position: see `Signals`.
    """
    units, dtype = rate.shape[1], next(iter(contexts.values())).dtype
    own = ranks.turned(rate, units, RATES).to(dtype) if whole is None else whole[:, ranks.own(units)]
    apical = {source: Apical(contexts[source], p.here(contexts[source])) for source, p in projections.items()}
    signals = Signals(own, apical, pairing, label, None, {}, position)
    with parted(lambda found: ranks.sum([found], [found], SCORES)()[0]):
        factors = rule.factors(signals)
    # the sweep reads the drive in the precision of its rates
    drive = ranks.returned(factors.drive.to(rate.dtype), units, DRIVES).to(dtype)
    return signals, replace(factors, drive=drive)

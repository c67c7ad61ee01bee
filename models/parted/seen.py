"""Recorded rows of a batch, brought together from the ranks that swept them."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...plasticity import Factors
from ...plasticity.queued import queued
from ..populations.activity import Activity
from ..ranks.ranks import RECORDED, Ranks


def seen(
    ranks: Ranks, activity: Activity, factors: Factors | None, rows: Tensor, count: int, *, synapses: bool
) -> tuple[Activity, Factors | None]:
    """What a recording reads of a step, the same at every rank of several.

    Args:
        ranks: who swept which rows.
        activity: of the own rows.
        factors: of all rows.
        rows: that are recorded, int64, on the CPU.
        count: rows of the batch.
        synapses: whether what arrives at synapses, and who won a pool, is recorded as well.

    Returns:
        Activity and factors that hold the recorded rows alone, in their order. Every value comes from one rank; the others add nothing to it.
    """
    own, device = ranks.own(count), activity.rate.device
    here = (rows >= own.start) & (rows < own.stop)
    places, mine, every = (queued(i, device) for i in (here.nonzero()[:, 0], rows[here] - own.start, rows))

    def gathered(values: Tensor | None) -> Tensor | None:
        if values is None:
            return None
        # a sum of bfloat16 and zeros is exact, but not every backend adds it up
        dtype = torch.float32 if values.dtype == torch.bfloat16 else values.dtype
        found = torch.zeros(len(rows), *values.shape[1:], dtype=dtype, device=device)
        found[places] = values[mine].to(dtype)
        return ranks.sum([found], [found], RECORDED)()[0]

    names = ("rate", "basal", "pre", "winner") if synapses else ("rate", "basal")
    brought: dict[str, Any] = {"pre": activity.pre[:0], "winner": None} | {
        name: gathered(getattr(activity, name)) for name in names
    }
    whole = replace(activity, **brought, patches=None, potential=None, unpooled=None)
    if factors is not None:
        factors = replace(factors, drive=factors.drive[every])
    return whole, factors

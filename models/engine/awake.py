"""Rows with something to tell: where neuromodulators are silent, changes need no product.

A hinge closes at its margin: gamma is then exactly 0, and with it drive and prediction of the row. Outer products over the other rows are the
same sums with fewer terms. On a GPU the rows would have to be counted by the host, which waits for them: there all rows are taken.
"""

from dataclasses import replace

import torch
from torch import Tensor

from ..populations.activity import Activity
from ..populations.residual import ResidualActivity

SILENT = 1 / 16  # share of silent rows that pays for gathering the others


def awake(told: Tensor) -> Tensor | None:
    """Rows of (rows, units) that are not all zero, int64, at least one; None where gathering them would not pay."""
    if told.device.type != "cpu":
        return None
    rows = told.any(1).nonzero()[:, 0]
    if len(told) - len(rows) < max(1, SILENT * len(told)):
        return None
    return rows if len(rows) else torch.zeros(1, dtype=torch.int64)


def gathered(rows: Tensor, factor: Tensor, activity: Activity) -> tuple[Tensor, Activity]:
    """Factor and pre-synaptic side of some rows: what `change` needs of them, and no more."""
    patches = activity.patches
    if patches is not None:
        patches = patches.view(len(activity.pre), -1, patches.shape[1])[rows].flatten(0, 1)
    found = replace(activity, pre=_rows(activity.pre, rows), patches=patches)
    if isinstance(found, ResidualActivity):
        found.hidden = tuple(_rows(rate, rows) for rate in found.hidden)
        found.incoming = None if found.incoming is None else _rows(found.incoming, rows)
    return _rows(factor, rows), found


def _rows(values: Tensor, rows: Tensor) -> Tensor:
    if values.dim() != 4:
        return values[rows]
    return values.permute(0, 2, 3, 1)[rows].permute(0, 3, 1, 2)  # channels-last stays channels-last

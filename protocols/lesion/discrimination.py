"""How well units tell two sets of glances apart, in their rates and in their apical potentials, and how soon a read-out learns to.

    d' = (mean over the first set - mean over the second) / sqrt of the mean of their variances

of a unit's block-pooled rate or apical potential B c, where c are the rates of the same glance: what its tuft is sent by it.
"""

import math

import torch
from torch import Tensor

from ...models import Network
from ...models.engine import rates
from ...models.networks.contexts import whose

SILENT = 1e-9
STREAK, RIGHT = 20, 19  # of so many labelled glances in a row so many are to be right
LABELLED = 400  # labelled glances, at most
RATE = 0.1  # of the read-out's delta rule, on rates of unit norm on average
ORDERS = 5  # orders of the labelled glances, whose mean is told


@torch.no_grad()
def signals(network: Network, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Block-pooled rates and apical potentials of every population, (images, units) each; 0 without apical dendrites."""
    found = rates(network, images.contiguous(memory_format=torch.channels_last))
    pooled = [p.pooled(r).double() for p, r in zip(network.populations, found, strict=True)]
    count, potentials = len(pooled), []
    for i in range(count):
        parts = [
            projections[i].potential(pooled[whose(source, i, count)].to(projections[i].weight.dtype)).double()
            for source, projections in network.apical.items()
        ]
        potentials.append(torch.stack(parts).sum(0) if parts else torch.zeros_like(pooled[i]))
    return pooled, potentials


def dprime(first: Tensor, second: Tensor) -> float:
    """Mean over units of |d'|, of those that vary at all; NaN where none does.

    Args:
        first, second: a signal under both sets of glances, (glances, units) each.
    """
    gap = (first.mean(0) - second.mean(0)).abs()
    spread = ((first.var(0) + second.var(0)) / 2).sqrt()
    alive = spread > SILENT * (1 + first.abs().amax(0))
    return float((gap[alive] / spread[alive]).mean()) if bool(alive.any()) else math.nan


def trials_to_criterion(first: Tensor, second: Tensor, draws: torch.Generator) -> float:
    """Labelled glances until a delta-rule read-out of the rates is right, mean over orders; `LABELLED` where it never is.

    Args:
        first, second: rates under both sets of glances, (glances, units) each.
        draws: of the orders.
    """
    rows = torch.cat([first, second])
    rows = rows / rows.norm(dim=1).mean().clamp_min(SILENT)
    wanted = torch.cat([torch.ones(len(first)), -torch.ones(len(second))]).to(rows)
    counts = []
    for _ in range(ORDERS):
        order = torch.randint(0, len(rows), (LABELLED,), generator=draws)
        weight, right = torch.zeros(rows.shape[1] + 1).to(rows), list[bool]()
        for row in order.tolist():
            seen = torch.cat([rows[row], rows.new_ones(1)])
            said = float(weight @ seen)
            right.append(said * float(wanted[row]) > 0)
            weight += RATE * (float(wanted[row]) - said) * seen
            if sum(right[-STREAK:]) >= RIGHT:
                break
        counts.append(len(right))
    return sum(counts) / len(counts)

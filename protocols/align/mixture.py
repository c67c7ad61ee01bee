"""The best mixture of two B for every population, judged by the weight changes they give."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...models import Network
from ...plasticity import LocalRule
from ..runs.batches import Batch
from .gates import GateWatch, held_rule
from .measure import BASAL, backprop_change, local_change


def apical_weights(network: Network, rule: LocalRule) -> list[Tensor]:
    """Copies of B of every population but the top, those of several sources side by side, (units, inputs)."""
    return [
        torch.cat([network.apical[source][i].weight for source in rule.needs.sources], dim=1)
        for i in range(len(network.populations) - 1)
    ]


def set_apical(network: Network, rule: LocalRule, weights: Sequence[Tensor]) -> None:
    """Overwrite B of every population but the top; the inverse of `apical_weights`."""
    for i, weight in enumerate(weights):
        targets = [network.apical[source][i].weight for source in rule.needs.sources]
        for target, part in zip(targets, weight.split([target.shape[1] for target in targets], dim=1), strict=True):
            target.copy_(part)


def blend(
    network: Network, rule: LocalRule, batches: Sequence[Batch], own: Sequence[Tensor], fitted: Sequence[Tensor]
) -> list[tuple[float, float]]:
    """Shares x and y of every population but the top: B = x own + y fitted gives the changes nearest to the gradients.

    With the gates held the change is linear in B, so the shares solve a least-squares problem of two unknowns over all batches together,
    each in units of the norm of its gradient.

    Args:
        network: the network; its B are `own`, before and after.
        rule: the local rule.
        batches: what is seen.
        own, fitted: the two B of every population but the top.
    """
    names = network.names[:-1]
    products = torch.zeros(len(names), 3, 3, dtype=torch.float64)
    for batch in batches:
        watch = GateWatch()
        first, _ = local_change(network, rule, batch, watch)
        set_apical(network, rule, fitted)
        second, _ = local_change(network, held_rule(rule, watch.gates), batch)
        set_apical(network, rule, own)
        gradient = backprop_change(network, rule, batch)
        for i, name in enumerate(names):
            changes = torch.stack([found[f"{name}{BASAL}"].double().flatten() for found in (first, second, gradient)])
            product = (changes @ changes.T).cpu()
            # every batch counts the same, as in the mean of the cosines, however large its gradient
            products[i] += product / product[2, 2] if product[2, 2] > 0 else 0
    return [_shares(product) for product in products]


def _shares(product: Tensor) -> tuple[float, float]:
    """Solution of the normal equations, of least norm where the two changes are parallel."""
    size = product.diagonal()[:2].sqrt()
    scale = torch.where(size > 0, 1 / size.clamp_min(torch.finfo(size.dtype).tiny), 0)
    inverse = torch.linalg.pinv(product[:2, :2] * scale[:, None] * scale, rtol=1e-10, hermitian=True)
    x, y = (inverse @ (product[:2, 2] * scale) * scale).tolist()
    return x, y

"""The two changes that are compared, each from its own engine: that of the local rule, and that of backpropagation."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ...models import Collector, Network
from ...models.engine import BackpropEngine, LocalEngine
from ...plasticity import BPClappPP, ClappPP, Contrast
from .networks import Batch

Changes = dict[str, Tensor]


def local_changes(network: Network, contrast: Contrast, batch: Batch, source: str) -> Changes:
    """Change of every weight by the local rule with one context source: -dL/dweight of each population's own objective."""
    collector = Collector()
    rule = ClappPP(context=source, contrast=contrast)
    LocalEngine(network, rule, collector).step(batch.images, batch.pairing)
    return collector.changes


def with_head(network: Network) -> Network:
    """The same populations with nothing but the top's own B, as the head of an end-to-end objective."""
    return Network(network.shape, network.populations, head=network.apical["lateral"][-1].weight.clone())


def backprop_changes(network: Network, contrast: Contrast, batch: Batch) -> Changes:
    """Change of every weight by the gradient of the top population's objective through all populations."""
    collector = Collector()
    BackpropEngine(with_head(network), BPClappPP(contrast=contrast), collector).step(batch.images, batch.pairing)
    return collector.changes


def squares(found: Changes, reference: Changes, populations: Iterable[str]) -> tuple[list[float], list[float]]:
    """|dW - dW'|^2 and |dW'|^2 of each population."""
    pairs = [(found[f"{name}.weight"], reference[f"{name}.weight"]) for name in populations]
    return [float((a - b).square().sum()) for a, b in pairs], [float(b.square().sum()) for _, b in pairs]


def gap(found: Changes, reference: Changes, populations: Iterable[str]) -> float:
    """Distance of the change of several populations, taken as one vector, over the length of the reference."""
    apart, length = squares(found, reference, populations)
    return float((sum(apart) / sum(length)) ** 0.5)


def cosine(found: Changes, reference: Changes, populations: Iterable[str]) -> float:
    """Cosine of the angle between the two, each taken as one vector."""
    names = [f"{name}.weight" for name in populations]
    a, b = (torch.cat([changes[name].flatten() for name in names]) for changes in (found, reference))
    return float(a @ b / (a.norm() * b.norm()))

"""The objective at the top of a locally trained network, for the engine that backpropagates.

It is the top population's own local objective. Its apical matrices all receive its own rate: the lateral one by definition, the
feedback one because the top feeds back to itself. With context `both` there are two of them, and the objective is the sum of two terms,
each with its own B, scores and gates; one term with the sum B_dfb + B_lateral as head would be another objective, with one gate for
both. So at the top the local change equals the gradient by construction, whatever the context.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...models import Network
from ...plasticity import BPClappPP, ClappPP, Pairing
from ...plasticity.pairing import Negatives, Phases


@dataclass(frozen=True, slots=True)
class TopObjective:
    """`BPClappPP` once for every context of a local rule; the terms add.

    Args:
        rule: the local rule whose contrast and pairing it takes.
    """

    rule: ClappPP

    engine: ClassVar[str] = "backprop"
    presentation: ClassVar[str] = "glances"
    supervised: ClassVar[bool] = False
    relay: ClassVar[str] = "none"
    head: ClassVar[str] = "square"
    records: ClassVar[tuple[str, ...]] = ("basal", "rate")

    @property
    def negatives(self) -> Negatives:
        """As in the local rule."""
        return self.rule.negatives

    @property
    def phases(self) -> Phases:
        """As in the local rule."""
        return self.rule.phases

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """Sum of the terms. Shapes: rate (rows, units), head (contexts * units, units), one B below the other."""
        rule = BPClappPP(contrast=self.rule.contrast, negatives=self.negatives, phases=self.phases)
        apical = [None] if head is None else head.chunk(len(self.rule.sources))
        return torch.stack([rule.objective(rate, part, pairing) for part in apical]).sum()


def top_network(network: Network, rule: ClappPP) -> Network:
    """The same populations, not copies, with every B of the top population as the head, in the order of the rule's sources."""
    heads = [network.apical[source][-1].weight for source in rule.sources]
    return Network(network.shape, network.populations, head=heads[0] if len(heads) == 1 else torch.cat(heads))

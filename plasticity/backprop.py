"""End-to-end baselines: one objective at the top population, its gradient carried down by backpropagation.

These are what the local rules are measured against: same network, stimuli, optimiser and loop; only the credit assignment differs.

Sources: `clapp.py` for the objective of CLAPP++; van den Oord, Li and Vinyals 2018 (arXiv 1807.03748) and Chen et al. 2020 (arXiv 2002.05709)
for InfoNCE. Three-factor reading: there is none; errors travel backwards through transposed weights. Not claimed: any synaptic mechanism.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .contrast import Contrast, Hinge
from .errors import RuleError
from .needs import Needs
from .pairing import Negatives, Pairing, Phases
from .scores import check_pairs, mean_loss, scores


@dataclass(frozen=True, slots=True, kw_only=True)
class BPClappPP:
    """CLAPP++ objective of the top population (own context, carrying no gradient), backpropagated through all populations.

    Args: see `ClappPP`.

    Raises:
        RuleError: as `ClappPP`.
    """

    contrast: Contrast = field(default_factory=Hinge)
    negatives: Negatives = "next"
    phases: Phases = "both"

    def __post_init__(self) -> None:
        check_pairs("BPClappPP", self.contrast, self.negatives, self.phases)

    @property
    def needs(self) -> Needs:
        """A projection at the top."""
        return Needs(engine="backprop", head="square", negatives=self.negatives, phases=self.phases)

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """L of `ClappPP` with c = z detached. Shapes: rate (rows, units), head B (units, units)."""
        if head is None or pairing is None:
            raise RuleError("BPClappPP.objective: expected a head and a pairing, got None; see build_network and pair")
        fixation, saccade = scores(rate, rate.detach() @ head.T, pairing)
        return mean_loss(self.contrast, fixation, saccade, pairing)


@dataclass(frozen=True, slots=True, kw_only=True)
class BPInfoNCE:
    """InfoNCE of the top population through a linear projection shared by both glances, backpropagated through all populations.

    L = -mean_i log softmax_j( cos(P z_i, P z'_j) / temperature )_i, first glances against second glances
    (van den Oord et al. 2018; Chen et al. 2020 without the second direction).

    Args:
        temperature: scale of the cosine similarity, above 0.
    """

    temperature: float = 0.1

    needs: ClassVar[Needs] = Needs(engine="backprop", head="square")

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise RuleError(
                f"BPInfoNCE.temperature: expected a finite number above 0, got {self.temperature!r}; the default is 0.1"
            )

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """L above; the second half of the rows are the second glances of the first."""
        if head is None:
            raise RuleError("BPInfoNCE.objective: expected a head, got None; see build_network")
        projected = F.normalize(rate @ head.T, dim=1)
        first, second = projected.chunk(2)
        return F.cross_entropy(first @ second.T / self.temperature, torch.arange(len(first), device=rate.device))

"""SAL, selective adaptive learning: one area per population and sample, taught through asymmetric feedback.

Source: F. Liu, H. Yang and J. Zou 2026, arXiv 2601.21561 v1. Its equations and code are not public to us; what follows is OUR READING,
and no number of it is a number of theirs.

Known, in words: the parameters of a layer are divided into mutually exclusive areas; of each layer one area is active for a sample,
and the others are neither used nor changed; a learned projection takes the input of a layer into a routing space, where fixed
prototypes decide the area by hard nearest choice; errors travel by a refined, asymmetric feedback alignment, without weight transport;
learning is supervised, up to 128 layers.

    n      = z_below / rms(z_below)                  relay `unit`: rates enter every population at unit length per neuron
    y      = P (n - m) / sqrt(inputs)                P learned (dimensions, inputs), m running mean of n
    area   = argmin_k | y/|y| - p_k |                p_k fixed, drawn on the unit sphere
    z      = rho(W_area n + b_area)
    e      = B E                                     E: output error (feedback.py), B (units, classes) fixed, drawn once
    dW_kji = -e_j rho'(a_j) n_i                      for k = area, nothing for all others; the optimiser's moments of them rest too
    dP     = routing_rate ( mean y (n - m)/sqrt(inputs) - mean y y^T P )
    dm     = routing_rate ( mean n - m )

Ours, because the words leave it open: P follows Oja's subspace rule (Oja 1989), so that the routing space spans the principal
directions of what arrives, from local signals and without labels, and cannot shrink to one prototype; the choice is by direction;
the feedback is direct, from the output, and all areas of all populations of one size share one B (with a B for each area they pull the
one head in as many directions: one epoch of MNIST ended 8 points lower); areas start as copies of one another, as the identity
where a population has as many neurons as inputs and otherwise He-normal, so that together with the relay 128 populations hand on the
rates of the first unchanged at the start. All populations push the output at once: a deep network wants the learning rate of its
populations divided by their number (`optimiser.factors`), that of the head not.

Under AdamW the moments of an area rest with it, but the number of steps that corrects their bias is the run's, one for all areas. An area
first chosen late in a run meets moments at 0 that count as old: with b1 = 0.9 and b2 = 0.999 its first step is (1 - b1) / sqrt(1 - b2) = 3.2
times as large as that of an area used from the start, and at its twelfth use up to 6.6 times, while its gradient keeps its sign.

As three factors: e is the dendritic term, rho'(a_j) n_i the Hebbian one, and the routing is the modulator: 1 for the chosen area, 0 for
every other. Not claimed: anything of the paper's results, or that the gate has a known circuit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from .errors import RuleError
from .feedback import SUPERVISED, error_factors, output_error
from .needs import Needs
from .products import product
from .signals import Factors, Signals


def routing_point(pre: Tensor, mean: Tensor, projection: Tensor) -> Tensor:
    """y = P (n - m) / sqrt(inputs), (rows, dimensions). Shapes: pre (rows, inputs), mean (inputs,), projection (dimensions, inputs)."""
    return product((pre - mean) / math.sqrt(len(mean)), projection)


def nearest(point: Tensor, prototypes: Tensor) -> Tensor:
    """Area of every row, int64 (rows,): the prototype nearest in direction.

    Args:
        point: y, (rows, dimensions).
        prototypes: p of unit length, (areas, dimensions); the nearest to y/|y| is the one with the largest y . p.
    """
    return (point @ prototypes.T).argmax(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SAL:
    """The rule above; the number of areas and of routing dimensions belongs to the network.

    Args:
        routing_rate: of the projection and of the running mean, 0 (frozen) to 1.

    Raises:
        RuleError: a rate outside 0 to 1.
    """

    routing_rate: float = 0.05

    needs: ClassVar[Needs] = replace(SUPERVISED, relay="unit", routed=True)

    def __post_init__(self) -> None:
        if not 0 <= self.routing_rate <= 1:
            raise RuleError(f"SAL.routing_rate: expected 0 to 1, got {self.routing_rate!r}; the default is 0.05")

    def error(self, output: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        """L and E, see `output_error`."""
        return output_error("SAL", output, label)

    def factors(self, signals: Signals) -> Factors:
        """drive = -B E, for the neurons of the row's area."""
        return error_factors("SAL", signals)

    def routing(self, pre: Tensor, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Projection and running mean after a step, by name.

        Args:
            pre: n, what entered the population, (rows, inputs).
            state: `projection` (dimensions, inputs) and `mean` (inputs,) before the step.
        """
        mean, projection = state["mean"], state["projection"]
        point = routing_point(pre, mean, projection)
        arrived = point.T @ (pre - mean) / (len(pre) * math.sqrt(len(mean)))
        change = arrived - (point.T @ point / len(pre)) @ projection
        return {
            "projection": projection + self.routing_rate * change,
            "mean": mean + self.routing_rate * (pre.mean(0) - mean),
        }

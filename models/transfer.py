"""Transfer functions rho: from basal potential to rate, with the derivative read off the rate itself."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import ModelError


@dataclass(frozen=True, slots=True)
class Transfer:
    """rho and rho'.

    Attributes:
        name: word in configs and checkpoints.
        rate: z = rho(a).
        gate: factor * rho'(a), given the factor and z. Piecewise linear functions need only z, so the potential may be freed.
    """

    name: str
    rate: Callable[[Tensor], Tensor]
    gate: Callable[[Tensor, Tensor], Tensor]


def _relu_gate(factor: Tensor, rate: Tensor) -> Tensor:
    # threshold_backward is one fused pass: factor where rate > 0, else 0
    gated: Tensor = torch.ops.aten.threshold_backward(factor, rate, 0)
    return gated


def leaky(slope: float) -> Transfer:
    """rho(a) = a above zero and slope * a below: from the identity (slope 1) to ReLU (slope 0).

    Raises:
        ModelError: a slope outside 0 to 1.
    """
    if not 0 <= slope <= 1:
        raise ModelError(f"leaky.slope: expected 0 to 1, got {slope!r}; 0 is relu, 1 is identity")

    def rate(potential: Tensor) -> Tensor:
        return torch.nn.functional.leaky_relu(potential, slope)

    def gate(factor: Tensor, rate: Tensor) -> Tensor:
        # the rate has the sign of the potential, and is not positive where the potential is not
        gated: Tensor = torch.ops.aten.leaky_relu_backward(factor, rate, slope, True)
        return gated

    return Transfer(f"leaky({slope:g})", rate, gate)


RELU = Transfer("relu", torch.relu, _relu_gate)
IDENTITY = Transfer("identity", lambda a: a, lambda factor, _: factor)
# what configs and checkpoints may name; a leaky function has no name of its own, its slope is a number
TRANSFERS = {t.name: t for t in (RELU, IDENTITY)}

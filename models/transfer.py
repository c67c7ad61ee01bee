"""Transfer functions rho: from basal potential to rate, with the derivative read off the rate itself."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


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


RELU = Transfer("relu", torch.relu, _relu_gate)
IDENTITY = Transfer("identity", lambda a: a, lambda factor, _: factor)
TRANSFERS = {t.name: t for t in (RELU, IDENTITY)}

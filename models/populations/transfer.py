"""Transfer functions rho: from basal potential to rate, with the derivative read off the rate itself."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ModelError


@dataclass(frozen=True, slots=True)
class Transfer:
    """rho and rho'.

    Attributes:
        name: word in messages, and for rules that hold for one function alone.
        rate: z = rho(a).
        gate: factor * rho'(a), given the factor and z. Piecewise linear functions need only z, so the potential may be freed.
        monotone: whether the rate of a neuron is a rising function of its own potential; if not, `rate` and `gate` need all neurons of a
            place, before any pool.
        by_potential: whether `gate` is given a in place of z, which does not tell the slope.
    """

    name: str
    rate: Callable[[Tensor], Tensor]
    gate: Callable[[Tensor, Tensor], Tensor]
    monotone: bool = True
    by_potential: bool = False


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


def triangle(power: float = 1.0) -> Transfer:
    """rho(a)_k = max(0, a_k - mean_j a_j)^power over the channels j of a place: only what exceeds the others is told (Coates et al. 2011).

    Raises:
        ModelError: a power that is not above 0.
    """
    if not (math.isfinite(power) and power > 0):
        raise ModelError(f"triangle.power: expected a finite number above 0, got {power!r}; 1 is the plain triangle")

    def rate(potential: Tensor) -> Tensor:
        excess = torch.relu(potential - potential.mean(1, keepdim=True))
        if power == 1:
            return excess
        if not excess.requires_grad:
            return excess.pow_(power)
        # below 1 the slope is infinite at 0, where autograd would multiply it by nothing
        return torch.where(excess > 0, torch.where(excess > 0, excess, 1).pow(power), 0)

    def gate(factor: Tensor, rate: Tensor) -> Tensor:
        slope = (rate > 0).to(rate.dtype) if power == 1 else power * rate.pow(1 - 1 / power)
        own = torch.where(rate > 0, factor * slope, 0)
        return own - own.mean(1, keepdim=True)

    return Transfer(f"triangle({power:g})", rate, gate, monotone=False)


def _gelu_gate(factor: Tensor, potential: Tensor) -> Tensor:
    gated: Tensor = torch.ops.aten.gelu_backward(factor, potential)
    return gated


RELU = Transfer("relu", torch.relu, _relu_gate)
# two rates of one potential, or two potentials of one rate: neither rises throughout, and the slope stands in the potential alone
GELU = Transfer("gelu", torch.nn.functional.gelu, _gelu_gate, monotone=False, by_potential=True)
ABSOLUTE = Transfer("abs", torch.abs, lambda factor, a: factor * a.sign(), monotone=False, by_potential=True)
IDENTITY = Transfer("identity", lambda a: a, lambda factor, _: factor)

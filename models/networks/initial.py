"""Initial weights and biases."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def normal(shape: Sequence[int], length: float, generator: torch.Generator) -> Tensor:
    """Normal weights whose kernels have the expected length, (channels, ...)."""
    return torch.empty(tuple(shape)).normal_(generator=generator) * (length / math.sqrt(math.prod(shape[1:])))


def uniform(shape: Sequence[int], fan_in: int, generator: torch.Generator) -> Tensor:
    """PyTorch's default initialisation of linear and convolution weights: uniform within 1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(tuple(shape)).uniform_(-bound, bound, generator=generator)


def drawn(
    shape: Sequence[int], generator: torch.Generator, *, radius: float | None = None, bias: bool = True
) -> tuple[Tensor, Tensor]:
    """Weights and biases of a population: PyTorch's default, or normal kernels of a length.

    Args:
        shape: of the weights, (channels, ...).
        generator: CPU generator; weights are drawn before biases.
        radius: expected length of a kernel; None for weights uniform within 1/sqrt(fan-in).
        bias: whether biases are drawn, uniform within 1/sqrt(fan-in); zero without.
    """
    fan_in = math.prod(shape[1:])
    weight = uniform(shape, fan_in, generator) if radius is None else normal(shape, radius, generator)
    return weight, uniform(shape[:1], fan_in, generator) if bias else torch.zeros(shape[0])

"""Initial weights."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def uniform(shape: Sequence[int], fan_in: int, generator: torch.Generator) -> Tensor:
    """PyTorch's default initialisation of linear and convolution weights: uniform within 1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(tuple(shape)).uniform_(-bound, bound, generator=generator)

"""Matrix products of the sweeps and outer products, by the kernel that was chosen for the machine."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from .errors import RuleError

ProductWord = Literal["onednn", "default"]
ConvolutionWord = Literal["direct", "winograd"]
PRODUCTS: tuple[ProductWord, ...] = ("onednn", "default")
CONVOLUTIONS: tuple[ConvolutionWord, ...] = ("direct", "winograd")

HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


@dataclass(frozen=True, slots=True)
class Kernels:
    """By which kernels sums are formed. They differ in speed, and in the last bits of what they return.

    Attributes:
        product: of matrices in float32 on a CPU: oneDNN's, or PyTorch's `default`.
        convolution: 3x3 convolutions on a CPU in float32 and float64: `direct`, or by tiles with fewer multiplications (`winograd`).

    Raises:
        RuleError: an unknown word.
    """

    product: ProductWord = "default"
    convolution: ConvolutionWord = "direct"

    def __post_init__(self) -> None:
        for name, known in (("product", PRODUCTS), ("convolution", CONVOLUTIONS)):
            if getattr(self, name) not in known:
                raise RuleError(
                    f"Kernels.{name}: expected one of {', '.join(known)}, got {getattr(self, name)!r}; correct the word"
                )


# What nobody measured: on x86 oneDNN's single-precision product runs at 370 to 470 GFLOP/s where the default one runs at 150 to 220
# (AMD EPYC, 2 cores); on an Intel Xeon it is the slower one.
UNMEASURED = Kernels("onednn" if HAS_ONEDNN and platform.machine() in ("x86_64", "AMD64") else "default")
_chosen: ContextVar[Kernels] = ContextVar("kernels", default=UNMEASURED)


def current() -> Kernels:
    """The kernels in force here."""
    return _chosen.get()


@contextmanager
def using(kernels: Kernels) -> Iterator[None]:
    """Form sums by these kernels inside the block, in this thread or task alone.

    >>> with using(Kernels(convolution="winograd")):
    ...     current().convolution
    'winograd'
    """
    before = _chosen.set(kernels)
    try:
        yield
    finally:
        _chosen.reset(before)


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """left right^T + bias, (m, n). Shapes: left (m, k), right (n, k), bias (n,); rows of both are best contiguous."""
    if _onednn_takes(left, right):
        found: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
        return found
    return torch.nn.functional.linear(left, right, bias)


def _onednn_takes(left: Tensor, right: Tensor) -> bool:
    if not HAS_ONEDNN or _chosen.get().product != "onednn":
        return False
    # the kernel has no derivative: the autograd baselines go the public way
    graph = torch.is_grad_enabled() and (left.requires_grad or right.requires_grad)
    cpu = left.device.type == "cpu" and left.dtype == right.dtype == torch.float32
    return cpu and not graph and left.numel() > 0 and right.numel() > 0

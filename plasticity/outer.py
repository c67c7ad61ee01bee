"""Outer products: from the post-synaptic factor and the pre-synaptic rate to the weight change.

The sign convention is change: with an objective L every function returns -dL/dweight, so that weight + rate * change goes downhill.
"""

import torch
from torch import Tensor

from .products import product


def conv_change(
    factor: Tensor, pre: Tensor, kernel: tuple[int, int], padding: int, stride: int = 1
) -> tuple[Tensor, Tensor]:
    """dW and db of a convolution: the factor of every place times the patch of rates below it, summed over rows and places.

    Args:
        factor: gamma (B c)_j rho'(a_j), (rows, channels, height, width).
        pre: pre-synaptic rates, (rows, inputs, height, width).
        kernel: height and width of the kernel.
        padding: zero padding on each side.
        stride: step of the kernel from place to place.

    Returns:
        dW (channels, inputs, *kernel) and db (channels,).
    """
    channels, inputs = factor.shape[1], pre.shape[1]
    if factor.device.type == "cpu":
        weight = factor.new_empty(1).expand(channels, inputs, *kernel)  # read for its shape alone
    else:  # cuDNN gives the change the layout of the weight, which is that of the maps
        weight = torch.empty(
            channels, inputs, *kernel, dtype=pre.dtype, device=pre.device, memory_format=torch.channels_last
        )
    _, change, bias = torch.ops.aten.convolution_backward(
        factor,
        pre,
        weight,
        [channels],
        [stride, stride],
        [padding, padding],
        [1, 1],
        False,
        [0, 0],
        1,
        [False, True, True],
    )
    return change, bias


def patch_change(factor: Tensor, patches: Tensor, kernel: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The same as `conv_change`, from patches that the forward sweep has laid out: one matrix product.

    Args:
        factor: (rows, channels, height, width).
        patches: (rows * height * width, kernel height * kernel width * inputs), channels last.
        kernel: height and width of the kernel.
    """
    channels = factor.shape[1]
    flat = factor.permute(0, 2, 3, 1).reshape(-1, channels)
    change = product(flat.T.contiguous(), patches.T).view(channels, *kernel, -1).permute(0, 3, 1, 2)
    return change, flat.sum(0)


def dense_change(factor: Tensor, pre: Tensor) -> tuple[Tensor, Tensor]:
    """dW = factor^T pre (units, inputs) and db = sum of the factor (units,). Shapes: factor (rows, units), pre (rows, inputs)."""
    return product(factor.T, pre.T), factor.sum(0)


def apical_change(prediction: Tensor, context: Tensor) -> Tensor:
    """dB = prediction^T c, (units, inputs). Shapes: prediction (rows, units), context (rows, inputs).

    Any slice of columns of `prediction` gives the same rows of dB: the engine never holds the whole of it.
    """
    return product(prediction.T, context.T)

"""Small tensors on their way to a GPU, without the host waiting for them."""

import torch
from torch import Tensor


def queued(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device; on its way from the CPU to a GPU it is only queued, from memory that the GPU reads by itself.

    Args:
        tensor: of any shape; the host must not change it afterwards.
        device: where it is wanted.
    """
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)

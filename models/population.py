"""Populations of two-compartment pyramidal neurons, convolutional or dense.

The basal compartment carries a = W * z_pre + b, the soma the rate z = rho(a). A block with a max-pool keeps, of every 2x2 group of
neurons, the one with the highest potential: `basal` and `rate` are then the winner's, and the rule's factor goes back to it.
The apical compartment lives at the resolution of the block-pooled rate (`units`), see `apical.py`.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..plasticity import conv_change, dense_change, patch_change, product
from .errors import ModelError
from .relay import Relay
from .transfer import RELU, Transfer


@dataclass(slots=True)
class Activity:
    """Bottom-up activity of a population in one sweep.

    Attributes:
        pre: pre-synaptic rates, the population's input.
        rate: z, (rows, channels, height, width) or (rows, channels).
        winner: flat position of the winner of each max-pool group, or None without max-pool.
        basal: a of the neurons in `rate`; None once freed.
        patches: pre-synaptic rates patch by patch, (rows * places, 9 * inputs), where the sweep used them; else None.
        scratch: the map before the max-pool; its values have served, its memory will carry the factors.
        potential: a of every neuron before the max-pool, where a rule of site `neuron` asked for it.
    """

    pre: Tensor
    rate: Tensor
    winner: Tensor | None = None
    basal: Tensor | None = None
    patches: Tensor | None = None
    scratch: Tensor | None = None
    potential: Tensor | None = None


# On a CPU the convolution kernels are slow on small maps with many channels, and matrix products are not: 225 + 128 ms for the change
# and the sweep of 1024 channels at 4 x 4 places against 105 + 100 ms by patches (64 rows, float32, 2 cores).
PATCH_PLACES = {torch.bfloat16: 64}


def use_patches(pre: Tensor) -> bool:
    """Whether a map of this size and dtype is better computed from its patches."""
    return pre.device.type == "cpu" and pre.shape[2] * pre.shape[3] <= PATCH_PLACES.get(pre.dtype, 16)


def unfold(pre: Tensor, kernel: tuple[int, int], padding: int) -> Tensor:
    """Patches of a map, (rows * places, kernel height * kernel width * inputs), channels last."""
    padded = F.pad(pre, (padding,) * 4).permute(0, 2, 3, 1)
    windows = padded.unfold(1, kernel[0], 1).unfold(2, kernel[1], 1)
    return windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * pre.shape[1])


class ConvPopulation:
    """3x3 convolution with zero padding 1 and bias, transfer function, and an optional 2x2 max-pool.

    Args:
        name: name in recordings and checkpoints.
        inputs: input shape (channels, height, width).
        channels: output channels.
        pool: whether the block ends with the max-pool; height and width must then be even.
        grid: side of the block-pooled map that the score sees; 1 pools all places (no spatial dependency).
        weight, bias: basal weights W (channels, inputs, 3, 3) and b (channels,).
        transfer: rho.

    Raises:
        ModelError: the grid does not divide the map, or an odd map is to be pooled.
    """

    kernel, padding = (3, 3), 1

    def __init__(
        self,
        name: str,
        inputs: tuple[int, int, int],
        channels: int,
        *,
        pool: bool,
        grid: int,
        weight: Tensor,
        bias: Tensor,
        transfer: Transfer = RELU,
    ) -> None:
        _, height, width = inputs
        if pool and (height % 2 or width % 2):
            raise ModelError(
                f"{name}.inputs: expected an even height and width before the max-pool, got {height} x {width}; change image_size"
            )
        side = (height // 2, width // 2) if pool else (height, width)
        if grid < 1 or side[0] % grid or side[1] % grid:
            raise ModelError(
                f"{name}.grid: expected a divisor of its {side[0]} x {side[1]} map, got {grid}; change rule.grids or image_size"
            )
        self.name, self.pool, self.grid, self.transfer = name, pool, grid, transfer
        self.weight, self.bias = weight, bias
        self.shape: tuple[int, ...] = (channels, *side)
        self.neurons: tuple[int, ...] = (channels, height, width)
        self.block = (side[0] // grid, side[1] // grid)
        self.units = channels * grid * grid
        self.relay: Relay | None = None

    def forward(
        self,
        pre: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        keep_basal: bool = False,
        plastic: bool = False,
        keep_potential: bool = False,
    ) -> Activity:
        """Basal potential and rate, given the weights in the dtype of `pre`.

        With `plastic` what the weight change will need again is kept: the patches of a small map, the memory of a pooled one.
        With `keep_potential` the potential of every neuron before the max-pool is kept.
        """
        winner = patches = scratch = None
        if plastic and use_patches(pre):
            patches = unfold(pre, self.kernel, self.padding)
            rows, _, height, width = pre.shape
            basal = product(patches, weight.permute(0, 2, 3, 1).flatten(1), bias)
            basal = basal.view(rows, height, width, len(bias)).permute(0, 3, 1, 2)
        else:
            basal = F.conv2d(pre, weight, bias, padding=self.padding)
        potential = basal if keep_potential else None
        if self.pool:
            scratch = basal if plastic else None
            # rho rises monotonically: pooling potentials and pooling rates give the same winner.
            basal, winner = torch.ops.aten.max_pool2d_with_indices(basal, [2, 2], [2, 2])
        return Activity(
            pre, self.transfer.rate(basal), winner, basal if keep_basal else None, patches, scratch, potential
        )

    def pooled(self, rate: Tensor) -> Tensor:
        """Block-pooled rate, flattened channel-major: (rows, units)."""
        if self.block != (1, 1):
            rate = F.avg_pool2d(rate, self.block)
        return rate.flatten(1)

    def factor(self, drive: Tensor, activity: Activity) -> Tensor:
        """drive_j rho'(a_j) at every neuron: spread over the block, gated, handed to the winner of each max-pool group.

        Args:
            drive: neuromodulator times dendritic prediction, (rows, units).
            activity: the population's activity in the same sweep.
        """
        rate = activity.rate
        field = drive.view(len(drive), self.shape[0], self.grid, self.grid).to(rate.dtype)
        high, wide = self.block
        if (high, wide) != (1, 1):
            field = field.contiguous(memory_format=torch.channels_last) / (high * wide)
            field = F.interpolate(field, scale_factor=(float(high), float(wide)), mode="nearest")
        field = field.contiguous(memory_format=torch.channels_last)
        gated = self.transfer.gate(field, rate)
        if activity.winner is None:
            return gated
        before = activity.scratch
        if before is None:
            rows, channels, height, width = rate.shape
            before = rate.new_empty((rows, channels, 2 * height, 2 * width)).to(memory_format=torch.channels_last)
        # Only shape and layout of the map before the pool are read, so that the factors may be written into it.
        factor: Tensor = torch.ops.aten.max_pool2d_with_indices_backward.grad_input(
            gated, before, [2, 2], [2, 2], [0, 0], [1, 1], False, activity.winner, grad_input=before
        )
        return factor

    def change(self, factor: Tensor, activity: Activity) -> tuple[Tensor, Tensor]:
        """dW and db from the factor of every neuron and the pre-synaptic rates."""
        if activity.patches is not None:
            return patch_change(factor, activity.patches, self.kernel)
        return conv_change(factor, activity.pre, self.kernel, self.padding)


class DensePopulation:
    """Fully connected population. `grid` does not apply: every neuron is its own unit.

    Args:
        name: name in recordings and checkpoints.
        inputs: number of pre-synaptic neurons, or the shape of a map that is flattened channel-major.
        channels: number of neurons.
        weight, bias: W (channels, inputs), b (channels,).
        transfer: rho.
    """

    def __init__(self, name: str, channels: int, *, weight: Tensor, bias: Tensor, transfer: Transfer = RELU) -> None:
        self.name, self.transfer = name, transfer
        self.weight, self.bias = weight, bias
        self.shape: tuple[int, ...] = (channels,)
        self.neurons: tuple[int, ...] = (channels,)
        self.units = channels
        self.relay: Relay | None = None

    def forward(
        self,
        pre: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        keep_basal: bool = False,
        plastic: bool = False,
        keep_potential: bool = False,
    ) -> Activity:
        """Basal potential and rate, given the weights in the dtype of `pre`; there are no patches to keep."""
        pre = pre.flatten(1)
        basal = product(pre, weight, bias)
        kept = basal if keep_basal or keep_potential else None
        return Activity(pre, self.transfer.rate(basal), None, kept, potential=kept)

    def pooled(self, rate: Tensor) -> Tensor:
        """The rate itself, (rows, units)."""
        return rate

    def factor(self, drive: Tensor, activity: Activity) -> Tensor:
        """drive_j rho'(a_j), (rows, units)."""
        return self.transfer.gate(drive.to(activity.rate.dtype), activity.rate)

    def change(self, factor: Tensor, activity: Activity) -> tuple[Tensor, Tensor]:
        """dW and db from the factor of every neuron and the pre-synaptic rates."""
        return dense_change(factor, activity.pre)


Population = ConvPopulation | DensePopulation

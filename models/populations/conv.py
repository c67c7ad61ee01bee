"""Populations of two-compartment pyramidal neurons, convolutional or dense.

The basal compartment carries a = W * z_pre + b, the soma the rate z = rho(a). A block with a max-pool keeps, of every 2x2 group of
neurons (or other window, see `pooling.py`), the one with the highest potential: `basal` and `rate` are then the winner's, and the rule's
factor goes back to it. The apical compartment lives at the resolution of the block-pooled rate (`units`), see `apical.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...plasticity import conv_change, patch_change, product
from ..errors import ModelError
from .activity import Activity
from .dense import DensePopulation
from .patches import PADDINGS, Padding, pad, unfold, use_patches
from .pooling import MAX2, Pooling
from .relay import Relay
from .transfer import RELU, Transfer
from .winograd import tile_of, winograd_change, winograd_sweep

__all__ = ["Activity", "ConvPopulation", "DensePopulation", "Population"]


class ConvPopulation:
    """Convolution with bias, transfer function and an optional pool: with a 3x3 kernel and a 2x2 max-pool the block of a VGG network.

    Args:
        name: name in recordings and checkpoints.
        inputs: input shape (channels, height, width).
        channels: output channels.
        pool: whether the block ends with the 2x2 max-pool, or another `Pooling`; its windows must cover the map evenly.
        grid: side of the block-pooled map that the score sees; 1 pools all places (no spatial dependency).
        weight, bias: basal weights W (channels, inputs, kernel, kernel) and b (channels,).
        transfer: rho.
        padding: rim around the incoming map; None for half the kernel less one half, which keeps the map's size where the kernel is odd.
        padding_mode: what the rim holds: `zeros`, or `reflect`, the map mirrored at its edge.
        stride: step of the kernel from place to place; what it does not reach at the far edges is not seen.

    `biased` says whether b learns; a builder turns it off where there is to be none.

    Raises:
        ModelError: the grid does not divide the map, windows do not cover it, or kernel and rim do not fit it.
    """

    def __init__(
        self,
        name: str,
        inputs: tuple[int, int, int],
        channels: int,
        *,
        pool: bool | Pooling,
        grid: int,
        weight: Tensor,
        bias: Tensor,
        transfer: Transfer = RELU,
        padding: int | None = None,
        padding_mode: Padding = "zeros",
        stride: int = 1,
    ) -> None:
        kernel = weight.shape[-1]
        if weight.shape != (channels, inputs[0], kernel, kernel):
            raise ModelError(
                f"{name}.weight: expected ({channels}, {inputs[0]}, k, k) with a kernel of k x k, got {tuple(weight.shape)}"
            )
        if stride < 1:
            raise ModelError(f"{name}.stride: expected at least 1, got {stride}; 1 takes every place")
        self.name, self.grid, self.transfer = name, grid, transfer
        self.inputs, self.weight, self.bias = inputs, weight, bias
        self.kernel, self.stride = (kernel, kernel), stride
        self.padding = (kernel - 1) // 2 if padding is None else padding
        self.padding_mode: Padding = padding_mode
        self.pooling = (MAX2 if pool else None) if isinstance(pool, bool) else pool
        self.pool = self.pooling is not None
        # rho rises monotonically in most networks: pooling potentials and pooling rates then give the same winner
        self.early = transfer.monotone and (self.pooling is None or self.pooling.kind == "max")
        height, width = self._before_pool(inputs)
        side = self._after_pool(height, width)
        if grid < 1 or side[0] % grid or side[1] % grid:
            raise ModelError(
                f"{name}.grid: expected a divisor of its {side[0]} x {side[1]} map, got {grid}; change rule.grids or image_size"
            )
        self.shape: tuple[int, ...] = (channels, *side)
        self.neurons: tuple[int, ...] = (channels, height, width)
        self.block = (side[0] // grid, side[1] // grid)
        self.units = channels * grid * grid
        self.biased = True
        self.relay: Relay | None = None
        self.routing: dict[str, Tensor] = {}

    def _before_pool(self, inputs: tuple[int, int, int]) -> tuple[int, int]:
        _, height, width = inputs
        if self.padding_mode not in PADDINGS:
            raise ModelError(
                f"{self.name}.padding_mode: expected one of {', '.join(PADDINGS)}, got {self.padding_mode!r}"
            )
        most = min(height, width) - 1 if self.padding_mode == "reflect" else self.kernel[0] - 1
        rim = 2 * self.padding - self.kernel[0]
        if not 0 <= self.padding <= most or min(height, width) + rim < 0:
            raise ModelError(
                f"{self.name}.padding: expected 0 to {most} around a map that the {self.kernel[0]} x {self.kernel[0]} kernel fits, "
                f"got {self.padding} around {height} x {width}; change image_size"
            )
        return (height + rim) // self.stride + 1, (width + rim) // self.stride + 1

    def _after_pool(self, height: int, width: int) -> tuple[int, int]:
        if self.pooling is None:
            return height, width
        side = self.pooling.side(height, width)
        if side is None:
            fitting = "an even height and width" if self.pooling == MAX2 else f"a map that {self.pooling} covers evenly"
            raise ModelError(
                f"{self.name}.inputs: expected {fitting} before the {self.pooling.kind}-pool, got {height} x {width}; change image_size"
            )
        return side

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

        With `plastic` what the weight change will need again is kept: the patches of a small map, or in which tiles it was cut.
        With `keep_potential` the potential of every neuron before the pool is kept.
        """
        patches, tile = None, tile_of(pre, weight, self.padding, self.padding_mode, self.stride) if plastic else 0
        if tile:
            basal = winograd_sweep(pre, weight, bias, tile)
        elif plastic and use_patches(pre, self.padding_mode):
            patches = unfold(pre, self.kernel, self.padding, self.padding_mode, self.stride)
            basal = product(patches, weight.permute(0, 2, 3, 1).flatten(1), bias)
            basal = basal.view(len(pre), *self.neurons[1:], len(bias)).permute(0, 3, 1, 2)
        else:
            basal = F.conv2d(self._rimmed(pre), weight, bias, stride=self.stride, padding=self._zeros)
        kept = basal if keep_potential else None
        activity = Activity(pre, basal, patches=patches, laid=patches is not None, tile=tile, potential=kept)
        if self.early:
            self._pool_potentials(activity, basal, keep_basal)
        else:
            self._pool_rates(activity, basal, keep_basal)
        return activity

    def _pool_potentials(self, activity: Activity, basal: Tensor, keep_basal: bool) -> None:
        if self.pooling is not None:
            basal, activity.winner = self.pooling.forward(basal)
        activity.rate = self.transfer.rate(basal)
        activity.basal = basal if keep_basal else None

    def _pool_rates(self, activity: Activity, basal: Tensor, keep_basal: bool) -> None:
        activity.rate = self.transfer.rate(basal)
        activity.slope = basal if self.transfer.by_potential else None
        if self.pooling is not None:
            activity.unpooled = activity.rate
            activity.rate, activity.winner = self.pooling.forward(activity.unpooled)
            basal = self.pooling.potential(basal, activity.winner) if keep_basal else basal
        activity.basal = basal if keep_basal else None

    @property
    def _zeros(self) -> int:
        """Zero padding that the convolution itself adds."""
        return self.padding if self.padding_mode == "zeros" else 0

    def _rimmed(self, pre: Tensor) -> Tensor:
        """The incoming map, with its rim where that is not of zeros."""
        return pre if self.padding_mode == "zeros" else pad(pre, self.padding, self.padding_mode)

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
        return self.gated(field, activity)

    def gated(self, field: Tensor, activity: Activity) -> Tensor:
        """field_j rho'(a_j) at every neuron, handed to the winner of each max-pool group.

        Args:
            field: what drives each neuron of the rate, (rows, channels, height, width).
            activity: the population's activity in the same sweep.
        """
        rate = activity.rate
        field = field.contiguous(memory_format=torch.channels_last)
        told = activity.slope
        if self.pooling is None:
            return self.transfer.gate(field, rate if told is None else told)
        winner = None if activity.winner is None else self.pooling.unpack(activity.winner, self.neurons[2])
        if activity.unpooled is not None:
            spread = self.pooling.backward(field, torch.empty_like(activity.unpooled), winner)
            return self.transfer.gate(spread, activity.unpooled if told is None else told)
        gated = self.transfer.gate(field, rate)
        before = torch.empty(
            (len(rate), *self.neurons), dtype=rate.dtype, device=rate.device, memory_format=torch.channels_last
        )
        return self.pooling.backward(gated, before, winner)

    def pack(self, activity: Activity) -> None:
        """Hold no more than the change needs, in place: winners of the max-pool in few bytes, and no patches, which are several times the map they are laid from."""
        activity.patches = None
        if activity.winner is not None and self.pooling is not None:
            activity.winner = self.pooling.pack(activity.winner, self.neurons[2])

    def unpack(self, activity: Activity) -> None:
        """Winners by their flat place in the map again."""
        if activity.winner is not None and self.pooling is not None:
            activity.winner = self.pooling.unpack(activity.winner, self.neurons[2])

    def change(self, factor: Tensor, activity: Activity) -> tuple[Tensor, Tensor]:
        """dW and db from the factor of every neuron and the pre-synaptic rates."""
        if activity.tile:
            return winograd_change(factor, activity.pre, activity.tile)
        if activity.laid:
            patches = activity.patches
            if patches is None:
                patches = unfold(activity.pre, self.kernel, self.padding, self.padding_mode, self.stride)
            return patch_change(factor, patches, self.kernel)
        return conv_change(factor, self._rimmed(activity.pre), self.kernel, self._zeros, self.stride)

    def carried(self, factor: Tensor, matrix: Tensor) -> Tensor:
        """The factor of every neuron carried to the population below by the transposed convolution with a kernel of W's shape."""
        _, height, width = self.inputs
        # places that the stride leaves out at the far edges: no kernel reaches them
        left = [(side + 2 * self.padding - self.kernel[0]) % self.stride for side in (height, width)]
        if self.padding_mode == "zeros":
            return F.conv_transpose2d(factor, matrix, stride=self.stride, padding=self.padding, output_padding=left)
        rimmed = F.conv_transpose2d(factor, matrix, stride=self.stride, output_padding=left)
        below = rimmed[:, :, self.padding : -self.padding or None, self.padding : -self.padding or None]
        # what reached a mirrored place returns to the place that it mirrors
        folded: Tensor = torch.ops.aten.reflection_pad2d_backward(rimmed, below, [self.padding] * 4)
        return folded


Population = ConvPopulation | DensePopulation

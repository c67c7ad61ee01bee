"""3x3 convolutions in a third to a quarter of the multiplications (Winograd 1980; Lavin & Gray 2016, CVPR, arXiv 1509.09308).

A map is cut into tiles of m x m places. With d a tile and its rim, g a kernel, e the factors of a tile:

    sweep   y  = A^T [ (G g G^T) * (B^T d B) ] A           summed over inputs
    change  dg = G^T [ (A e A^T) * (B^T d B) ] G           summed over rows and tiles

The products * run position by position of a tile, (m + 2)^2 of them, each a matrix product over channels: m^2 9 multiplications become
(m + 2)^2. No approximation: in exact arithmetic both are the convolution and its change. In float32
errors are a few times those of the direct kernels (`tests/models/populations/test_winograd.py` bounds them).
"""

import math
from collections.abc import Iterator
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ...plasticity.products import current, product

# Cook-Toom with the points 0, 1, -1, (2, -2), infinity: B^T, G, A^T
_B = {
    2: ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    4: (
        (4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1),
    ),
}  # fmt: skip
_G = {
    2: ((1, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, -1 / 2, 1 / 2), (0, 0, 1)),
    4: (
        (1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1),
    ),
}  # fmt: skip
_A = {
    2: ((1, 1, 1, 0), (0, 1, -1, -1)),
    4: ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1)),
}
CHANNELS = 128  # with fewer, the transformations cost what the products save
BLOCK = 10 << 20  # transformed kernels are four times the kernels: the widest of a VGG-6 would be 151 MB
TILES = 512  # per product: enough for the matrix kernel, few enough that what is in work stays in cache


@cache
def _matrices(tile: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """B^T, G and A^T for both directions of a map at once."""
    both = []
    for table in (_B, _G, _A):
        one = torch.tensor(table[tile], dtype=torch.float64)
        both.append(torch.kron(one, one).to(dtype))
    return both[0], both[1], both[2]


def tile_of(pre: Tensor, weight: Tensor, rim: int, mode: str, stride: int = 1) -> int:
    """Side m of the tiles for a convolution, 0 where it is better computed directly.

    Args:
        pre: what comes in, (rows, inputs, height, width).
        weight: W (channels, inputs, kernel, kernel).
        rim: padding on each side.
        mode: what it holds.
        stride: step of the kernel.
    """
    if (
        current().convolution != "winograd"
        or pre.device.type != "cpu"
        or pre.dtype not in (torch.float32, torch.float64)
    ):
        return 0
    if weight.shape[2:] != (3, 3) or (rim, mode, stride) != (1, "zeros", 1) or min(weight.shape[:2]) < CHANNELS:
        return 0
    return next((tile for tile in (4, 2) if pre.shape[2] % tile == pre.shape[3] % tile == 0), 0)


def cut(pre: Tensor, tile: int) -> Tensor:
    """Transformed map B^T d B, (positions, rows * tiles, inputs).

    Args:
        pre: rates (rows, inputs, height, width), both sides a multiple of `tile`; channels-last is fastest.
        tile: m, 2 or 4.
    """
    rows, inputs, height, width = pre.shape
    padded = F.pad(pre.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    windows = padded.unfold(1, tile + 2, tile).unfold(2, tile + 2, tile)
    places = windows.permute(4, 5, 0, 1, 2, 3).reshape((tile + 2) ** 2, -1)
    matrix = _matrices(tile, pre.dtype)[0]
    return product(matrix, places.T).view((tile + 2) ** 2, rows * (height // tile) * (width // tile), inputs)


def kernels(weight: Tensor, tile: int) -> Tensor:
    """Transformed kernels G g G^T, (positions, channels, inputs), of W (channels, inputs, 3, 3)."""
    channels, inputs = weight.shape[:2]
    flat = weight.permute(2, 3, 0, 1).reshape(9, -1)
    return product(_matrices(tile, weight.dtype)[1], flat.T).view(-1, channels, inputs)


def winograd_sweep(pre: Tensor, weight: Tensor, bias: Tensor, tile: int) -> Tensor:
    """Basal potential W * pre + b, (rows, channels, height, width), channels-last.

    Args:
        pre: see `cut`.
        weight, bias: W (channels, inputs, 3, 3) and b (channels,).
        tile: m.
    """
    rows, inputs, height, width = pre.shape
    down, across, channels = height // tile, width // tile, len(weight)
    inverse = _matrices(tile, pre.dtype)[2]
    basal = pre.new_empty(rows, down, tile, across, tile, channels)
    for block in _blocks(channels, inputs, tile):
        told = kernels(weight[block], tile)
        for part in _parts(rows, down * across):
            seen = cut(pre[part], tile)
            answer = seen.new_empty(*seen.shape[:2], told.shape[1])
            for target, v, u in zip(answer, seen, told, strict=True):
                target.copy_(product(v, u))
            tiles = product(inverse, answer.flatten(1).T).view(tile, tile, -1, down, across, told.shape[1])
            torch.add(tiles.permute(2, 3, 0, 4, 1, 5), bias[block], out=basal[part][..., block])
    return basal.view(rows, height, width, channels).permute(0, 3, 1, 2)


def winograd_change(factor: Tensor, pre: Tensor, tile: int) -> tuple[Tensor, Tensor]:
    """dW (channels, inputs, 3, 3), channels-last, and db (channels,): the same as `conv_change` with a rim of one place.

    The transformed map is formed again: it is two to four times the map, which would wait through the feedback sweep.

    Args:
        factor: of every neuron, (rows, channels, height, width).
        pre: see `cut`.
        tile: m.
    """
    rows, channels, height, width = factor.shape
    down, across, inputs = height // tile, width // tile, pre.shape[1]
    _, spread, inverse = _matrices(tile, factor.dtype)
    flat = factor.permute(0, 2, 3, 1)
    change = factor.new_empty(channels, 3, 3, inputs)
    for block in _blocks(channels, inputs, tile):
        size = block.stop - block.start
        total = factor.new_zeros(len(spread), size, inputs)
        for part in _parts(rows, down * across):
            tiles = flat[part][..., block].reshape(-1, down, tile, across, tile, size).permute(2, 4, 0, 1, 3, 5)
            told = product(inverse.T, tiles.reshape(tile**2, -1).T).view(len(spread), -1, size)
            for sums, e, v in zip(total, told, cut(pre[part], tile), strict=True):
                sums.add_(product(e.T, v.T))
        change[block] = product(spread.T, total.flatten(1).T).view(3, 3, size, inputs).permute(2, 0, 1, 3)
    return change.permute(0, 3, 1, 2), flat.sum((0, 1, 2))


def _blocks(channels: int, inputs: int, tile: int) -> Iterator[slice]:
    """Channels in blocks whose transformed kernels stay within `BLOCK` values."""
    step = max(1, BLOCK // ((tile + 2) ** 2 * inputs))
    for start in range(0, channels, step):
        yield slice(start, min(start + step, channels))


def _parts(rows: int, tiles: int) -> Iterator[slice]:
    """Rows in parts of about `TILES` tiles."""
    step = math.ceil(TILES / tiles)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))

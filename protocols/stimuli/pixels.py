"""Where the pixels of an image set are: held as one tensor, or streamed from a prepared folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from .prepared.shards import Rows, Shards

BLOCK_BYTES = 16 << 20  # of one piece where all pixels are gone through
AHEAD = 4  # batches that are read before they are asked for


class Pixels(Protocol):
    """Images, uint8 (n, C, H, W): a tensor is some, and so is `Mapped`."""

    @property
    def shape(self) -> Any:
        """(n, C, H, W)."""

    @property
    def device(self) -> torch.device:
        """Where the images that are taken out of it are."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Tensor: ...


class Mapped:
    """Images that stay on the disk; what is taken of them is read then, or was read ahead.

    Reading ahead changes nothing but the time: it is told which rows will be asked for, which are a function of seed and step, and rows
    that it was not told of, or told of in vain, are read when they are asked for.

    Args:
        shards: of the array.
        kept: keeps what is worked out once, see `Store.kept`.
        rows: of the array that are shown, int64 (n,); None for all.
        device: where they go; None for the CPU.
        channels: of what is shown, more than one of grey images repeats them; None for their own.
    """

    def __init__(
        self,
        shards: Shards,
        kept: Callable[..., Any],
        rows: Rows | None = None,
        device: torch.device | None = None,
        channels: int | None = None,
    ) -> None:
        self.shards, self.kept, self.device = shards, kept, device or torch.device("cpu")
        self.channels = channels or shards.shape[1]
        self.rows = np.arange(len(shards)) if rows is None else rows
        self._ahead: dict[bytes, Future[Tensor]] = {}

    def __len__(self) -> int:
        """Number of images."""
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, C, H, W)."""
        return (len(self), self.channels, *self.shards.shape[2:])

    @property
    def dtype(self) -> torch.dtype:
        """That of bytes."""
        return torch.uint8

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """Images at rows, int64 (m,), or at a slice: uint8 (m, C, H, W) on the device."""
        chosen = self._chosen(rows)
        waiting = self._ahead.pop(chosen.tobytes(), None)
        found = self._read(chosen) if waiting is None else waiting.result()
        return found.to(self.device, non_blocking=True).expand(-1, self.channels, -1, -1)

    def expect(self, rows: Tensor) -> None:
        """Begin to read rows that will be asked for together."""
        chosen = self._chosen(rows)
        key = chosen.tobytes()
        if key in self._ahead:
            return
        while len(self._ahead) >= 2 * AHEAD:  # nobody came for them
            self._ahead.pop(next(iter(self._ahead))).cancel()
        self._ahead[key] = _reader().submit(self._read, chosen)

    def view(self, rows: Tensor) -> Mapped:
        """Some of the images, in that order; none is read."""
        return Mapped(self.shards, self.kept, self._chosen(rows), self.device, self.channels)

    def to(self, device: str | torch.device) -> Mapped:
        """The same images for another device."""
        return Mapped(self.shards, self.kept, self.rows, torch.device(device), self.channels)

    def in_colours(self, channels: int) -> Mapped:
        """Grey images with so many channels, all alike."""
        return Mapped(self.shards, self.kept, self.rows, self.device, channels)

    def _chosen(self, rows: Tensor | slice) -> Rows:
        return self.rows[rows] if isinstance(rows, slice) else self.rows[rows.cpu().numpy()]

    def _read(self, rows: Rows) -> Tensor:
        shape = (len(rows), *self.shards.shape[1:])
        found = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        self.shards.read(rows, found.numpy())
        return found


@cache
def _reader() -> ThreadPoolExecutor:
    """The thread that reads ahead."""
    return ThreadPoolExecutor(1, thread_name_prefix="reading ahead")


def blocks(pixels: Pixels) -> Iterator[Tensor]:
    """All images in their order: a tensor as it is, others in pieces."""
    if isinstance(pixels, Tensor):
        yield pixels
        return
    size = max(1, BLOCK_BYTES // max(1, int(np.prod(pixels.shape[1:]))))
    for start in range(0, len(pixels), size):
        yield pixels[start : start + size]


def grey_levels(pixels: Pixels) -> Tensor:
    """How often each grey level occurs in each channel, int64 (C, 256), on the CPU."""
    if isinstance(pixels, Mapped):
        count = lambda: _counted(pixels).tolist()  # noqa: E731
        return torch.tensor(pixels.kept(b"levels%d" % pixels.channels + pixels.rows.tobytes(), count, worth=True))
    return _counted(pixels)


def _counted(pixels: Pixels) -> Tensor:
    total = torch.zeros(pixels.shape[1], 256, dtype=torch.int64)
    for block in blocks(pixels):
        for channel in range(len(total)):
            total[channel] += torch.bincount(block[:, channel].reshape(-1), minlength=256).cpu()
    return total

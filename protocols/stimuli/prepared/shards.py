"""Rows of images out of a sharded, uncompressed zarr array, read where they lie.

zarr writes the array and can read it; a training step wants a few dozen rows from anywhere in it, for which asking zarr costs more than
reading. The chunks are not compressed, so that every image is one stretch of bytes of one shard's file; the index at the file's end says
where its chunk begins. Files are read by position, not mapped: the rows that were read are the only memory it takes.
"""

from __future__ import annotations

import json
import os
import weakref
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from ..errors import StimulusError

CHUNK_BYTES, SHARD_CHUNKS = 1 << 20, 32
OPEN_FILES = 256
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Rows = np.ndarray[Any, np.dtype[np.int64]]


def sizes(count: int, image_bytes: int) -> tuple[int, int]:
    """Rows of a chunk, at most a megabyte, and of a shard, 32 chunks; a small set has several shards too."""
    chunk = max(1, min(CHUNK_BYTES // image_bytes, -(-count // (8 * SHARD_CHUNKS))))
    return chunk, chunk * SHARD_CHUNKS


class Shards:
    """Images of one array.

    Args:
        path: of the array, as zarr wrote it.

    Raises:
        StimulusError: a file is missing or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        told = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        self.shape: tuple[int, ...] = tuple(told["shape"])
        self.per_shard = int(told["chunk_grid"]["configuration"]["chunk_shape"][0])
        self.per_chunk = int(told["codecs"][0]["configuration"]["chunk_shape"][0])
        self.image_bytes = int(np.prod(self.shape[1:]))
        self._files: dict[int, tuple[Any, Rows]] = {}
        self._lock = Lock()
        weakref.finalize(self, _close, self._files)
        self._check()

    def __len__(self) -> int:
        """Number of images."""
        return self.shape[0]

    def read(self, rows: Rows, out: Bytes) -> None:
        """Fill ``out``, (n, C, H, W) in one piece, with the images at ``rows``, (n,).

        Raises:
            StimulusError: a file was damaged.
        """
        flat = out.reshape(len(rows), -1)
        with self._lock:  # another thread must not close what is read
            for i in np.argsort(rows, kind="stable").tolist():
                shard, row = divmod(int(rows[i]), self.per_shard)
                file, starts = self._opened(shard)
                chunk, place = divmod(row, self.per_chunk)
                file.seek(int(starts[chunk]) + place * self.image_bytes)
                if file.readinto(flat[i]) != self.image_bytes:
                    raise self._damaged(shard)

    def _opened(self, shard: int) -> tuple[Any, Rows]:
        """File of a shard, and where its chunks begin."""
        if shard not in self._files:
            if len(self._files) >= OPEN_FILES:
                self._files.pop(next(iter(self._files)))[0].close()
            try:
                file = self._place(shard).open("rb", buffering=0)
                file.seek(-self._index_bytes, os.SEEK_END)
                index = np.frombuffer(file.read(self._index_bytes - 4), "<u8").reshape(-1, 2)
            except (OSError, ValueError) as error:
                raise self._damaged(shard) from error
            self._files[shard] = file, index[:, 0].astype(np.int64)
        return self._files[shard]

    @property
    def _index_bytes(self) -> int:
        return 16 * (self.per_shard // self.per_chunk) + 4  # begin and length of every chunk, and a checksum

    def _place(self, shard: int) -> Path:
        return self.path / "c" / str(shard) / "0" / "0" / "0"

    def _check(self) -> None:
        for shard in range(-(-len(self) // self.per_shard)):
            rows = min(self.per_shard, len(self) - shard * self.per_shard)
            try:
                whole = self._place(shard).stat().st_size >= rows * self.image_bytes + self._index_bytes
            except OSError:
                whole = False
            if not whole:
                raise self._damaged(shard)

    def _damaged(self, shard: int) -> StimulusError:
        return StimulusError(
            f"{self._place(shard)}: expected a whole file of prepared images, got a damaged one or none; "
            f"remove {self.path.parents[1]} and prepare them again with `apical data prepare`"
        )


def _close(files: dict[int, tuple[Any, Rows]]) -> None:
    for file, _ in files.values():
        file.close()

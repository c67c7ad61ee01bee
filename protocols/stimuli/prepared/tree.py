"""What is decoded: files in folders, their classes, and the hash by which the decoded images are found again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import StimulusError

FORMAT = 1  # of the prepared folder; another number is another hash


@dataclass(frozen=True, slots=True)
class Split:
    """Files of one part.

    Attributes:
        files: below the root of the tree, in the order of their rows.
        labels: class of each.
    """

    files: tuple[str, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Tree:
    """Image files of one data set.

    Attributes:
        name: as a run names it.
        root: folder that holds them.
        classes: names.
        train, test: parts; no test part where one is drawn later.
        mode: `RGB`, or None for grey where all are grey and colour otherwise.
        size: side in pixels to which they are brought; None for their own, which must then be one.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    train: Split
    test: Split | None = None
    mode: str | None = None
    size: int | None = None

    def __len__(self) -> int:
        """Number of files."""
        return sum(len(split.files) for _, split in self.splits())

    def splits(self) -> Iterator[tuple[str, Split]]:
        """Name and files of every part that there is."""
        yield "train", self.train
        if self.test is not None:
            yield "test", self.test

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of everything that the decoded images follow from: names, sizes and times of change of the files, classes, mode and size.

        The content is not read: a file that is changed without either another size or another time is not seen. Where the tree
        lies does not count, so that one that was moved with its times is found again.

        Raises:
            StimulusError: a file is gone, or a link leads nowhere.
        """
        told = json.dumps([FORMAT, self.classes, self.mode, self.size])
        digest = hashlib.sha256(told.encode())
        for name, split in self.splits():
            digest.update(f"\n{name}".encode())
            for file, label in zip(split.files, split.labels, strict=True):
                try:
                    found = os.stat(f"{self.root}/{file}")  # noqa: PTH116, of a million files every microsecond counts
                except OSError as error:
                    raise StimulusError(
                        f"{self.root / file}: expected a file, got {error.strerror}; replace or remove it"
                    ) from error
                line = f"\n{file}\0{label}\0{found.st_size}\0{found.st_mtime_ns}"
                digest.update(line.encode(errors="surrogateescape"))
        return digest.hexdigest()

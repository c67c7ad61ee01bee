"""The prepared folder of a tree: where it lies, what it says of itself, and what is worked out of it once.

    CACHE/prepared/NAME-HASH/about.json          classes, files that could not be read (their rows are zeros), versions
                            /images.zarr/train   uint8 (images, channels, height, width), a shard a file, uncompressed; train_labels
                            /images.zarr/test    likewise
                            /kept/*.json         fingerprints and grey levels of what was read of it

It has this name only when it is whole; until then `.partial` is added to it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....recordings.atomic import write_text
from ..cache import cache_directory
from ..errors import StimulusError
from .tree import Tree

FOLDER, ABOUT, IMAGES = "prepared", "about.json", "images.zarr"


def place(tree: Tree) -> Path:
    """Folder of a tree's decoded images, whether it is there or not."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(tree.name).name.partition(":")[2] or Path(tree.name).name) or "images"
    return cache_directory() / FOLDER / f"{name[:60]}-{tree.key[:24]}"


@dataclass(frozen=True, slots=True)
class Store:
    """A prepared folder that is whole, or about to be.

    Attributes:
        path: of the folder.
        bad: files that could not be read, by part: place, and what is wrong.
    """

    path: Path
    bad: Mapping[str, Mapping[int, str]]

    @classmethod
    def found(cls, tree: Tree) -> Store | None:
        """That of a tree; None where there is none.

        Raises:
            StimulusError: it is damaged.
        """
        path = place(tree)
        if not path.is_dir():
            return None
        try:
            told = json.loads((path / ABOUT).read_text(encoding="utf-8"))
            bad = {part: {int(row): text for row, text in rows.items()} for part, rows in told["bad"].items()}
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise StimulusError(
                f"{path / ABOUT}: expected the description of prepared images, got {type(error).__name__}; "
                f"remove {path} and prepare them again with `apical data prepare`"
            ) from error
        return cls(path, bad)

    def images(self, part: str) -> Path:
        """The array of a part."""
        return self.path / IMAGES / part

    def kept(self, of: bytes, make: Callable[[], Any], *, worth: bool) -> Any:
        """A JSON value that is worked out once.

        Args:
            of: what it follows from, beside the images.
            make: works it out.
            worth: whether it took long enough to be kept.
        """
        file = self.path / "kept" / f"{hashlib.sha256(of).hexdigest()[:32]}.json"
        with suppress(OSError, ValueError):
            return json.loads(file.read_text(encoding="utf-8"))
        value = make()
        if worth:
            with suppress(OSError):  # a cache that cannot be written to is none
                file.parent.mkdir(exist_ok=True)
                write_text(file, json.dumps(value))
        return value


def describe(path: Path, told: Mapping[str, Any]) -> None:
    """Write what a folder says of itself."""
    write_text(path / ABOUT, json.dumps(told, indent=1))

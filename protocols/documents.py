"""Results as JSON files, whole or not there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..recordings.atomic import write_text
from ..recordings.seal import sealed
from .terminal import plain


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as `write_text` does, with a checksum of itself as its last entry `sha256`.

    Args:
        path: where to; its folder exists.
        document: mappings, lists, numbers, paths, tensors and arrays; NaN and infinities become null.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    write_text(path, sealed(plain(document)))

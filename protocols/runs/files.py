"""Results as JSON files, whole or not there."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...recordings.atomic import write_text
from ...recordings.seal import sealed


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as `write_text` does, with a checksum of itself as its last entry `sha256`.

    Args:
        path: where to; its folder exists.
        document: mappings, lists, numbers, paths, tensors and arrays; NaN and infinities become null.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    write_text(path, sealed(plain(document)))


def plain(value: Any) -> Any:
    """The value in JSON's types: paths as text, tensors and arrays as lists, NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(below) for key, below in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"a result holds {type(value).__name__}, which has no form in JSON")

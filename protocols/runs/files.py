"""Results as JSON files, whole or not there."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...recordings.atomic import write_text
from ...recordings.seal import sealed, unsealed
from ..errors import ConfigError


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as `write_text` does, with a checksum of itself as its last entry `sha256`.

    Args:
        path: where to; its folder exists.
        document: mappings, lists, numbers, paths, tensors and arrays; NaN and infinities become null.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    write_text(path, sealed(plain(document)))


def read_json(path: Path, *names: str, remedy: str) -> dict[str, Any]:
    """A document that `write_json` wrote.

    Args:
        path: of the file.
        names: entries that it must have.
        remedy: what ends the error.

    Raises:
        ConfigError: no JSON, a text that was changed after it was written, or one without these entries.
    """
    try:
        found = unsealed(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: expected JSON, got another text ({error}); {remedy}") from error
    if any(name not in found for name in names):
        raise ConfigError(f"{path}: expected a mapping with {', '.join(names)}, got another; {remedy}")
    return found


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

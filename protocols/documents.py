"""Results as JSON files, whole or not there."""

import json
from pathlib import Path
from typing import Any

from ..recordings.atomic import write_text
from .terminal import plain


def write_json(path: Path, document: Any) -> None:
    """Write a document as `write_text` does.

    Args:
        path: where to; its folder exists.
        document: mappings, lists, numbers, paths, tensors and arrays; NaN and infinities become null.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    write_text(path, json.dumps(plain(document), indent=1, allow_nan=False) + "\n")

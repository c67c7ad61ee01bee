"""Results as JSON files, whole or not there."""

import json
from pathlib import Path
from typing import Any

from .terminal import plain


def write_json(path: Path, document: Any) -> None:
    """Write a document so that a reader, or a run that is killed meanwhile, never leaves or meets half of it.

    Args:
        path: where to; its folder exists.
        document: mappings, lists, numbers, paths, tensors and arrays; NaN and infinities become null.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(plain(document), indent=1, allow_nan=False) + "\n")
    partial.replace(path)

"""Documents of a run as files, whole or not there."""

import json
import os
from pathlib import Path
from typing import Any

from .terminal import plain


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 so that a reader, or a run that is killed meanwhile, never leaves or meets half of it.

    Args:
        path: where to; its folder exists.
        text: what.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    # named after the process, so that two writers never share it
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, document: Any) -> None:
    """Write a document as `write_text` does.

    Args:
        path: where to; its folder exists.
        document: mappings, lists, numbers, paths, tensors and arrays; NaN and infinities become null.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    write_text(path, json.dumps(plain(document), indent=1, allow_nan=False) + "\n")

"""Texts as files, whole or not there."""

import os
from pathlib import Path


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

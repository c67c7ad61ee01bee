"""Files that are whole or not there: a killed writer, or a reader meanwhile, never leaves or meets half of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path of a file to write instead of `path`; it takes that name once it is written.

    Args:
        path: where to; its folder exists.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    # named after the process, so that two writers never share it
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def free_name(path: Path) -> Path:
    """A name beside a damaged file or folder under which it is kept: `name.damaged-1`, or the next number that is free."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return kept


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 so that a reader, or a run that is killed meanwhile, never leaves or meets half of it.

    Args:
        path: where to; its folder exists.
        text: what.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    with replacing(path) as partial:
        partial.write_bytes(_utf8(text))


def _utf8(text: str) -> bytes:
    """UTF-8; of a name or an argument that Python could not decode, its own bytes where they are UTF-8, else a mark."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()

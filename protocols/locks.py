"""Locks between processes: a file that nobody replaces, and that one process holds; the lock ends with it."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .progress import notice

if sys.platform != "win32":
    import fcntl

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


class Taken(Exception):
    """Another process holds the lock."""


@contextmanager
def held(path: Path, without: str = "") -> Iterator[None]:
    """Hold a lock; on Windows nothing is locked, nor on a file system without locks.

    Args:
        path: of the file; its folder exists.
        without: what is said where there are no locks; empty for nothing.

    Raises:
        Taken: another process has it.
    """
    if sys.platform == "win32":
        yield
        return
    with path.open("ab") as file:  # for writing: NFS locks no file that is open for reading
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Taken from error
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            if without:
                notice(without)
        yield

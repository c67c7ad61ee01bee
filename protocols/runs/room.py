"""How large a recording will be, and whether the disk has room for it: told before anything is written."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ...recordings import Table
from ..errors import ProtocolError

SPARE = 1 << 30  # bytes that a recording leaves free, or a twentieth of a small disk


def bytes_of(tables: Sequence[Table]) -> int:
    """Bytes of all tables before compression."""
    coords = sum(values.nbytes for table in tables for _, values, _ in table.coords.values())
    return coords + sum(table.length * table.row_bytes for table in tables)


def check_room(where: Path, wanted: int) -> int:
    """Bytes free where a recording shall lie.

    Raises:
        ProtocolError: too few.
    """
    place = next(path for path in (where, *where.parents) if path.exists())
    free = shutil.disk_usage(place).free
    room = free - min(SPARE, free // 20)
    if wanted > room:
        raise ProtocolError(
            f"recording.bytes: expected at most the {size(room)} that can be filled on the disk of {where}, got {size(wanted)}; "
            "record fewer units, populations or trials, or in float16"
        )
    return free


def size(count: float) -> str:
    """Bytes for a reader.

    >>> size(20e9), size(1234)
    ('20.0 GB', '1.2 kB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"

"""A recording that nobody keeps: what a process appends to whose rows another one writes."""

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from .schema import Table
from .writer import Writer


class Unwritten(Writer):
    """Takes rows as a `Writer` does, and drops them.

    Args:
        tables: those of the recording that is written elsewhere.
    """

    def __init__(self, tables: Iterable[Table]) -> None:
        self.tables = {table.path: table for table in tables}
        self.waited, self.ceiling_bytes = 0.0, 0

    def append(self, table: str, rows: Mapping[str, NDArray[Any]]) -> None:
        """Drop the rows."""

    def commit(self) -> dict[str, int]:
        """Nothing is kept; no cursor."""
        return {}

    def close(self, status: str = "complete") -> None:
        """There is nothing to end."""

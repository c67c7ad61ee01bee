"""Recordings in formats that other programs read: NWB, netCDF, CSV, NumPy. `apical export`.

One file and one row of the table of formats each; all are written block by block, so that memory does not grow with the recording, and take their
name once they are whole. What each keeps of the recording stands in its own file.
"""

from typing import TYPE_CHECKING, Any

from .table import FORMATS

if TYPE_CHECKING:
    from .run import export

__all__ = ["FORMATS", "export"]


def __getattr__(name: str) -> Any:  # --help names the formats without loading xarray
    if name != "export":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .run import export as found

    globals()[name] = found
    return found

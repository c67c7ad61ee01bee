"""The formats: where each is written, how its files end, and which packages it needs beyond Apical's own."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """One row.

    Attributes:
        module: file of this folder with `write(content, path)`.
        ending: of the file; of a folder none.
        needs: packages that are imported.
        swells: bytes on disk for one in memory, at most, to predict the size.
        own: bytes that a file has without any array.
        says: one line.
    """

    module: str
    ending: str
    needs: tuple[str, ...]
    swells: float
    own: int
    says: str


FORMATS: Mapping[str, Format] = {
    "nwb": Format(
        "nwb", ".nwb", ("pynwb",), 1.05, 1 << 20, "Neurodata Without Borders: units, electrodes, trials, TimeSeries"
    ),
    "netcdf": Format("netcdf", ".nc", ("h5netcdf",), 1.05, 0, "netCDF-4, a group for each table; xarray and others"),
    "csv": Format("csv_files", "", (), 3.5, 0, "a folder of text files, one for each table and dimension"),
    "npz": Format("npz", ".npz", (), 1.0, 0, "arrays of NumPy, named table/variable"),
}

"""NumPy's `.npz`: every variable and coordinate as an array `table/variable`, and what is said of them as JSON in the array `attributes`.

>>> arrays = np.load("training.npz")                                # doctest: +SKIP
>>> arrays["activity/conv1/rate"], json.loads(str(arrays["attributes"]))["activity/conv1/rate"]["units"]      # doctest: +SKIP
"""

import json
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import xarray as xr
from numpy.lib import format as npy

from .content import Content, blocks, values


def write(content: Content, path: Path) -> None:
    """Write the arrays, block by block."""
    told: dict[str, Any] = {"/": dict(content.attributes)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for table, dataset in content.tables.items():
            told[table] = {**dataset.attrs, "coordinates": sorted(map(str, dataset.coords))}
            for name, variable in dataset.variables.items():
                key = f"{table}/{name}"
                told[key] = {**variable.attrs, "dims": list(map(str, variable.dims))}
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    _array(member, variable)
        with archive.open("attributes.npy", "w") as member:
            npy.write_array(member, np.array(json.dumps(told, default=str)), allow_pickle=False)  # type: ignore[no-untyped-call]


def _array(member: IO[bytes], variable: xr.Variable) -> None:
    words = variable.dtype.kind in "OT"  # of unequal length: their longest must be known first
    dtype = values(variable, 0, int(variable.shape[0])).dtype if words and variable.ndim else variable.dtype
    described = npy.dtype_to_descr(np.dtype(dtype))  # type: ignore[no-untyped-call]
    header = {"descr": described, "fortran_order": False, "shape": variable.shape}
    npy.write_array_header_1_0(member, header)  # type: ignore[no-untyped-call]
    for block in blocks(variable):
        member.write(np.ascontiguousarray(block, dtype=dtype).tobytes())

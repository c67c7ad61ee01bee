"""netCDF-4 through h5netcdf: a group for each table, with dimensions, coordinates and attributes as in the recording.

>>> xr.open_datatree("training.nc", engine="h5netcdf", decode_timedelta=False)                # doctest: +SKIP

netCDF knows no attribute that is true or false, nothing, nested, or a list of other things than numbers: these are written as JSON, and the attribute `json`
of the group or variable names them. Opened again, and these decoded, every dataset is identical to the recording's.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr

from .content import Content, words

LEVEL = 1  # of compression: more costs much time and saves little


def write(content: Content, path: Path) -> None:
    """Write the groups one after another, each block by block."""
    with dask.config.set(scheduler="synchronous"):
        xr.Dataset(attrs=plain(content.attributes)).to_netcdf(path, mode="w", engine="h5netcdf")
        for name, dataset in content.tables.items():
            fit = _fitting(dataset)
            encoding = {each: _encoding(variable) for each, variable in fit.variables.items()}
            fit.to_netcdf(path, mode="a", group=name, engine="h5netcdf", encoding=encoding)


def plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes that netCDF can hold."""
    found: dict[str, Any] = {}
    coded = []
    for name, value in attributes.items():
        numbers = isinstance(value, list) and value and all(type(each) in (int, float) for each in value)
        if isinstance(value, str) or type(value) in (int, float):
            found[str(name)] = value
        elif numbers:
            found[str(name)] = np.asarray(value)
        else:
            found[str(name)] = json.dumps(value, default=str)
            coded.append(str(name))
    return {**found, "json": " ".join(coded)} if coded else found


def _fitting(dataset: xr.Dataset) -> xr.Dataset:
    found = dataset.copy()
    found.attrs = plain(dataset.attrs)
    for name, variable in dataset.variables.items():
        fit = variable.copy(deep=False)
        if variable.dtype.kind in "OTU":
            fit = xr.Variable(variable.dims, words(np.asarray(variable)).astype(object))
        fit.attrs = plain(variable.attrs)
        found[name] = fit
    return found.set_coords(list(dataset.coords))


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    told: dict[str, Any] = {} if variable.dtype.kind in "OTUb" else {"_FillValue": None}
    if not variable.ndim or variable.dtype.kind in "OTU" or not variable.size:
        return told
    rows = int(variable.chunks[0][0]) if variable.chunks else int(variable.shape[0])
    sizes = (max(1, min(rows, 512)), *(min(size, 512) for size in variable.shape[1:]))
    return {**told, "chunksizes": sizes, "compression": "gzip", "compression_opts": LEVEL, "shuffle": True}

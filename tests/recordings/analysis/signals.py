"""Signals of tests: arrays as a recording would give them, in memory or in stored chunks."""

import dask.array as da
import numpy as np
import xarray as xr


def signal(values, chunk=None, name="rate", **trials):
    """A signal (trial, unit) with parameters of the trials as coordinates; lazy in chunks of so many rows."""
    values = np.asarray(values)
    data = values if chunk is None else da.from_array(values, chunks=(chunk, values.shape[1]))
    coords = {key: ("trial", np.asarray(each)) for key, each in trials.items()}
    return xr.DataArray(
        data, coords, ("trial", "unit"), name=name, attrs={"units": "1", "long_name": name, "symbol": "z"}
    )

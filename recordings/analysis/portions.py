"""Many units at once or some after the other: what is computed of each unit alone needs no memory for all of them."""

from collections.abc import Callable

import xarray as xr

PORTION_BYTES = 384 << 20
STORED_COLUMNS = 512  # of a stored chunk, see `layout.CHUNK_COLUMNS`: units of one chunk are read together


def by_units(
    function: Callable[[xr.DataArray], xr.Dataset], signal: xr.DataArray, bytes_per_unit: int, most_bytes: int = PORTION_BYTES
) -> xr.Dataset:  # fmt: skip
    """The result of a function of a signal (trial, unit), from as many units at a time as memory is meant to hold.

    Args:
        function: of a signal, unit by unit: its result does not depend on which other units there are.
        signal: (trial, unit).
        bytes_per_unit: what the function holds of each unit while it is at work.
        most_bytes: what it may hold in all.

    Returns:
        variables with the dimension `unit` joined along it, the others of the first portion.
    """
    units = max(1, most_bytes // max(1, bytes_per_unit) // STORED_COLUMNS) * STORED_COLUMNS
    if signal.sizes["unit"] <= units:
        return function(signal)
    parts = [function(signal.isel(unit=slice(first, first + units))) for first in range(0, signal.sizes["unit"], units)]
    return xr.concat(
        parts, "unit", data_vars="minimal", coords="minimal", compat="override", join="override", combine_attrs="override"
    )  # fmt: skip

"""Results as datasets: every variable with units, name and symbol, units of several populations one after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..errors import RecordingError

PLACES = ("unit_id", "channel", "row", "col")


def variable(dims: Sequence[str], values: Any, long_name: str, *, units: str = "1", symbol: str = "") -> xr.Variable:
    """A variable of a result."""
    told = {"units": units, "long_name": long_name} | ({"symbol": symbol} if symbol else {})
    return xr.Variable(tuple(dims), np.asarray(values), told)


def unit_coordinates(signal: xr.DataArray) -> dict[str, xr.Variable]:
    """Where the units of a signal are: `unit_id`, `channel`, `row`, `col`, as far as it says so."""
    return {name: signal.coords[name].variable for name in PLACES if name in signal.coords}


def result(signal: xr.DataArray, variables: Mapping[str, xr.Variable], **coordinates: xr.Variable) -> xr.Dataset:
    """A dataset of a result, with the places of the units of the signal where it has a dimension `unit`."""
    coords: dict[str, xr.Variable] = dict(coordinates)
    if any("unit" in found.dims for found in variables.values()):
        coords |= unit_coordinates(signal)
    return xr.Dataset(dict(variables), coords)


def side_by_side(found: Mapping[str, xr.Dataset], dim: str = "unit") -> xr.Dataset:
    """Results of several populations as one: along `dim`, with the coordinate `population`.

    Variables without `dim` get a dimension `population`.
    """
    populations = list(found)
    each = list(found.values())
    along = [name for name in each[0].data_vars if dim in each[0][name].dims]
    apart = [name for name in each[0].data_vars if dim not in each[0][name].dims]
    parts = []
    if along:
        named = [
            part[along].assign_coords(population=(dim, np.repeat(np.array([name], dtype=object), part.sizes[dim])))
            for name, part in found.items()
        ]
        joined = xr.concat(named, dim, coords="minimal", compat="equals", join="exact", combine_attrs="override")
        joined["population"] = joined["population"].astype(str).assign_attrs(long_name="population")
        parts.append(joined)
    if apart:
        name = "of" if along else "population"  # a name of its own: `population` goes with the units
        index = xr.Variable((name,), np.array(populations), {"long_name": "population"})
        parts.append(
            xr.concat([part[apart] for part in each], index.to_index_variable(), coords="minimal", compat="equals", join="outer", combine_attrs="override")
        )  # fmt: skip
    return xr.merge(parts, combine_attrs="override", compat="equals", join="exact")


def two_dimensional(signal: xr.DataArray) -> xr.DataArray:
    """The signal, checked to be (rows, unit).

    Raises:
        RecordingError: it has other dimensions.
    """
    if signal.ndim != 2 or signal.dims[1] != "unit":
        raise RecordingError(
            f"analysis.{signal.name}: expected a signal of the dimensions (trial, unit), got {tuple(signal.dims)}; "
            "choose rate, basal or an apical potential"
        )
    return signal

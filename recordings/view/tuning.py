"""What results of analyses say of one unit: whatever their dimensions are called, by the words of their own attributes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .source import Source, Units, described

MOST_BARS = 200


@dataclass(frozen=True, slots=True)
class Piece:
    """What of a result is drawn.

    Attributes:
        title: the quantity, in its attributes' words.
        note: which part of the result it is, and what had to be left out; empty where there is nothing to say.
        values: a number, (x,) or (y, x).
        axes: name and coordinate of each dimension of `values`; words or numbers.
        label: of the values.
    """

    title: str
    note: str
    values: NDArray[Any]
    axes: tuple[tuple[str, NDArray[Any]], ...]
    label: str


def variables(source: Source) -> list[str]:
    """All that results hold, as `result/variable`; of numbers alone."""
    found = []
    for result in source.results:
        node = source.tree[result]
        assert isinstance(node, xr.DataTree)
        for inner in node.subtree:
            path = inner.path.strip("/")
            found += [f"{path}/{name}" for name, each in inner.data_vars.items() if each.dtype.kind in "fiub"]
    return found


def piece(source: Source, path: str, population: str, unit_id: int) -> Piece:
    """The part of a result that belongs to a unit.

    Args:
        source: the recording.
        path: `result/variable`.
        population: of the unit.
        unit_id: the unit.

    Raises:
        RecordingError: no such result.
    """
    group, _, name = path.rpartition("/")
    table = source.table(group)
    told: list[str] = []
    if name not in table:
        return Piece(path, f"{group} has no {name}", np.array(np.nan), (), "")
    variable = table[name]
    if "population" in variable.dims:
        variable, words = _of_population(variable, population)
        told += words
    for dim in [dim for dim in variable.dims if str(dim).startswith("unit")]:
        index = unit_places(variable, str(dim), population, source.units(population) if population else None).get(
            unit_id
        )
        if index is None:
            return Piece(
                _title(table[name]), f"not measured of unit {unit_id} of {population}", np.array(np.nan), (), ""
            )
        variable = variable.isel({dim: index})
    while variable.ndim > 2:
        dim = variable.dims[0]
        told.append(f"the first of {variable.sizes[dim]} along {dim}")
        variable = variable.isel({dim: 0})
    axes = tuple((_axis(variable, str(dim)), _coordinate(variable, str(dim))) for dim in variable.dims)
    return Piece(
        _title(table[name]),
        "; ".join(told),
        np.asarray(variable, dtype=np.float64),
        axes,
        described(name, table[name]).label,
    )


def of_units(source: Source, path: str, population: str) -> NDArray[np.float64] | None:
    """A number for each recorded unit, to colour the map with; None where the result has no such."""
    group, _, name = path.rpartition("/")
    table = source.table(group)
    variable = table.get(name)
    if variable is None:
        return None
    if "population" in variable.dims:
        variable, _ = _of_population(variable, population)
    units = source.units(population)
    if variable.ndim != 1 or not str(variable.dims[0]).startswith("unit"):
        return None
    places = unit_places(variable, str(variable.dims[0]), population, units)
    values = np.asarray(variable, dtype=np.float64)
    return np.array([np.nan if (place := places.get(int(unit))) is None else values[place] for unit in units.unit_id])


def unit_places(variable: xr.DataArray, dim: str, population: str, units: Units | None) -> dict[int, int]:
    """Place of each unit along a dimension of a result, by `unit_id`.

    By the coordinates `unit_id` and, of a result of several populations, `population`; of a result without them by the recording's, where sizes
    are the same.
    """
    along = {str(name): np.asarray(each) for name, each in variable.coords.items() if each.dims == (dim,)}
    numbers = along.get("unit_id", along.get(dim))
    if numbers is None:
        if units is None or variable.sizes[dim] != len(units.unit_id):
            return {}
        numbers = units.unit_id
    here = along["population"].astype(str) == population if "population" in along else np.ones(len(numbers), bool)
    places = np.flatnonzero(here)
    return dict(zip(numbers[places].tolist(), places.tolist(), strict=True))


def _of_population(variable: xr.DataArray, population: str) -> tuple[xr.DataArray, list[str]]:
    names = [str(each) for each in np.asarray(variable["population"])] if "population" in variable.coords else []
    if population in names:
        return variable.isel(population=names.index(population)), []
    if variable.ndim <= 2:
        return variable, []
    return variable.isel(population=0), [f"the first of {variable.sizes['population']} populations"]


def _title(variable: xr.DataArray) -> str:
    return str(variable.attrs.get("long_name", variable.name))


def _axis(variable: xr.DataArray, dim: str) -> str:
    coordinate = variable.coords.get(dim)
    return dim if coordinate is None else described(dim, coordinate).label


def _coordinate(variable: xr.DataArray, dim: str) -> NDArray[Any]:
    if dim not in variable.coords:
        return np.arange(variable.sizes[dim])
    values = np.asarray(variable[dim])
    return values if values.dtype.kind in "fiub" else values.astype(str).astype(object)

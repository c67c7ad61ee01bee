"""What figures of several populations share: their order, and the units of each."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def populations_of(dataset: xr.Dataset) -> list[str]:
    """Populations along the units of a result, in the order of their first unit."""
    return list(dict.fromkeys(map(str, dataset["population"].values)))


def units_of(dataset: xr.Dataset, population: str) -> NDArray[np.int64]:
    """Positions of the units of a population."""
    return np.flatnonzero(dataset["population"].values.astype(str) == population)


def unit_name(dataset: xr.Dataset, position: int) -> str:
    """What a unit is called: its number, and its place on the map where it has one."""
    number = int(dataset["unit_id"].values[position]) if "unit_id" in dataset.coords else position
    if not {"channel", "row", "col"} <= set(map(str, dataset.coords)):
        return f"unit {number}"
    place = ", ".join(str(int(dataset[part].values[position])) for part in ("channel", "row", "col"))
    return f"unit {number} ({place})"

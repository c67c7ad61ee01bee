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


def best_of(dataset: xr.Dataset, places: NDArray[np.int64], score: NDArray[np.float64], count: int) -> list[int]:
    """Positions of the units with the largest score, one of each channel where that makes enough; units whose score is NaN are none.

    Args:
        dataset: with the coordinate `channel` of units that lie on maps: units of one channel answer alike.
        places: positions of the units of a population.
        score: of each of them.
        count: how many.
    """
    order = [int(i) for i in np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable") if np.isfinite(score[i])]
    channels = dataset["channel"].values[places] if "channel" in dataset.coords else np.arange(len(places))
    seen: set[int] = set()
    first = [i for i in order if int(channels[i]) not in seen and not seen.add(int(channels[i]))]  # type: ignore[func-returns-value]
    chosen = [*first, *(i for i in order if i not in set(first))][:count]
    return [int(places[i]) for i in chosen]

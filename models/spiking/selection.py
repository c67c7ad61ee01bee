"""What is taken into a circuit: a place and some channels; and the refusals of what is not there."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..populations import geometry
from ..populations.conv import ConvPopulation, Population
from ..populations.geometry import Place


def place_of(cell: Population, position: Place | None) -> Place:
    """Place of the circuit: on the map, and under windows of the pool that share their apical rows."""
    if position is None:
        fitting = next((place for place in geometry.places(cell) if len(geometry.cells(cell, place)) == 1), None)
        if fitting is None:
            raise ModelError(
                f"circuit.population: expected neurons with one apical row each, got {cell.name}, whose neurons are all read by windows in "
                "several cells of the grid; choose another population"
            )
        return fitting
    _, height, width = geometry.map_of(cell.neurons)
    if not isinstance(cell, ConvPopulation):
        raise ModelError(f"circuit.position: expected None for {cell.name}, which has no map, got {position}; drop it")
    row, col = position
    if not (0 <= row < height and 0 <= col < width):
        raise ModelError(
            f"circuit.position: expected a place on the {height} x {width} map of {cell.name} (before its pool), "
            f"got {position}; choose row and column inside"
        )
    cells = geometry.cells(cell, (row, col))
    if not cells:
        raise ModelError(
            f"circuit.position: expected a place that a window of the pool of {cell.name} reads, got {position} between them; "
            "leave it out for a place that fits"
        )
    if len(cells) > 1:
        raise ModelError(
            f"circuit.position: expected a place of {cell.name} whose neurons have one apical row each, got {position}, read by windows of "
            f"the pool in {len(cells)} cells of the grid; leave it out for a place that fits"
        )
    return int(row), int(col)


def channels_of(cell: Population, units: int | Sequence[int], seed: int) -> NDArray[np.int64]:
    """Channels of the circuit: those asked for, or so many drawn with `seed`."""
    total = cell.shape[0]
    if isinstance(units, int):
        if units < 1:
            raise ModelError(f"circuit.units: expected at least 1, got {units}; 30 are usual")
        return np.sort(np.random.default_rng(seed).choice(total, size=min(units, total), replace=False))
    chosen = np.asarray(units, dtype=np.int64)
    if not chosen.size or chosen.min() < 0 or chosen.max() >= total or len(set(chosen.tolist())) != len(chosen):
        raise ModelError(
            f"circuit.units: expected different channels from 0 to {total - 1} of {cell.name}, got {list(units)[:6]}"
            "; correct them"
        )
    return chosen

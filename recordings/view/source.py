"""Slices of a recording: what one unit did in some trials, and nothing else is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError, unknown_name
from ..layout import StoreLike
from ..reader import open as open_recording
from ..replay_names import GROUP as REPLAY

ACTIVITY, UPDATES, METRICS, STIMULI = "activity", "updates", "metrics", "stimuli"
POINTS = 1200  # drawn of a signal: more than a page has columns


@dataclass(frozen=True, slots=True)
class Signal:
    """One recorded quantity, as its own attributes name it.

    Attributes:
        name: of the variable.
        long_name, symbol, units: its attributes; no symbol where it has none.
        per_unit: whether every unit has its own.
    """

    name: str
    long_name: str
    symbol: str
    units: str
    per_unit: bool

    @property
    def label(self) -> str:
        """What stands on an axis: `apical potential e`, with units where it has some."""
        words = f"{self.long_name} {self.symbol}".strip()
        return words if self.units in ("", "1") else f"{words} ({self.units})"


@dataclass(frozen=True, slots=True)
class Units:
    """Where the recorded units of a population sit.

    Attributes:
        unit_id, channel, row, col: of each unit, (units,).
        shape: channels, rows and columns of the whole population.
    """

    unit_id: NDArray[Any]
    channel: NDArray[Any]
    row: NDArray[Any]
    col: NDArray[Any]
    shape: tuple[int, int, int]

    def index(self, unit_id: int) -> int | None:
        """Place of a unit along the dimension `unit`; None where it was not recorded."""
        found = np.flatnonzero(self.unit_id == unit_id)
        return int(found[0]) if found.size else None

    def name(self, index: int) -> str:
        """What a title calls a unit: its number and its place."""
        return f"unit {self.unit_id[index]} [{self.channel[index]}, {self.row[index]}, {self.col[index]}]"


class Source:
    """One recording, opened.

    Args:
        path: as `apical.recordings.open` takes it.

    Raises:
        RecordingError: it cannot be opened.
    """

    def __init__(self, path: StoreLike | Path) -> None:
        self.tree = open_recording(path)
        self.populations = list(self.tree[ACTIVITY].children) if ACTIVITY in self.tree.children else []
        self.replays = list(self.tree[REPLAY].children) if REPLAY in self.tree.children else []
        own = {ACTIVITY, UPDATES, METRICS, REPLAY, STIMULI}
        self.results = [name for name in self.tree.children if name not in own]
        self._tables: dict[str, xr.Dataset] = {}

    def table(self, path: str) -> xr.Dataset:
        """One table or result, lazily.

        Raises:
            RecordingError: the recording has none of this name.
        """
        if path not in self._tables:
            try:
                node = self.tree[path]
            except KeyError:
                raise unknown_name(
                    "recording.table", path, [each.path.strip("/") for each in self.tree.leaves]
                ) from None
            assert isinstance(node, xr.DataTree)
            self._tables[path] = node.to_dataset()
        return self._tables[path]

    def activity(self, population: str) -> xr.Dataset:
        """Trials of a population.

        Raises:
            RecordingError: none of this name was recorded.
        """
        if population not in self.populations:
            raise unknown_name("recording.population", population, self.populations)
        return self.table(f"{ACTIVITY}/{population}")

    def trials(self, population: str) -> int:
        """Trials that are committed."""
        return int(self.activity(population).sizes.get("trial", 0))

    def units(self, population: str) -> Units:
        """Where its recorded units sit."""
        table = self.activity(population)
        count = int(table.sizes.get("unit", 0))
        numbers = {name: np.asarray(table[name]) for name in ("unit_id", "channel", "row", "col") if name in table}
        numbers = {"unit_id": np.arange(count)} | numbers
        zero = np.zeros(count, np.int64)
        channel, row, col = (numbers.get(name, zero) for name in ("channel", "row", "col"))
        if "channel" not in numbers:
            channel = numbers["unit_id"]
        found = table.attrs.get("population_shape")
        top = [int(each.max(initial=0)) + 1 for each in (channel, row, col)]
        shape = tuple(map(int, found)) if found is not None and len(found) == 3 else tuple(top)
        return Units(numbers["unit_id"], channel, row, col, shape)  # type: ignore[arg-type]

    def signals(self, population: str) -> list[Signal]:
        """What was recorded of its trials: one number for each, or one for each unit of each."""
        table = self.activity(population)
        return [
            described(str(name), variable)
            for name, variable in table.data_vars.items()
            if variable.dims in (("trial",), ("trial", "unit"))
        ]

    def coordinates(self, population: str, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Coordinates of trials `start` to `stop`, such as step, phase and stimulus; flags by their meanings."""
        table = self.activity(population)
        found = {}
        for name, variable in table.coords.items():
            if variable.dims == ("trial",):
                found[str(name)] = said(variable, np.asarray(variable[start:stop]))
        return found

    def read(self, population: str, name: str, unit: int, start: int, stop: int) -> NDArray[np.float64]:
        """One signal of one unit in trials `start` to `stop`; only the chunks that hold them are read.

        Args:
            population: of the unit.
            name: of the signal.
            unit: place along the dimension `unit`; of no account where the signal is one for all.
            start, stop: trials.
        """
        variable = self.activity(population)[name]
        data = variable.data[start:stop] if variable.ndim == 1 else variable.data[start:stop, unit]
        # here and now: threads for a chunk or two cost more than they read
        return np.asarray(data.compute(scheduler="synchronous"), dtype=np.float64)

    def rows(self, path: str, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows of a variable along its first dimension."""
        return np.asarray(self.table(path)[name].data[start:stop])

    def image(self, stimulus_id: int) -> NDArray[np.uint8] | None:
        """The shown image (y, x, RGBA), top row first; None where the recording holds none of this stimulus."""
        if STIMULI not in self.tree.children:
            return None
        table = self.table(STIMULI)
        if "image" not in table or "stimulus_id" not in table:
            return None
        found = np.flatnonzero(np.asarray(table["stimulus_id"]) == stimulus_id)
        return rgba(np.asarray(table["image"].data[int(found[0])])) if found.size else None


def described(name: str, variable: xr.DataArray) -> Signal:
    """A variable in the words of its attributes; its name where it has none."""
    told = variable.attrs
    return Signal(
        name, str(told.get("long_name", name)), str(told.get("symbol", "")), str(told.get("units", "1")),
        "unit" in variable.dims,
    )  # fmt: skip


def said(variable: xr.DataArray, values: NDArray[Any]) -> NDArray[Any]:
    """Values of a coordinate; where its attributes give meanings to numbers, these."""
    meanings = str(variable.attrs.get("flag_meanings", "")).split()
    flags = variable.attrs.get("flag_values")
    if flags is None or len(meanings) != len(flags):
        return values
    words = dict(zip(map(int, flags), meanings, strict=True))
    return np.array([words.get(int(value), str(value)) for value in values], dtype=object)


def rgba(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image (channel, y, x) as bytes (y, x, 4); numbers are stretched between their extremes, bytes are shown as they are.

    Raises:
        RecordingError: it has no such shape.
    """
    planes = image[None] if image.ndim == 2 else image
    if planes.ndim != 3 or not planes.size:
        raise RecordingError(
            f"stimuli.image: expected (channel, y, x), got the shape {image.shape}; record it as an image"
        )
    if planes.dtype != np.uint8:
        low, high = float(np.nanmin(planes)), float(np.nanmax(planes))
        planes = np.nan_to_num((planes - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    planes = planes[:3] if len(planes) >= 3 else planes[:1].repeat(3, axis=0)
    opaque = np.full_like(planes[:1], 255)
    return np.ascontiguousarray(np.moveaxis(np.concatenate([planes, opaque]), 0, -1))


def pixel_columns(start: int, values: NDArray[np.float64], columns: int = POINTS) -> dict[str, NDArray[np.float64]]:
    """Many values in few columns: smallest, mean and largest of each stretch, so that no extreme is lost; NaN is left out.

    Args:
        start: of the first value along x.
        values: one after another.
        columns: how many stretches.

    >>> {name: column.tolist() for name, column in pixel_columns(0, np.array([0.0, 9, 1, 2]), 2).items()}
    {'x': [0.5, 2.5], 'low': [0.0, 1.0], 'mean': [4.5, 1.5], 'high': [9.0, 2.0]}
    """
    columns = min(columns, len(values))
    edges = np.linspace(0, len(values), columns + 1).astype(int)[:-1]
    if not columns:
        return {name: np.zeros(0) for name in ("x", "low", "mean", "high")}
    seen = ~np.isnan(values)
    counts = np.add.reduceat(seen.astype(np.float64), edges)
    sums = np.add.reduceat(np.where(seen, values, 0.0), edges)
    ends = np.append(edges[1:], len(values))
    return {
        "x": start + (edges + ends - 1) / 2,
        "low": np.fmin.reduceat(values, edges),
        "mean": np.divide(sums, counts, out=np.full(columns, np.nan), where=counts > 0),
        "high": np.fmax.reduceat(values, edges),
    }


def borders(steps: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
    """Places at which the step changes: trials on both sides come from different batches, not one after another."""
    numbers = np.asarray(steps)
    return np.flatnonzero(numbers[1:] != numbers[:-1]) + 1


def nearest(values: NDArray[Any], value: float) -> int:
    """Place of the entry of a growing row that is last not above a value; the first where all are."""
    return max(int(np.searchsorted(values, value, side="right")) - 1, 0)

"""What every analysis says of itself; each has a file of its own beside this one, and a row in the table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from .options import Options
from .recorded import Recorded

Row = dict[str, Any]

TRIALS = ("phase", "since", "until")
SIGNAL = ("value", *TRIALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One analysis.

    Attributes:
        title: heading of its section.
        says: what it tells, for the list.
        missing: what a recording lacks for it and which command records that; empty where nothing is missing.
        measure: the numbers.
        draw: their figure.
        rows: their table, as a reader sees it.
        told: sentences of what was done and found.
        caption: of the figure.
        reads: options by which it chooses signal and trials.
        measure_two: the numbers of two recordings side by side, where the analysis has a meaning for two.
    """

    title: str
    says: str
    missing: Callable[[Recorded, Options], str]
    measure: Callable[[Recorded, Options], xr.Dataset]
    draw: Callable[[xr.Dataset], Figure]
    rows: Callable[[xr.Dataset], Sequence[Row]]
    told: Callable[[xr.Dataset], tuple[str, ...]]
    caption: str
    reads: tuple[str, ...] = SIGNAL
    measure_two: Callable[[Recorded, Recorded, Options], xr.Dataset] | None = None


def medians(dataset: xr.Dataset, columns: Mapping[str, str], quantiles: bool = True) -> list[Row]:
    """A row per population: how many units, and median (lower to upper quartile) of measures of its units.

    Args:
        dataset: measures (unit), with the coordinate `population`.
        columns: heading to measure.
        quantiles: whether quartiles are columns of their own.
    """
    names = dataset["population"].values.astype(str)
    found = []
    for population in dict.fromkeys(names):
        row: Row = {"population": population, "units": int((names == population).sum())}
        for heading, name in columns.items():
            if name not in dataset:
                continue
            values = dataset[name].values[names == population].astype(float)
            known = values[np.isfinite(values)]
            low, middle, high = np.percentile(known, [25, 50, 75]) if len(known) else (None, None, None)
            row[heading] = _float(middle)
            if quantiles:
                row[f"{heading} q1"], row[f"{heading} q3"] = _float(low), _float(high)
        found.append(row)
    return found


def share(values: Any) -> float | None:
    """Share of the known values that are true or above 0."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return float((known > 0).mean()) if len(known) else None


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def number(value: Any) -> str:
    """A number in a sentence."""
    return "–" if value is None or not np.isfinite(value) else f"{float(value):.3g}".replace("-", "−")

"""A whole recording of one unit at a glance: stretches spread over all trials are read, coarse at first and then finer, until there is no gap
or enough.

A stretch is what one chunk holds, so that a number that is drawn costs one read. The order halves the gaps again and again: whatever has
been read so far covers the whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .source import Source

MOST = 256  # stretches; more than a narrow page has columns
ROWS = 256  # of a stretch, at most


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some trials in a row, in three numbers.

    Attributes:
        start, stop: trials.
        low, mean, high: of the signal in them; NaN where it has no number.
    """

    start: int
    stop: int
    low: float
    mean: float
    high: float


def stretches(trials: int) -> list[tuple[int, int]]:
    """Trials that are read, in the order in which they are."""
    if trials <= MOST * ROWS:
        size = max(1, -(-trials // MOST))
        places = [(start, min(start + size, trials)) for start in range(0, trials, size)]
    else:
        starts = np.linspace(0, trials - ROWS, MOST).astype(int)
        places = [(int(start), int(start) + ROWS) for start in starts]
    return [places[i] for i in halving(len(places))]


def halving(count: int) -> list[int]:
    """All of 0 to count - 1, each next to the middle of a largest gap.

    >>> halving(5)
    [0, 4, 2, 1, 3]
    """
    bits = max(count - 1, 1).bit_length()
    # bits turned round are van der Corput's sequence
    order = sorted(range(count), key=lambda i: int(f"{i:0{bits}b}"[::-1], 2))
    ends = [0, count - 1] if count > 1 else list(range(count))
    return ends + [i for i in order if i not in ends]


def walk(source: Source, population: str, name: str, unit: int) -> Iterator[Stretch]:
    """Stretches of a signal, as they are read."""
    for start, stop in stretches(source.trials(population)):
        values = source.read(population, name, unit, start, stop)
        seen = values[~np.isnan(values)]
        low, mean, high = (seen.min(), seen.mean(), seen.max()) if seen.size else (np.nan,) * 3
        yield Stretch(start, stop, float(low), float(mean), float(high))


def columns(found: list[Stretch]) -> dict[str, NDArray[Any]]:
    """Stretches in order of their trials, as columns to draw."""
    ordered = sorted(found, key=lambda each: each.start)
    names = ("start", "stop", "low", "mean", "high")
    table = {name: np.array([getattr(each, name) for each in ordered], dtype=np.float64) for name in names}
    return {"middle": (table["start"] + table["stop"]) / 2, **table}

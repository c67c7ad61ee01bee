"""A sweep in rows: one per point of the axes, over its seeds; what a table and figures show."""

import csv
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...recordings.atomic import replacing
from .axes import Axis, key_of
from .folder import DIVERGED, DONE, FAILED
from .plan import SEED, Plan
from .results import NUMBERS, is_number, ordered

# Student's t at 0.975 for 1 to 30 degrees of freedom, as every table of it has
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
    2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
# beyond, by the last row of such a table that is not above: an interval is rather too wide than too narrow
_FURTHER = ((120, 1.980), (60, 2.000), (40, 2.021), (30, 2.042))


def _t(freedom: int) -> float:
    """Student's t at 0.975."""
    return _T[freedom - 1] if freedom <= len(_T) else next(t for least, t in _FURTHER if freedom >= least)


def interval(values: Sequence[float]) -> float | None:
    """Half the 95 % interval of a mean by Student's t; None for fewer than two values.

    >>> round(interval([1.0, 2.0, 3.0]), 3)
    2.484
    """
    if len(values) < 2:
        return None
    return _t(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))


def metric_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """What points are compared by: the read-out where there is one, else the loss."""
    return "accuracy" if any(row["accuracy"] is not None for row in rows) else "loss"


def summarised(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One line per point: its labels, n, mean, sd and 95 % interval of the metric, means of the rest; numbers that are swept by size,
    names by what they reach.

    Args:
        plan: of the sweep.
        rows: of the cells, see `results.row_of`.
    """
    metric = metric_of(rows)
    points: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        points.setdefault(tuple(key_of(row["at"][axis.name]) for axis in plan.axes), []).append(row)
    lines = [_line(plan, members, metric) for members in points.values()]
    places = [_places(axis, lines, metric) for axis in plan.axes]
    return sorted(
        lines,
        key=lambda line: [place[key_of(line["at"][axis.name])] for axis, place in zip(plan.axes, places, strict=True)],
    )


def _line(plan: Plan, members: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any]:
    done = [row for row in members if row["status"] == DONE]
    found = [row[metric] for row in done if row[metric] is not None]
    gains = [row["accuracy"] - row["accuracy_random"] for row in done if row["accuracy"] is not None]
    states = [row["status"] for row in members]
    return {
        "at": {axis.name: members[0]["at"][axis.name] for axis in plan.axes},
        "n": len(done), "of": len(members), "failed": states.count(FAILED), "diverged": states.count(DIVERGED), "metric": metric,
        "mean": _mean(found), "sd": statistics.stdev(found) if len(found) > 1 else None, "interval": interval(found),
        "gain": _mean(gains), **{name: _mean([row[name] for row in done]) for name in NUMBERS if name != metric},
    }  # fmt: skip


def _mean(values: Sequence[Any]) -> float | None:
    numbers = [float(value) for value in values if value is not None]
    return statistics.fmean(numbers) if numbers else None


def _places(axis: Axis, lines: Sequence[Mapping[str, Any]], metric: str) -> dict[str, int]:
    """Where the labels of an axis stand: numbers by size, names by the best mean they reach."""
    labels = ordered(axis)
    if not all(map(is_number, labels)):
        better = -1.0 if metric == "accuracy" else 1.0

        def reached(label: Any) -> float:
            mine = [line["mean"] for line in lines if line["at"][axis.name] == label and line["mean"] is not None]
            return min((better * mean for mean in mine), default=math.inf)

        labels = sorted(labels, key=reached)
    return {key_of(label): place for place, label in enumerate(labels)}


def best_of(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The point with the highest accuracy, or the lowest loss; None where no cell is done."""
    known = [line for line in lines if line["mean"] is not None]
    if not known:
        return None
    return max(known, key=lambda line: line["mean"] if line["metric"] == "accuracy" else -line["mean"])


def write_csv(path: Path, plan: Plan, rows: Sequence[Mapping[str, Any]]) -> Path:
    """All cells as CSV: labels, status, numbers and error; a number that is not there is empty."""
    axes = [axis.name for axis in plan.axes]
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["cell", *axes, SEED, "status", *NUMBERS, "error"])
        for row in rows:
            labels = [row["at"][name] for name in (*axes, SEED)]
            numbers = ["" if row[name] is None else row[name] for name in NUMBERS]
            writer.writerow([row["cell"], *labels, row["status"], *numbers, row["error"]])
    return path

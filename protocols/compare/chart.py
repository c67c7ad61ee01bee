"""Accuracy by epochs as points of a drawing that stands in the page itself, so that its curves can be hidden."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ...recordings.plot_style import colours
from .curves import means, random_of

WIDTH, HEIGHT = 820, 420
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 46
STEPS = (1.0, 2.0, 5.0, 10.0)  # of ticks, times a power of ten


def chart(curves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the page draws: lines by rule (points of the mean, dots of the seeds, colour), ticks of both axes, the random network.

    Args:
        curves: see `curves_of`; at least one.
    """
    rules = means(curves)
    random = random_of(curves)
    accuracies = [value for points in rules.values() for seeds in points.values() for value in seeds]
    last = max(epochs for points in rules.values() for epochs in points)
    low, high = min([*accuracies, random]), max([*accuracies, random])
    ticks = ticks_of(low, high)
    bottom, top = min(low, ticks[0]), max(high, ticks[-1])

    def x(epochs: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * epochs / last, 1)

    def y(accuracy: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (top - accuracy) / max(top - bottom, 1e-9), 1)

    shades = colours(len(rules))
    lines = []
    for shade, (rule, points) in zip(shades, rules.items(), strict=True):
        path = [(x(epochs), y(statistics.fmean(points[epochs]))) for epochs in sorted(points)]
        dots = [(x(epochs), y(value)) for epochs, values in sorted(points.items()) for value in values]
        end = statistics.fmean(points[max(points)])
        lines.append(
            {
                "rule": rule,
                "colour": shade,
                "path": " ".join(f"{a},{b}" for a, b in path),
                "dots": dots,
                "end": f"{end:.2f}",
            }
        )
    return {
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "bottom": HEIGHT - BOTTOM, "lines": lines,
        "x": [(x(tick), f"{tick:g}") for tick in ticks_of(0, last) if tick <= last],
        "y": [(y(tick), f"{tick:g}") for tick in ticks], "random": y(random), "random_text": f"{random:.1f}",
    }  # fmt: skip


def ticks_of(low: float, high: float, most: int = 8) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`.

    >>> ticks_of(0, 60), ticks_of(52.3, 70.1)
    ([0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0], [50.0, 55.0, 60.0, 65.0, 70.0, 75.0])
    """
    span = max(high - low, 1e-6)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * times for times in STEPS if span / (power * times) <= most - 1)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(step * i, 10) for i in range(first, last + 1)]

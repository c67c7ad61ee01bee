"""Theorem 3.3: where the network narrows, feedback from the top brings the local change closer to the backprop gradient.

Semi-orthogonal basal weights (orthonormal rows), B at its optimum. Compared are the squared distances of the whole change of the
populations wider than the top, sum of |dW - dW'|^2, with own (lateral) and with top (dfb) context.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch

from ...models import Network
from ...plasticity import Contrast
from .changes import backprop_changes, local_changes, squares
from .networks import SOURCES, Batch, dense, glances, orthonormal
from .optimum import settle
from .theorem_3_1 import CONTRASTS

RATIOS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
DEPTHS = (2, 3, 5)
WIDTHS = (10, 14, 20)
OBJECTS = 128
FEW_OBJECTS = (4, 8, 16, 32, 64)  # where the data do not fill the space that B lives in
ROUNDING = 1e-20  # squared relative distance below which both changes are equal


def widths(first: int, ratio: float, depth: int) -> list[int]:
    """Widths from the input upwards, each `ratio` times the one before, never rising and at least 2.

    >>> widths(8, 0.5, 4)
    [8, 4, 2, 2, 2]
    """
    found = [first]
    for _ in range(depth):
        found.append(max(2, min(found[-1], round(found[-1] * ratio))))
    return found


def narrowing(sizes: Sequence[int], generator: torch.Generator) -> Network:
    """A dense network whose basal weights have orthonormal rows."""
    return dense([orthonormal(below, above, generator) for above, below in pairwise(sizes)])


def distances(network: Network, contrast: Contrast, batch: Batch) -> dict[str, Any]:
    """Relative distances by context source; whether that with top context is the larger, and in how many populations it is."""
    top = network.populations[-1].units
    below = [p.name for p in network.populations if p.units > top]  # at equal width theorem 3.1 holds
    reference = backprop_changes(network, contrast, batch)
    apart = {s: squares(local_changes(network, contrast, batch, s), reference, below)[0] for s in SOURCES}
    length = squares(reference, reference, below)[1]
    return {
        "relative": {source: (sum(apart[source]) / sum(length)) ** 0.5 for source in SOURCES},
        "violated": _exceeds(sum(apart["dfb"]), sum(apart["lateral"]), sum(length)),
        "populations": len(below),
        "violated_populations": sum(map(_exceeds, apart["dfb"], apart["lateral"], length)),
    }


def _exceeds(top: float, own: float, length: float) -> bool:
    return top > own + ROUNDING * length


def check(cases: int, generator: torch.Generator, *, objects: int = OBJECTS) -> Iterator[dict[str, Any]]:
    """One row per network: what it is, and its `distances`.

    Networks take turns through contrasts, width ratios, white and coloured data, depths and widths.
    """
    for i in range(cases):
        turn, contrast = divmod(i, len(CONTRASTS))
        name = list(CONTRASTS)[contrast]
        ratio = RATIOS[turn % len(RATIOS)]
        rest = turn // len(RATIOS)
        coloured, depth = bool(rest % 2), DEPTHS[rest // 2 % len(DEPTHS)]
        first = WIDTHS[(rest // 2 + turn) % len(WIDTHS)]
        network = narrowing(widths(first, ratio, depth), generator)
        batch = glances(network.shape, objects, generator, coloured=coloured)
        settle(network, CONTRASTS[name], batch)
        yield {
            "contrast": name, "ratio": ratio, "coloured": coloured, "depth": depth, "width": first, "objects": objects,
            **distances(network, CONTRASTS[name], batch),
        }  # fmt: skip


def check_few(cases: int, generator: torch.Generator) -> Iterator[dict[str, Any]]:
    """The same for each of a few numbers of objects, `cases` networks each."""
    for objects in FEW_OBJECTS:
        yield from check(cases, generator, objects=objects)


def summary(rows: list[dict[str, Any]], few: list[dict[str, Any]]) -> dict[str, Any]:
    """Violations, mean distances by contrast and by width ratio, and violations where objects are few."""
    return {
        "passed": not any(row["violated"] for row in rows),
        "cases": len(rows),
        "violations": sum(row["violated"] for row in rows),
        "populations": sum(row["populations"] for row in rows),
        "violated_populations": sum(row["violated_populations"] for row in rows),
        "distance": {c: _mean([r for r in rows if r["contrast"] == c]) for c in CONTRASTS if _has(rows, "contrast", c)},
        "ratios": [
            {"ratio": ratio, **_mean([r for r in rows if r["ratio"] == ratio])}
            for ratio in RATIOS
            if _has(rows, "ratio", ratio)
        ],
        "few_objects": [_few(few, objects) for objects in FEW_OBJECTS],
    }


def _has(rows: list[dict[str, Any]], field: str, value: Any) -> bool:
    return any(row[field] == value for row in rows)


def _mean(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {source: sum(row["relative"][source] for row in rows) / len(rows) for source in SOURCES}


def _few(rows: list[dict[str, Any]], objects: int) -> dict[str, Any]:
    chosen = [row for row in rows if row["objects"] == objects]
    populations = ("populations", "violated_populations")
    return {
        "objects": objects,
        "cases": len(chosen),
        "violations": sum(row["violated"] for row in chosen),
        **{name: sum(row[name] for row in chosen) for name in populations},
        "violations_linear": sum(row["violated_populations"] for row in chosen if row["contrast"] == "linear"),
    }

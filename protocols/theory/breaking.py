"""What breaks theorem 3.1: basal weights away from orthonormal, and rates that are not linear in the potential."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ...models import leaky
from .changes import backprop_changes, cosine, gap, local_changes
from .networks import SOURCES, dense, gaussian, glances, polar
from .optimum import settle
from .theorem_3_1 import CONTRASTS, CRITERION

WIDTH, DEPTH, OBJECTS = 10, 4, 64
NETWORKS = 6
MIXTURES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)  # share of the random matrix
SLOPES = (1.0, 0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2, 0.0)
SHOWN = ("linear", "softplus")
TOTAL = NETWORKS * len(SHOWN) * (len(MIXTURES) + len(SLOPES))
APART = 0.1  # least gap of a condition that is broken


def departure(matrices: Sequence[Tensor]) -> float:
    """|W^T W - 1| / sqrt(width), its mean over the populations: 0 for orthonormal weights."""
    apart = [float((m.T @ m - torch.eye(len(m), dtype=m.dtype)).norm()) / math.sqrt(len(m)) for m in matrices]
    return sum(apart) / len(apart)


def check(generator: torch.Generator, networks: int = NETWORKS) -> Iterator[dict[str, Any]]:
    """One row per network, contrast, condition and value: `gap` and `cosine` below the top by context source.

    Condition `orthogonality`: W = (1 - t) P + t R with R random and P its polar factor, linear; value t.
    Condition `nonlinearity`: W = P, slope below zero from 1 to 0; value the slope.
    """
    for i in range(networks):
        drawn = [gaussian(WIDTH, WIDTH, generator) for _ in range(DEPTH)]
        factors = [polar(m) for m in drawn]
        batch = glances((WIDTH, 1, 1), OBJECTS, generator, coloured=bool(i % 2))
        conditions = [
            *(
                ("orthogonality", t, [(1 - t) * p + t * r for p, r in zip(factors, drawn, strict=True)])
                for t in MIXTURES
            ),
            *(("nonlinearity", slope, factors) for slope in SLOPES),
        ]
        for name in SHOWN:
            for condition, value, matrices in conditions:
                network = dense(matrices, leaky(value if condition == "nonlinearity" else 1.0))
                settle(network, CONTRASTS[name], batch)
                reference = backprop_changes(network, CONTRASTS[name], batch)
                below = network.names[:-1]
                found = {source: local_changes(network, CONTRASTS[name], batch, source) for source in SOURCES}
                yield {
                    "network": i, "contrast": name, "condition": condition, "value": value,
                    "departure": departure(matrices),
                    "gap": {source: gap(changes, reference, below) for source, changes in found.items()},
                    "cosine": {source: cosine(changes, reference, below) for source, changes in found.items()},
                }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over networks by condition and contrast; passed where the theorem holds at the origin alone."""
    ends = {"orthogonality": (MIXTURES[0], MIXTURES[-1]), "nonlinearity": (SLOPES[0], SLOPES[-1])}
    origin, far = ([r["gap"] for r in rows if r["value"] == ends[r["condition"]][end]] for end in (0, 1))
    kept = max(max(gaps.values()) for gaps in origin) <= CRITERION["smooth"]
    found: dict[str, Any] = {"passed": kept and min(min(gaps.values()) for gaps in far) > APART}
    for condition, values in (("orthogonality", MIXTURES), ("nonlinearity", SLOPES)):
        found[condition] = []
        for name in SHOWN:
            for value in values:
                of = [r for r in rows if (r["condition"], r["contrast"], r["value"]) == (condition, name, value)]
                means = {
                    f"{kind}_{source}": sum(r[kind][source] for r in of) / len(of)
                    for kind in ("gap", "cosine")
                    for source in SOURCES
                }
                departures = sum(r["departure"] for r in of) / len(of)
                found[condition].append({"contrast": name, "value": value, "departure": departures, **means})
    return found

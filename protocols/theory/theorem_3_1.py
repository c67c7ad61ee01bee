"""Theorem 3.1: with orthonormal basal weights of equal width and B at its optimum, the local change is the backprop gradient."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from ...models import Network
from ...plasticity import Contrast, Linear, LogisticDifference, Softplus
from .changes import backprop_changes, local_changes, squares
from .networks import SOURCES, Batch, centred, convolutional, dense, glances, orthonormal
from .optimum import settle, stationarity

CONTRASTS: dict[str, Contrast] = {"linear": Linear(), "softplus": Softplus(), "logistic": LogisticDifference()}
CRITERION = {"linear": 1e-12, "smooth": 1e-7}
OBJECTS = 32
SIDE = 4  # of the convolutional maps


@dataclass(frozen=True, slots=True)
class Case:
    """One network with its data.

    Attributes:
        kind: `dense` or `conv`.
        depth: populations.
        width: neurons, or channels, of every population and of the input.
        grid: side of the block-pooled map of a convolutional network; 0 for a dense one.
        coloured: whether the covariance of the data has eigenvalues 1/k; else it is the identity.
        contrast: name of the contrast function.
    """

    kind: str
    depth: int
    width: int
    grid: int
    coloured: bool
    contrast: str


def cases() -> list[Case]:
    """All combinations that the command checks."""
    dense_cases = product(["dense"], (2, 4, 8, 16), (8, 12, 16), (0,), (False, True), CONTRASTS)
    conv_cases = product(["conv"], (2, 4), (4,), (1, 2, SIDE), (False, True), CONTRASTS)
    return [Case(*case) for case in (*dense_cases, *conv_cases)]


def made(case: Case, generator: torch.Generator) -> tuple[Network, Batch]:
    """The network of a case, B = 0, and a batch for it."""
    matrices = [orthonormal(case.width, case.width, generator) for _ in range(case.depth)]
    if case.kind == "dense":
        network = dense(matrices)
    else:
        # with zero padding, only a kernel without surround maps the plane orthonormally
        network = convolutional(SIDE, [centred(m) for m in matrices], [case.grid] * case.depth)
    return network, glances(network.shape, OBJECTS, generator, coloured=case.coloured)


def errors(network: Network, contrast: Contrast, batch: Batch) -> dict[str, float]:
    """Largest relative error over the populations, |dW - dW'| / |dW'|, by context source."""
    reference = backprop_changes(network, contrast, batch)
    found = {}
    for source in SOURCES:
        apart, length = squares(local_changes(network, contrast, batch, source), reference, network.names)
        found[source] = max((a / b) ** 0.5 for a, b in zip(apart, length, strict=True))
    return found


def check(generator: torch.Generator) -> Iterator[dict[str, Any]]:
    """One row per case: its fields, `error` by context source, and `stationarity`, the largest |dJ/dB|."""
    for case in cases():
        network, batch = made(case, generator)
        contrast = CONTRASTS[case.contrast]
        settle(network, contrast, batch)
        yield {
            **{name: getattr(case, name) for name in case.__slots__},
            "error": errors(network, contrast, batch),
            "stationarity": stationarity(network, contrast, batch),
        }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Largest errors against the criterion."""
    largest = {
        kind: max(max(row["error"].values()) for row in rows if (row["contrast"] == "linear") == (kind == "linear"))
        for kind in CRITERION
    }
    return {
        "passed": all(largest[kind] <= CRITERION[kind] for kind in CRITERION),
        "cases": len(rows),
        "largest_error": largest,
        "criterion": CRITERION,
        "stationarity": max(row["stationarity"] for row in rows),
    }

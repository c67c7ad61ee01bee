"""Theorem 3.1 for the hinge, through dual variables.

At the optimum of a hinge objective many scores lie on the margin, where the loss has a kink and the neuromodulator may be anything
from 0 to its full value. B* is unique all the same, and so are the neuromodulators that make it stationary,

    B* = (1/p) sum_i w_i (gamma+_i z_pi+(i) + gamma-_i z_pi-(i)) c_i^T,     0 <= gamma+_i <= 1,  -1 <= gamma-_i <= 0

namely the dual variables of the problem. The theorem then says: the subgradient of the local objective with these neuromodulators
is the subgradient of the top's objective with the same ones. With the rule's own choice at the margin (0) it does not hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...models import Network
from ...models.engine import rates
from ...plasticity import Hinge
from ..errors import ProtocolError
from .changes import backprop_changes, local_changes, squares
from .networks import SOURCES, Batch, dense, glances, orthonormal
from .optimum import PENALTY

DEPTHS, WIDTHS = (2, 4, 8), (10, 12)
OBJECTS = 16  # fewer scores than entries of B: the dual variables are unique
TOTAL = 2 * len(DEPTHS) * len(WIDTHS)
CRITERION = 1e-7
STEPS = 500


@dataclass(frozen=True, slots=True)
class Given:
    """A contrast whose neuromodulators are given: L+ = -gamma+ u+, L- = -gamma- u-.

    Attributes:
        fixation, saccade: gamma+ and gamma- of every row.
    """

    fixation: Tensor
    saccade: Tensor
    separable: ClassVar[bool] = True

    def losses(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """The linear losses above."""
        return -self.fixation * fixation, -self.saccade * saccade

    def modulators(self, fixation: Tensor, saccade: Tensor) -> tuple[Tensor, Tensor]:
        """What was given."""
        return self.fixation, self.saccade


def dual(rate: Tensor, context: Tensor, batch: Batch, penalty: float = PENALTY) -> tuple[Given, Tensor]:
    """Neuromodulators at the optimum of the hinge objective, and B*.

    Maximises sum_i w_i |gamma_i| - p/2 |B(gamma)|^2 over the box of the gammas by Newton steps on those that are free.

    Raises:
        ProtocolError: the steps do not end at an optimum.
    """
    pairing = batch.pairing
    posts, pres = torch.cat([rate[pairing.fixation], -rate[pairing.saccade]]), torch.cat([context, context])
    top = torch.cat([pairing.fixation_weight, pairing.saccade_weight])
    gram = (posts @ posts.T) * (pres @ pres.T) / penalty
    alpha = _box(gram, top)
    fixation, saccade = (alpha / top).chunk(2)
    return Given(fixation, -saccade), posts.T @ (alpha[:, None] * pres) / penalty


def _box(gram: Tensor, top: Tensor) -> Tensor:
    """Minimiser of a^T G a / 2 - sum a over 0 <= a <= top (projected Newton steps; Bertsekas 1982)."""

    def value(a: Tensor) -> float:
        return float(a @ gram @ a / 2 - a.sum())

    alpha = top / 2
    for _ in range(STEPS):
        slope = gram @ alpha - 1
        held = ((alpha <= 0) & (slope > 0)) | ((alpha >= top) & (slope < 0))
        free = torch.nonzero(~held).flatten()
        if len(free) == 0 or float(slope[free].abs().max()) < 1e-13:
            return alpha
        step = torch.zeros_like(alpha)
        step[free] = -torch.linalg.solve(gram[free][:, free], slope[free])
        length = 1.0
        while True:
            tried = (alpha + length * step).clamp(min=torch.zeros_like(top), max=top)
            if value(tried) < value(alpha) or length < 1e-12:
                break
            length /= 2
        if length < 1e-12:
            if float(slope[free].abs().max()) < 1e-10:
                return alpha  # rounding has taken over
            tried = (alpha - 1e-3 / float(gram.diagonal().max()) * slope).clamp(min=torch.zeros_like(top), max=top)
        alpha = tried
    raise ProtocolError(f"hinge.dual: expected an optimum in {STEPS} steps, got none; raise the penalty")


def check(generator: torch.Generator) -> Iterator[dict[str, Any]]:
    """One row per network: relative errors with the dual variables and with the rule's own choice, and scores on the margin."""
    for depth in DEPTHS:
        for width in WIDTHS:
            for coloured in (False, True):
                network = dense([orthonormal(width, width, generator) for _ in range(depth)])
                batch = glances(network.shape, OBJECTS, generator, coloured=coloured)
                yield {"depth": depth, "width": width, "coloured": coloured, **_errors(network, batch)}


def _errors(network: Network, batch: Batch) -> dict[str, Any]:
    found = [p.pooled(z) for p, z in zip(network.populations, rates(network, batch.images), strict=True)]
    contrasts: dict[str, list[Given]] = {}
    for source in SOURCES:
        contrasts[source] = []
        for projection, rate in zip(network.apical[source], found, strict=True):
            given, projection.weight = dual(rate, rate if source == "lateral" else found[-1], batch)
            contrasts[source].append(given)
    top = contrasts["lateral"][-1]
    references = backprop_changes(network, top, batch), backprop_changes(network, Hinge(), batch)
    error = {}
    for source in SOURCES:
        errors = []
        for name, given in zip(network.names, contrasts[source], strict=True):
            apart, length = squares(local_changes(network, given, batch, source), references[0], [name])
            errors.append((apart[0] / length[0]) ** 0.5)
        error[source] = max(errors)
    apart, length = squares(local_changes(network, Hinge(), batch, "lateral"), references[1], network.names)
    gammas = torch.cat([top.fixation, -top.saccade])
    return {
        "error": error,
        "error_without": max((a / b) ** 0.5 for a, b in zip(apart, length, strict=True)),
        "on_margin": float(((gammas > 1e-9) & (gammas < 1 - 1e-9)).double().mean()),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Largest error with dual variables, and what the rule's own choice at the margin costs."""
    error = max(max(row["error"].values()) for row in rows)
    return {
        "passed": error <= CRITERION,
        "cases": len(rows),
        "error": error,
        "error_without": max(row["error_without"] for row in rows),
        "on_margin": sum(row["on_margin"] for row in rows) / len(rows),
    }

"""Fits of tuning curves with two parameters in the shape and the rest solved exactly (variable projection).

    f(x) = b + sum_k A_k g_k(x; p, q),   A_k >= 0

For every (p, q) baseline and amplitudes are a linear least-squares problem with one or two columns. So the fit is a search over (p, q)
alone: a coarse grid that every unit shares, then grids around each unit's best that halve from step to step. It has no start to choose and
cannot run away (Golub and Pereyra 1973, SIAM J. Numer. Anal. 10:413, for the projection).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# parameters p and q (..., 1) to the columns (..., K, points)
Columns = Callable[[Array, Array], Array]

HALVINGS = 22
UNITS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters of the best curve of every unit.

    Attributes:
        p, q: parameters of the shape, (units,).
        amplitudes: (units, K).
        baseline: (units,).
        r2: share of the variance over points that the curve explains; NaN of a unit that does not vary.
    """

    p: Array
    q: Array
    amplitudes: Array
    baseline: Array
    r2: Array


def fit(
    columns: Columns, responses: Array, p: tuple[float, float], q: tuple[float, float], *, periodic: bool = False,
    coarse: tuple[int, int] = (36, 16),
) -> Fit:  # fmt: skip
    """Fit every unit's responses.

    Args:
        columns: of the model, as a function of p and q.
        responses: (units, points), finite.
        p, q: bounds of the parameters; steps are linear within them.
        periodic: whether p goes round: it may leave its bounds.
        coarse: steps of the first grid.
    """
    grid_p, grid_q = (np.linspace(*bounds, steps) for bounds, steps in zip((p, q), coarse, strict=True))
    pp, qq = (axis.ravel() for axis in np.meshgrid(grid_p, grid_q, indexing="ij"))
    shared = columns(pp[:, None], qq[:, None])
    steps = [(high - low) / max(1, count - 1) for (low, high), count in zip((p, q), coarse, strict=True)]
    parts = [
        _portion(
            columns,
            responses[start : start + UNITS_AT_ONCE],
            shared,
            (pp, qq),
            ((-np.inf, np.inf) if periodic else p, q),
            steps,
        )
        for start in range(0, len(responses), UNITS_AT_ONCE)
    ]
    return Fit(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("p", "q", "amplitudes", "baseline", "r2")
        )
    )


def _portion(
    columns: Columns, y: Array, shared: Array, grid: tuple[Array, Array], bounds: tuple[tuple[float, float], tuple[float, float]],
    steps: list[float],
) -> Fit:  # fmt: skip
    best = np.argmin(_solved(shared[None], y[:, None])[0], axis=1)
    p, q = grid[0][best], grid[1][best]
    around = np.array([(i, j) for i in (-1, -0.5, 0, 0.5, 1) for j in (-1, -0.5, 0, 0.5, 1)])
    units = np.arange(len(y))
    for _ in range(HALVINGS):
        try_p = np.clip(p[:, None] + around[:, 0] * steps[0], *bounds[0])
        try_q = np.clip(q[:, None] + around[:, 1] * steps[1], *bounds[1])
        chosen = np.argmin(_solved(columns(try_p[..., None], try_q[..., None]), y[:, None])[0], axis=1)
        p, q = try_p[units, chosen], try_q[units, chosen]
        steps = [step / 2 for step in steps]
    error, amplitudes, baseline = _solved(columns(p[:, None], q[:, None]), y)
    total = ((y - y.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    flat = total <= 1e-20 * np.maximum((y**2).sum(axis=-1), 1e-300)
    return Fit(p, q, amplitudes, baseline, np.where(flat, np.nan, 1 - error / np.where(flat, 1, total)))


def _solved(g: Array, y: Array) -> tuple[Array, Array, Array]:
    """Squared error, amplitudes and baseline of the best curve with columns g (..., K, points) for y (..., points)."""
    centre, middle = g.mean(axis=-1, keepdims=True), y.mean(axis=-1, keepdims=True)
    gc, yc = g - centre, y - middle
    power, shared = (gc * gc).sum(axis=-1), (gc * yc[..., None, :]).sum(axis=-1)
    total = (yc * yc).sum(axis=-1)
    usable = power > 1e-12
    alone = np.where(usable, np.clip(shared, 0, None) / np.where(usable, power, 1), 0)
    gain = alone * shared
    if g.shape[-2] == 1:
        amplitudes, explained = alone, gain[..., 0]
    else:
        # two columns: both, where both amplitudes are positive, else the better one of them alone
        overlap = (gc[..., 0, :] * gc[..., 1, :]).sum(axis=-1)
        determinant = power[..., 0] * power[..., 1] - overlap**2
        proper = determinant > 1e-9 * np.maximum(power[..., 0] * power[..., 1], 1e-300)
        safe = np.where(proper, determinant, 1)
        first = (shared[..., 0] * power[..., 1] - shared[..., 1] * overlap) / safe
        second = (shared[..., 1] * power[..., 0] - shared[..., 0] * overlap) / safe
        both = proper & (first > 0) & (second > 0)
        better = np.stack([gain[..., 0] >= gain[..., 1], gain[..., 0] < gain[..., 1]], axis=-1)
        amplitudes = np.where(both[..., None], np.stack([first, second], axis=-1), np.where(better, alone, 0))
        explained = np.where(both, first * shared[..., 0] + second * shared[..., 1], gain.max(axis=-1))
    baseline = middle[..., 0] - (amplitudes * centre[..., 0]).sum(axis=-1)
    return np.clip(total - explained, 0, None), amplitudes, baseline

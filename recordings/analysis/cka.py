"""Linear centred kernel alignment between populations, unbiased and in mini-batches.

    K = X X^T, L = Y Y^T with their diagonals set to 0, over the n rows of a mini-batch
    HSIC_1(K, L) = 1 / (n (n - 3)) [ tr(K L) + 1'K1 1'L1 / ((n - 1)(n - 2)) - 2 / (n - 2) 1'K L1 ]
                                                        (Song et al. 2012, JMLR 13:1393, eq. 5)
    CKA = sum HSIC_1(K, L) / sqrt( sum HSIC_1(K, K) sum HSIC_1(L, L) )    sums over mini-batches
                                                        (Nguyen, Raghu and Kornblith 2021, ICLR, eq. 3)

HSIC_1 is unbiased, so that the mean over batches of any size estimates that of the whole; the plain form of Kornblith et al. (2019) is
near 1 for any two populations with more units than rows. Rows are taken in
random order (see `mixed_blocks`): a mini-batch is a sample of the whole, also where trials of one stimulus stand beside each other.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .blocks import mixed_blocks
from .described import two_dimensional, variable

BATCH = 256
LEAST = 4  # rows that HSIC_1 needs

Matrix = NDArray[np.float64]


def hsic(k: Matrix, other: Matrix) -> float:
    """HSIC_1 of two kernel matrices (n, n) whose diagonals are 0."""
    n = len(k)
    a, b = k.sum(axis=0), other.sum(axis=0)
    value = np.vdot(k, other) + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (a @ b)
    return float(value / (n * (n - 3)))


def kernel(rows: NDArray[np.floating]) -> Matrix:
    """Linear kernel of some rows (n, unit), its diagonal 0.

    Rows are centred first: HSIC_1 does not change by it, and rounding does not grow with the mean.
    """
    single = rows.astype(np.promote_types(rows.dtype, np.float32), copy=False)
    centred = single - single.mean(axis=0, dtype=np.float64).astype(single.dtype)
    found = np.asarray(centred @ centred.T, dtype=np.float64)
    np.fill_diagonal(found, 0)
    return found


def cka(
    populations: Mapping[str, xr.DataArray],
    others: Mapping[str, xr.DataArray] | None = None,
    *,
    rows: NDArray[np.bool_] | None = None,
    batch: int = BATCH,
    seed: int = 0,
) -> xr.DataArray:
    """Linear CKA of every pair of populations.

    Args:
        populations: signals (trial, unit) of the same trials, by name.
        others: those of a second network on the same trials; None for the first ones again.
        rows: trials to use.
        batch: rows of a mini-batch, at least 4.
        seed: of the order of rows.

    Returns:
        (population, other_population); NaN where a population does not vary. An unbiased estimate may lie a little below 0 or above 1.

    Raises:
        RecordingError: fewer than 4 trials, a batch below that, or populations of different trials.
    """
    if batch < LEAST:
        raise RecordingError(f"analysis.batch: expected at least {LEAST} rows, got {batch}; raise it")
    second = populations if others is None else others
    signals = [two_dimensional(signal) for signal in (*populations.values(), *(others or {}).values())]
    count = len(signals)
    sums, batches = np.zeros((count, count)), 0
    for kernels in _kernels(signals, rows, batch, np.random.default_rng(seed)):
        for i, k in enumerate(kernels):
            for j in range(i, count):
                sums[i, j] += hsic(k, kernels[j])
        batches += 1
    if not batches:
        raise RecordingError(f"analysis.cka: expected at least {LEAST} trials, got fewer; record more of them")
    own = np.diag(sums)
    power = np.outer(own, own)
    usable = (own[:, None] > 0) & (own[None, :] > 0)
    values = np.where(usable, np.triu(sums) / np.sqrt(np.where(usable, power, 1)), np.nan)
    values = np.where(np.tri(count, k=-1, dtype=bool), values.T, values)
    n = len(populations)
    part = values if others is None else values[:n, n:]
    made = variable(("population", "other_population"), part, "linear CKA, unbiased")
    coords = {
        "population": ("population", list(populations), {"long_name": "population"}),
        "other_population": ("other_population", list(second), {"long_name": "population"}),
    }
    return xr.DataArray(made.data, coords, made.dims, name="cka", attrs=made.attrs)


def _kernels(
    signals: Sequence[xr.DataArray], rows: NDArray[np.bool_] | None, batch: int, random: np.random.Generator
) -> Iterator[list[Matrix]]:
    """Kernels of all signals, one mini-batch after another; rows that are left of a block join the next one."""
    left: list[NDArray[np.floating]] = []
    for found in mixed_blocks(*signals, rows=rows, random=random):
        values = [np.concatenate([old, new]) for old, new in zip(left, found, strict=True)] if left else list(found)
        whole = len(values[0]) // batch * batch
        for start in range(0, whole, batch):
            yield [kernel(part[start : start + batch]) for part in values]
        left = [part[whole:].copy() for part in values]
    if left and len(left[0]) >= LEAST:
        yield [kernel(part) for part in left]

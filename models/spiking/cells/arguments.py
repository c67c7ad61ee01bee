"""What `drive` refuses: numbers, shapes and words that do not fit the cells."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ModelError
from ..neuron import unknown
from .cell import Cell, Synapse

Array = NDArray[np.float64]
WIRINGS = ("all", "one")
MOST_VALUES = 1 << 27  # 1 GiB of samples


def course(cell: Cell, name: str, values: ArrayLike, cells: int) -> Array:
    """Values of one input, (cells, steps); refused where they do not fit."""
    if name not in cell.inputs:
        raise unknown(f"drive.inputs of {cell.name}", name, cell.inputs)
    given = np.asarray(values, dtype=np.float64)
    if given.ndim < 2:
        given = np.broadcast_to(given, (cells,))[:, None] if given.size in (1, cells) else given[:, None]
    if given.ndim != 2 or given.shape[0] not in (1, cells) or not given.size or not np.isfinite(given).all():
        raise ModelError(
            f"drive.inputs.{name}: expected finite numbers, one for each of {cells} cells or (cells, steps), got shape "
            f"{np.shape(values)}; correct it"
        )
    return np.array(np.broadcast_to(given, (cells, given.shape[1])))


def count_sources(
    synapse: Synapse | None, pre: Sequence[ArrayLike] | None, rates: ArrayLike | None, duration: float, dt: float
) -> int:
    """How many there are."""
    if synapse is None:
        if pre is not None or rates is not None:
            raise ModelError(
                "drive.synapse: expected one for the spikes of sources, got None; give a synapse or no sources"
            )
        return 0
    if (pre is None) == (rates is None):
        raise ModelError("drive.pre: expected spike times or rates, got both or neither; give one of pre and rates")
    if rates is not None:
        given = np.atleast_1d(np.asarray(rates, dtype=np.float64))
        if given.ndim != 1 or not (np.isfinite(given) & (given >= 0) & (given * dt <= 100)).all():
            raise ModelError(
                f"drive.rates: expected rates from 0 to {100 / dt:g} Hz, got {given.tolist()[:6]}; lower them or dt"
            )
        return len(given)
    assert pre is not None
    for number, times in enumerate(pre):
        _check_spikes(f"drive.pre[{number}]", times, dt)
    return len(pre)


def _check_spikes(field: str, times: ArrayLike, dt: float) -> None:
    given = np.asarray(times, dtype=np.float64).ravel()
    if not (np.isfinite(given) & (given >= 0)).all():
        raise ModelError(f"{field}: expected times from 0 ms, got {given.min()!r}; correct it")
    bins = np.sort(np.rint(given / dt))
    if (np.diff(bins) == 0).any():
        raise ModelError(f"{field}: expected at most one spike a step of {dt:g} ms, got two; lower dt or move one")


def check_post(cell: Cell, post: Sequence[ArrayLike], cells: int) -> None:
    """Refuse given spikes that do not fit the cells."""
    if len(post) != cells:
        raise ModelError(
            f"drive.post: expected the spikes of {cells} cells, got those of {len(post)}; give one array a cell"
        )
    for number, times in enumerate(post):
        given = np.asarray(times, dtype=np.float64)
        if not (np.isfinite(given) & (given >= 0)).all():
            raise ModelError(f"drive.post[{number}]: expected times from 0 ms, got {given.min()!r}; correct it")


def initial_weights(weights: ArrayLike, wiring: str, cells: int, sources: int) -> Array:
    """Weights at the start, in the shape of the wiring."""
    if wiring not in WIRINGS:
        raise unknown("drive.wiring", wiring, WIRINGS)
    if wiring == "one" and sources != cells:
        raise ModelError(f"drive.wiring: expected {cells} sources for as many cells, got {sources}; use wiring='all'")
    shape = (cells, sources) if wiring == "all" else (cells,)
    given = np.asarray(weights, dtype=np.float64)
    try:
        start = np.array(np.broadcast_to(given, shape))
    except ValueError:
        raise ModelError(f"drive.weights: expected a number or {shape}, got {given.shape}; see wiring") from None
    if not np.isfinite(start).all():
        raise ModelError("drive.weights: expected finite numbers, got others; correct them")
    return start


def check_times(duration: float, step: float, every: float, weight_every: float | None, dt: float, seed: int) -> None:
    """Refuse times that are no multiples of the step."""
    times = {"duration": duration, "step": step, "every": every, "dt": dt}
    for name, value in (times | ({"weight_every": weight_every} if weight_every is not None else {})).items():
        if not (math.isfinite(value) and value > 0):
            raise ModelError(f"drive.{name}: expected a time above 0 ms, got {value!r}; correct it")
        if name != "dt" and abs(value / dt - round(value / dt)) > 1e-6:
            raise ModelError(f"drive.{name}: expected a multiple of dt = {dt:g} ms, got {value!r}; round it")
    if seed < 0:
        raise ModelError(f"drive.seed: expected 0 or above, got {seed!r}; choose another")


def check_size(cell: Cell, cells: int, samples: float, start: Array | None, weight_samples: float | None) -> None:
    """Refuse more samples than memory should hold."""
    values = cells * samples * (len(cell.roles) + len(cell.kept))
    values += start.size * weight_samples if start is not None and weight_samples else 0
    if values > MOST_VALUES:
        raise ModelError(
            f"drive.every: expected at most {MOST_VALUES} sampled values, got {values:.0f}; sample less often or run fewer cells"
        )

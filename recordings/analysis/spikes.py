"""Measures of spike trains of single units over the trials of a replay.

    CV   = sd(I) / mean(I)                                              of all intervals I within trials
    CV2  = mean 2 |I_k+1 - I_k| / (I_k+1 + I_k)                         (Holt et al. 1996, J. Neurophysiol. 75:1806)
    LV   = mean 3 (I_k+1 - I_k)^2 / (I_k+1 + I_k)^2                     (Shinomoto et al. 2003, Neural Comput. 15:2823)
    Fano = var(N) / mean(N)                                             of the counts N of trials; the variance divides by their number

Of a Poisson process all four are 1. CV2 and LV compare neighbouring intervals and bear a rate that changes between trials. Fano counts how the
drive differs between trials as well. The correlogram of a pair is the histogram of t_j - t_i over spikes of one trial.
"""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import RecordingError
from .described import variable

Train = NDArray[np.float64]  # spike times of one unit in one trial, ms, in order
ENGINES = ("own", "elephant")


def engine(wanted: str | None = None) -> str:
    """Which code computes the measures: `elephant` where it is installed, else our own.

    Raises:
        RecordingError: an unknown word, or elephant without it being installed.
    """
    installed = find_spec("elephant") is not None
    if wanted is None:
        return "elephant" if installed else "own"
    if wanted not in ENGINES:
        raise RecordingError(f"analysis.engine: expected one of {', '.join(ENGINES)}, got {wanted!r}; choose one")
    if wanted == "elephant" and not installed:
        raise RecordingError(
            "analysis.engine: expected elephant to be installed, got none; pip install 'apical[spikes]'"
        )
    return wanted


def trains(replay: xr.DataTree) -> list[list[Train]]:
    """Spike times of a replay in ms, by unit and trial, from its tables `trials` and `spikes`."""
    trials, spikes = replay["trials"].to_dataset(), replay["spikes"].to_dataset()
    times, units = spikes["spike_time"].values.astype(np.float64), spikes["spike_unit"].values
    first, count = trials["spike_offset"].values, trials["spike_count"].values
    found: list[list[Train]] = [[] for _ in range(trials.sizes["unit"])]
    for offset, size in zip(first, count, strict=True):
        part = slice(offset, offset + size)
        for unit, of_unit in enumerate(found):
            of_unit.append(np.sort(times[part][units[part] == unit]))
    return found


def cv(intervals: Sequence[NDArray[np.float64]]) -> float:
    """CV of intervals, those of all trials together."""
    joined = np.concatenate(list(intervals)) if len(intervals) else np.empty(0)
    return float(joined.std() / joined.mean()) if len(joined) > 1 and joined.mean() > 0 else float("nan")


def cv2(intervals: Sequence[NDArray[np.float64]]) -> float:
    """CV2, over neighbouring intervals of all trials."""
    pairs = _neighbours(intervals)
    return float(np.mean(2 * np.abs(pairs[1] - pairs[0]) / pairs.sum(axis=0))) if pairs.size else float("nan")


def lv(intervals: Sequence[NDArray[np.float64]]) -> float:
    """LV, over neighbouring intervals of all trials."""
    pairs = _neighbours(intervals)
    return float(np.mean(3 * (pairs[1] - pairs[0]) ** 2 / pairs.sum(axis=0) ** 2)) if pairs.size else float("nan")


def fano(counts: NDArray[np.integer]) -> float:
    """Fano factor of the counts of trials."""
    mean = float(np.mean(counts)) if len(counts) else 0.0
    return float(np.var(counts)) / mean if mean > 0 else float("nan")


def correlogram(
    first: Sequence[Train], second: Sequence[Train], edges: NDArray[np.float64], *, same: bool = False
) -> NDArray[np.float64]:
    """Histogram of t_second - t_first over pairs of spikes of one trial, summed over trials.

    Args:
        first, second: trains of two units, by trial, each in order of time.
        edges: of the bins, ms.
        same: whether it is one unit with itself: pairs of a spike with itself are left out.
    """
    total = np.zeros(len(edges) - 1)
    for a, b in zip(first, second, strict=True):
        low, high = np.searchsorted(b, a + edges[0], "left"), np.searchsorted(b, a + edges[-1], "right")
        near = high - low
        starts = np.repeat(low - np.concatenate([[0], np.cumsum(near)[:-1]]), near) if len(a) else np.empty(0, np.int64)
        partner = starts + np.arange(near.sum())
        spike = np.repeat(np.arange(len(a)), near)
        lags = b[partner] - a[spike]
        total += np.histogram(lags[partner != spike] if same else lags, edges)[0]
    return total


def spike_measures(
    found: Sequence[Sequence[Train]], window: float, *, wanted: str | None = None, most_lag: float = 50.0, bin_ms: float = 2.0
) -> xr.Dataset:  # fmt: skip
    """Rate, CV, CV2, LV and Fano factor of every unit, the mean auto- and cross-correlogram of all.

    Args:
        found: trains by unit and trial, see `trains`.
        window: of a trial, ms.
        wanted: `own` or `elephant`; None for elephant where it is installed.
        most_lag, bin_ms: of the correlograms.

    Returns:
        firing_rate, cv, cv2, lv, fano, spikes (unit); autocorrelogram, crosscorrelogram, shuffled (lag): coincidences per spike and second, of
        all units, of all pairs of units, and of pairs of one trial with the next, which is what the rates alone make.
    """
    chosen = engine(wanted)
    if chosen == "elephant":
        from .spikes_elephant import measures
    else:
        measures = _measures
    values = {name: np.array([measures(unit, window)[name] for unit in found]) for name in ("cv", "cv2", "lv", "fano")}
    counts = np.array([[len(train) for train in unit] for unit in found], dtype=np.float64).reshape(len(found), -1)
    rate = counts.mean(axis=1) / window * 1000 if counts.size else np.zeros(len(found))
    bins = round(most_lag / bin_ms)
    edges: NDArray[np.float64] = (np.arange(-bins, bins + 2, dtype=np.float64) - 0.5) * bin_ms
    curves = _correlograms(found, edges, counts.sum(), bin_ms)
    said = {
        "cv": ("coefficient of variation of the intervals", "CV"),
        "cv2": ("local coefficient of variation, CV2", "CV2"),
        "lv": ("local variation of the intervals", "LV"),
        "fano": ("Fano factor of the spike count over trials", "F"),
    }
    variables = {name: variable(("unit",), values[name], text, symbol=symbol) for name, (text, symbol) in said.items()}
    variables["firing_rate"] = variable(("unit",), rate, "firing rate", units="Hz")
    variables["spikes"] = variable(("unit",), counts.sum(axis=1).astype(np.int64), "spikes")
    names = {
        "autocorrelogram": "coincidences of a unit with itself, per spike",
        "crosscorrelogram": "coincidences of a unit with another, per spike",
        "shuffled": "the same with the other's next trial, per spike",
    }
    for name, text in names.items():
        variables[name] = variable(("lag",), curves[name], text, units="Hz")
    coords = {"lag": variable(("lag",), (edges[1:] + edges[:-1]) / 2, "lag", units="ms")}
    return xr.Dataset(variables, coords, {"engine": chosen})


def _measures(unit: Sequence[Train], window: float) -> dict[str, float]:
    del window
    intervals = [np.diff(train) for train in unit]
    counts = np.array([len(train) for train in unit])
    return {"cv": cv(intervals), "cv2": cv2(intervals), "lv": lv(intervals), "fano": fano(counts)}


def _neighbours(intervals: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Pairs of neighbouring intervals, (2, pairs)."""
    pairs = [np.stack([each[:-1], each[1:]]) for each in intervals if len(each) > 1]
    return np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0))


def _correlograms(
    found: Sequence[Sequence[Train]], edges: NDArray[np.float64], spikes: float, bin_ms: float
) -> dict[str, NDArray[np.float64]]:
    """Mean correlograms in coincidences per spike and second; of the population at once, less what a unit has with itself."""
    own, shuffled_own = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    units, trials = len(found), len(found[0]) if found else 0
    pooled = [np.sort(np.concatenate([unit[k] for unit in found])) for k in range(trials)]
    for unit in found:
        own += correlogram(unit, unit, edges, same=True)
        shuffled_own += correlogram(unit, [*unit[1:], *unit[:1]], edges)
    all_pairs = correlogram(pooled, pooled, edges, same=True)
    shuffled_all = correlogram(pooled, [*pooled[1:], *pooled[:1]], edges)
    scale = 1000 / (bin_ms * max(spikes, 1.0))
    others = max(units - 1, 1)
    return {
        "autocorrelogram": own * scale,
        "crosscorrelogram": (all_pairs - own) * scale / others,
        "shuffled": (shuffled_all - shuffled_own) * scale / others,
    }

"""The same measures of spike trains by `elephant`, which is optional (pip install 'apical[spikes]')."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Train = NDArray[np.float64]


def measures(unit: Sequence[Train], window: float) -> dict[str, float]:
    """CV, CV2, LV and Fano factor of one unit by elephant.

    CV2 and LV of elephant are of one train; over trials they are joined by the number of neighbouring pairs, as one mean over all pairs.

    Args:
        unit: spike times by trial, ms.
        window: of a trial, ms.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its imports, and of trains with too few spikes
        import neo
        import quantities as pq
        from elephant import statistics

        found = [neo.SpikeTrain(train * pq.ms, t_start=0 * pq.ms, t_stop=window * pq.ms) for train in unit]
        intervals = [statistics.isi(train).magnitude for train in found]
        joined = np.concatenate(intervals) if intervals else np.empty(0)
        pairs = np.array([max(0, len(each) - 1) for each in intervals])
        usable = [(each, weight) for each, weight in zip(intervals, pairs, strict=True) if weight]
        weights = [weight for _, weight in usable]
        spikes = sum(map(len, unit))
        return {
            "cv": float(statistics.cv(joined)) if len(joined) > 1 else float("nan"),
            "cv2": _mean([float(statistics.cv2(each, with_nan=True)) for each, _ in usable], weights),
            "lv": _mean([float(statistics.lv(each, with_nan=True)) for each, _ in usable], weights),
            "fano": float(statistics.fanofactor(found)) if spikes else float("nan"),
        }


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return float(np.average(values, weights=weights)) if weights else float("nan")

"""Spike trains: how regular, how variable, and how they go together."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...plot_style import COLOURS, GREY, new_figure, styled
from .distributions import boxes

MEASURES = (("cv", "CV"), ("cv2", "CV2"), ("lv", "LV"))


@styled
def spiking(dataset: xr.Dataset) -> Figure:
    """Firing rates, measures of irregularity, and mean correlograms of a replay.

    Args:
        dataset: of `spike_measures`.
    """
    figure = new_figure(9.6, 3.0)
    rates, measures, counts, curves = figure.subplots(1, 4, width_ratios=[0.7, 1.2, 0.7, 2.0])
    boxes(rates, [dataset["firing_rate"].values])
    rates.set_xticks([0], [f"{dataset.sizes['unit']} units"])
    rates.set_ylabel("firing rate (Hz)")
    rates.set_ylim(bottom=0)
    measures.axhline(1, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    boxes(measures, [dataset[name].values.astype(float) for name, _ in MEASURES])
    measures.set_xticks(range(len(MEASURES)), [name for _, name in MEASURES])
    measures.set_ylabel("irregularity of intervals (Poisson: 1)")
    counts.axhline(1, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    boxes(counts, [dataset["fano"].values.astype(float)])
    counts.set_xticks([0], [f"{dataset.sizes['unit']} units"])
    counts.set_ylabel("Fano factor of counts (Poisson: 1)")
    counts.set_ylim(bottom=0)
    for name, text, colour in (
        ("autocorrelogram", "one unit", COLOURS[0]),
        ("crosscorrelogram", "pairs of units", COLOURS[3]),
        ("shuffled", "pairs, another trial", GREY),
    ):
        curves.step(dataset["lag"].values, dataset[name].values, where="mid", color=colour, label=text)
    curves.set_xlabel("lag (ms)")
    curves.set_ylabel("coincidences per spike (Hz)")
    top = float(np.nanmax([dataset[name].values.max() for name in ("autocorrelogram", "crosscorrelogram", "shuffled")]))
    curves.set_ylim(0, 1.45 * top if top > 0 else 1)
    curves.legend(loc="upper center", ncols=1)
    return figure

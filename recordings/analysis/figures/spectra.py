"""Over how many dimensions variance is spread: the effective ranks, and the spectra behind them."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ...plot_style import COLOURS, colours, new_figure, styled


@styled
def spectra(dataset: xr.Dataset) -> Figure:
    """Both effective ranks of every population, and the cumulated share of the variance over eigenvectors.

    Args:
        dataset: of `effective_rank` for several populations: participation_ratio, entropy_rank (population), spectrum (population, rank).
    """
    names = list(map(str, dataset["population"].values))
    figure = new_figure(max(7.0, 0.5 * len(names) + 5.5), 3.1)
    left, right = figure.subplots(1, 2)
    places = np.arange(len(names))
    for shift, name, colour in ((-0.2, "participation_ratio", COLOURS[0]), (0.2, "entropy_rank", COLOURS[1])):
        text = "participation ratio" if shift < 0 else "exponential of the entropy"
        left.bar(places + shift, dataset[name].values, 0.38, color=colour, label=text)
    left.set_xticks(places, names, rotation=45 if len(names) > 3 else 0)
    left.set_ylabel("effective rank (dimensions)")
    left.margins(y=0.25)
    left.legend(loc="upper left")
    for name, colour in zip(names, colours(len(names)), strict=True):
        share = dataset["spectrum"].sel(population=name).values
        share = share[np.isfinite(share)]
        right.plot(np.arange(1, len(share) + 1), np.cumsum(share), color=colour, label=name)
    right.set_xscale("log")
    right.set_ylim(0, 1.02)
    right.set_xlabel("eigenvectors of the covariance, largest first")
    right.set_ylabel("share of the variance, cumulated")
    right.legend(loc="lower right")
    return figure

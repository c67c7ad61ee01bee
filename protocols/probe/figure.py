"""The figure of a read-out."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ...recordings.plot_style import COLOURS, GREY, new_figure, styled

CROWDED, LONG = 9, 10  # rows, and letters of a name, from which on names are slanted


@styled
def read_outs(found: xr.Dataset) -> Figure:
    """Accuracy of read-outs from every layer and from several together, trained against random weights and pixels.

    Args:
        found: accuracy and accuracy_random (per cent) along layer, the last of which is several together; with pixels also accuracy_pixels,
            without dimensions.
    """
    names = [str(name) for name in found["layer"].values]
    trained, controls = found["accuracy"].values, found["accuracy_random"].values
    figure = new_figure(max(5.0, 0.85 * len(names) + 2.2), 3.4)
    axes = figure.subplots()
    x = np.arange(len(names))
    _bars(axes, x - 0.2, trained, COLOURS[0], "trained")
    if np.isfinite(controls).any():
        _bars(axes, x + 0.2, controls, "#BDBDBD", "random weights")
    if "accuracy_pixels" in found:
        pixels = float(found["accuracy_pixels"])
        axes.axhline(pixels, color=COLOURS[3], linestyle="--", linewidth=1.2, label=f"pixels ({pixels:.1f} %)")
    crowded = len(names) > CROWDED or max(map(len, names)) > LONG
    axes.set_xticks(x, names, rotation=40 if crowded else 0, ha="right" if crowded else "center")
    axes.set(ylabel="test accuracy (%)", xlim=(-0.6, len(names) - 0.4))
    axes.axvline(len(names) - 1.5, color=GREY, linewidth=0.6, linestyle=":")
    axes.set_ylim(0, min(112.0, 1.18 * axes.get_ylim()[1]))
    figure.legend(loc="outside upper center", ncols=3)
    axes.set_xlabel(str(found.attrs["read_out"]))
    return figure


def _bars(axes: Axes, x: ArrayLike, accuracies: ArrayLike, colour: str, name: str) -> None:
    heights = np.asarray(accuracies, dtype=float)
    bars = axes.bar(np.asarray(x), heights, 0.38, color=colour, label=name)
    texts = ["" if np.isnan(value) else f"{value:.1f}" for value in heights]
    axes.bar_label(bars, texts, fontsize=7, padding=1, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4})

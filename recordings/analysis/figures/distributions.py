"""Distributions over units, one box per population and one panel per measure."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...errors import RecordingError
from ...plot_style import COLOURS, GREY, label, panels, styled
from .axes import wrapped
from .populations import populations_of, units_of

DOTS = 150  # of a population; more hide the box


@styled
def distributions(
    dataset: xr.Dataset, names: Sequence[str], *, levels: Mapping[str, float] | None = None, columns: int = 3
) -> Figure:
    """Boxes of the quartiles of some measures of the units, with the units as dots.

    Args:
        dataset: measures (unit), with the coordinate `population`.
        names: the measures, one panel each.
        levels: of a measure, where a grey line stands: the value of no effect.
        columns: panels of a row.

    Raises:
        RecordingError: no measure is known of any unit.
    """
    shown = [name for name in names if name in dataset and np.isfinite(dataset[name].values.astype(float)).any()]
    if not shown:
        raise RecordingError(
            f"analysis.{names[0]}: expected a number for some unit, got none; what was recorded is silent or negative"
        )
    order = populations_of(dataset)
    wide = max(2.5, 0.42 * len(order) + 1.2)
    figure, axes = panels(len(shown), columns=columns, width=wide, height=2.5)
    for panel, name in zip(axes, shown, strict=True):
        if levels and name in levels:
            panel.axhline(levels[name], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        boxes(panel, [dataset[name].values[units_of(dataset, population)].astype(float) for population in order])
        panel.set_xticks(range(len(order)), order, rotation=45 if len(order) > 3 else 0)
        panel.set_ylabel(wrapped(label(dataset[name])))
    return figure


def boxes(axes: Axes, groups: Sequence[NDArray[np.float64]]) -> None:
    """Quartiles as boxes with the values as dots, one group beside the other; a dash where nothing is known."""
    random = np.random.default_rng(0)  # only where the dots stand beside each other
    for place, values in enumerate(groups):
        known = values[np.isfinite(values)]
        if not len(known):
            axes.text(place, 0.5, "–", transform=axes.get_xaxis_transform(), ha="center", color=GREY)
            continue
        dots = known if len(known) <= DOTS else random.choice(known, DOTS, replace=False)
        axes.plot(place + random.uniform(-0.22, 0.22, len(dots)), dots, ".", color=COLOURS[4], markersize=2.5, zorder=1)
        axes.boxplot(
            [known], positions=[place], widths=0.55, showfliers=False, manage_ticks=False, zorder=2,
            medianprops={"color": COLOURS[3], "linewidth": 1.6}, boxprops={"linewidth": 0.9},
            whiskerprops={"linewidth": 0.9}, capprops={"linewidth": 0.9},
        )  # fmt: skip
    axes.set_xlim(-0.6, len(groups) - 0.4)

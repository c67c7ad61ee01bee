"""Figures of learning: loss and size of the changes over training, and what a read-out makes of the rates."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from .plot_style import colours, having, label, needed, new_figure, stacked_label, styled, trend


@styled
def learning(metrics: xr.Dataset) -> Figure:
    """Loss of every population over training.

    Args:
        metrics: table ``metrics``.

    Raises:
        RecordingError: the table is empty.
    """
    needed(metrics, "metrics", ["step", "loss"])
    figure = new_figure(7.0, 3.4)
    axes = figure.subplots()
    losses = metrics["loss"].compute()
    names = [str(name) for name in losses["population"].values]
    for index, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True)):
        trend(axes, metrics["step"].values, losses.values[:, index], color=colour, label=name)
    axes.set(xlabel=label(metrics["step"]), ylabel=label(losses))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    figure.legend(loc="outside right upper")
    return figure


@styled
def changes(updates: Mapping[str, xr.Dataset], *, kind: str = "change") -> Figure:
    """How far each step moved the weights of every population, or how far the rule drove them: basal, and apical where there are some.

    Args:
        updates: tables ``updates/<population>`` by population.
        kind: ``"change"``, of the weights, or ``"drive"``, of the rule.

    Raises:
        RecordingError: a table has no such variable or is empty.
    """
    updates = having(updates, "updates", [f"basal_{kind}"])
    known = {str(name) for table in updates.values() for name in table}
    names = [f"basal_{kind}", *sorted(name for name in known if name.startswith(f"apical_{kind}"))]
    figure = new_figure(7.4, 2.1 * len(names) + 0.5)
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    lines: dict[str, Any] = {}
    for panel, name in zip(axes, names, strict=True):
        for (population, table), colour in zip(updates.items(), colours(len(updates)), strict=True):
            if name in table:
                values = table[name].values.astype(float)
                values[values <= 0] = np.nan  # a step without change has no place on a logarithmic axis
                trend(panel, table["step"].values, values, color=colour, label=population)
                panel.set_ylabel(stacked_label(table[name]))
        if any(np.isfinite(line.get_ydata()).any() for line in panel.lines):
            panel.set_yscale("log")
        panel.grid(axis="y", color="#DDDDDD", linewidth=0.5)
        handles, labels = panel.get_legend_handles_labels()
        lines.update(zip(labels, handles, strict=True))
    axes[-1].set_xlabel("training step")
    figure.align_ylabels(axes)
    figure.legend(list(lines.values()), list(lines), loc="outside right upper")
    return figure

"""Figures of learning: loss and size of the changes over training, and what a read-out makes of the rates."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .errors import RecordingError
from .plot_style import COLOURS, GREY, colours, having, label, needed, new_figure, stacked_label, styled, trend


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


@styled
def read_outs(probe: Mapping[str, Any]) -> Figure:
    """Accuracy of read-outs from every layer and from several together, trained against random weights and pixels.

    Args:
        probe: contents of ``probe.json``: ``accuracy``, ``accuracy_random`` and ``accuracy_pixels`` (per cent),
            ``layers`` (name to ``accuracy`` and ``accuracy_random``), ``together`` and ``populations`` (names of the layers that are
            read out together, and of all), ``n_train``, ``n_test``, ``read_out``.

    Raises:
        RecordingError: an accuracy is missing or not in per cent.
    """
    rows = [(str(name), values) for name, values in probe.get("layers", {}).items()] + [(joint(probe), probe)]
    trained = [_per_cent(values.get("accuracy"), f"probe.{name}.accuracy") for name, values in rows]
    controls = [
        np.nan if values.get("accuracy_random") is None else _per_cent(values["accuracy_random"], f"probe.{name}")
        for name, values in rows
    ]
    figure = new_figure(max(5.0, 0.85 * len(rows) + 2.2), 3.4)
    axes = figure.subplots()
    x = np.arange(len(rows))
    _bars(axes, x - 0.2, trained, COLOURS[0], "trained")
    if np.isfinite(controls).any():
        _bars(axes, x + 0.2, controls, "#BDBDBD", "random weights")
    if probe.get("accuracy_pixels") is not None:
        pixels = _per_cent(probe["accuracy_pixels"], "probe.accuracy_pixels")
        axes.axhline(pixels, color=COLOURS[3], linestyle="--", linewidth=1.2, label=f"pixels ({pixels:.1f} %)")
    crowded = len(rows) > 9 or max(len(name) for name, _ in rows) > 10
    axes.set_xticks(x, [name for name, _ in rows], rotation=40 if crowded else 0, ha="right" if crowded else "center")
    axes.set(ylabel="test accuracy (%)", xlim=(-0.6, len(rows) - 0.4))
    axes.axvline(len(rows) - 1.5, color=GREY, linewidth=0.6, linestyle=":")
    axes.set_ylim(0, min(112.0, 1.18 * axes.get_ylim()[1]))
    figure.legend(loc="outside upper center", ncols=3)
    counts = [
        f"{probe[key]:,} {what} images" for key, what in (("n_train", "training"), ("n_test", "test")) if key in probe
    ]
    axes.set_xlabel("; ".join([f"{probe.get('read_out', 'linear')} read-out", *counts]))
    return figure


def joint(probe: Mapping[str, Any]) -> str:
    """What the read-out of several layers together is called: by their names, unless they are all.

    >>> joint({"together": ["conv1", "conv2"], "populations": ["conv1", "conv2"]})
    'all layers'
    >>> joint({"together": ["conv3"], "populations": ["conv1", "conv2", "conv3"]})
    'together: conv3'
    """
    every = [str(name) for name in probe.get("populations", probe.get("layers", {}))]
    names = [str(name) for name in probe.get("together", every)]
    return "all layers" if names == every else f"together: {', '.join(names)}"


def _bars(axes: Axes, x: Any, accuracies: Any, colour: str, name: str) -> None:
    bars = axes.bar(x, np.asarray(accuracies, float), 0.38, color=colour, label=name)
    texts = ["" if np.isnan(value) else f"{value:.1f}" for value in accuracies]
    axes.bar_label(bars, texts, fontsize=7, padding=1, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4})


def _per_cent(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise RecordingError(f"{where}: expected 0 to 100 per cent, got {value!r}; run the read-out again")
    return float(value)

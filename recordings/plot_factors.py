"""Figures of the third factor: how often the neuromodulator's gate is open, and the scores that decide it."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from .plot_style import FIXATION, SACCADE, having, new_figure, panels, styled, trend
from .words import short, symbol, words_of

PHASES = {"fixation": FIXATION, "saccade": SACCADE}  # as the variables' names end


def _names(updates: Mapping[str, xr.Dataset]) -> dict[str, str]:
    """What the rule calls the two phases."""
    words = words_of(*updates.values())
    return {"fixation": short(words["first"]), "saccade": short(words["second"])}


@styled
def gates(updates: Mapping[str, xr.Dataset], *, suffix: str = "") -> Figure:
    """Fraction of rows with an open gate over training, for both phases of the rule, one panel per population.

    Args:
        updates: tables ``updates/<population>`` by population.
        suffix: ``"_feedback"`` for the second apical dendrite.

    Raises:
        RecordingError: a table has no gate or is empty.
    """
    names = [f"gate_{phase}{suffix}" for phase in PHASES]
    updates = having(updates, "updates", names)
    figure, axes = panels(len(updates))
    called = _names(updates)
    for panel, (population, table) in zip(axes, updates.items(), strict=True):
        for (phase, colour), style in zip(PHASES.items(), ("-", "--"), strict=True):
            values = table[f"gate_{phase}{suffix}"].values
            trend(panel, table["step"].values, values, color=colour, linestyle=style, label=called[phase])
        panel.set(ylim=(-0.03, 1.03), title=population)
        panel.grid(axis="y", color="#DDDDDD", linewidth=0.5)
        panel.label_outer()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    figure.supxlabel("training step", fontsize=9)
    figure.supylabel("fraction of rows with\nan open gate (γ ≠ 0)", fontsize=9)
    return figure


@styled
def scores(updates: Mapping[str, xr.Dataset], *, suffix: str = "", share: float = 0.1, steps: int = 500) -> Figure:
    """Distributions of the scores of both phases, early and late in training, one row per population.

    Args:
        updates: tables ``updates/<population>`` by population.
        suffix: ``"_feedback"`` for the second apical dendrite.
        share: what counts as early and as late, as a fraction of the run.
        steps: the most steps read for either.

    Raises:
        RecordingError: a table has no scores or is empty.
    """
    names = {phase: f"score_{phase}{suffix}" for phase in PHASES}
    updates = having(updates, "updates", list(names.values()), rows=2)
    called, sign = _names(updates), symbol(words_of(*updates.values()))
    figure = new_figure(7.0, 1.25 * len(updates) + 0.9)
    axes = figure.subplots(len(updates), 2, squeeze=False)
    for row, (population, table) in zip(axes, updates.items(), strict=True):
        count = min(steps, max(1, round(share * table.sizes["step"])))
        for panel, part in zip(row, (slice(0, count), slice(-count, None)), strict=True):
            values = {phase: table[name].isel(step=part).values.ravel() for phase, name in names.items()}
            finite = {phase: data[np.isfinite(data)].astype(float) for phase, data in values.items()}
            _histograms(panel, finite, called)
        row[0].set_ylabel(population)
    axes[0, 0].set_title(f"first {share:.0%} of the steps")
    axes[0, 1].set_title(f"last {share:.0%} of the steps")
    patches = [Patch(facecolor=colour, alpha=0.55, label=called[phase]) for phase, colour in PHASES.items()]
    line = Line2D([], [], color="black", linewidth=0.7, linestyle=":", label=f"{sign} = 0")
    figure.legend(handles=[*patches, line], loc="outside upper center", ncols=3)
    figure.supxlabel(f"score {sign}", fontsize=9)
    figure.supylabel("density", fontsize=9)
    return figure


def separation(fixation: NDArray[np.floating], saccade: NDArray[np.floating]) -> float:
    """Probability that a fixation scores above a saccade (area under the ROC curve); 0.5 is chance, ties count half.

    Args:
        fixation: scores of fixations, (n,).
        saccade: scores of saccades, (m,).
    """
    ordered = np.sort(saccade)
    below = np.searchsorted(ordered, fixation, side="left")
    up_to = np.searchsorted(ordered, fixation, side="right")
    return float((below + up_to).mean() / (2 * len(saccade)))


def _histograms(axes: Axes, values: Mapping[str, NDArray[np.floating]], called: Mapping[str, str]) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    together = np.concatenate(list(values.values()))
    if not all(len(data) for data in values.values()):
        axes.text(0.5, 0.5, "no finite scores", transform=axes.transAxes, ha="center")
        return
    low, high = np.quantile(together, [0.002, 0.998])
    margin = 0.02 * (high - low) or max(0.5, abs(float(low)) * 0.1)
    bins = np.linspace(low - margin, high + margin, 50)
    for phase, data in values.items():
        # what lies outside is counted in the outermost bin, so that no score is hidden
        density, _ = np.histogram(np.clip(data, bins[0], bins[-1]), bins, density=True)
        axes.stairs(density, bins, fill=True, color=PHASES[phase], alpha=0.55)
        axes.stairs(density, bins, color=PHASES[phase], linewidth=1.0)
    if bins[0] < 0 < bins[-1]:
        axes.axvline(0, color="black", linewidth=0.7, linestyle=":")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.3)
    text = f"P({called['fixation']} > {called['saccade']}) = {separation(values['fixation'], values['saccade']):.2f}"
    axes.text(1.0, 1.0, text, transform=axes.transAxes, ha="right", va="top", fontsize=7.5)

"""Figures of the dendrites: potentials and rates trial by trial, and apical against basal potential."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from .errors import RecordingError
from .plot_style import (
    COLOURS,
    FIXATION,
    SACCADE,
    SHADE,
    having,
    label,
    needed,
    new_figure,
    panels,
    stacked_label,
    styled,
)
from .words import short, words_of

MAX_TRIALS = 2000  # pairs of potentials beyond these do not change the picture


@styled
def traces(
    activity: xr.Dataset, *, units: int | Sequence[int] = 4, trials: int = 48, first: int | None = None
) -> Figure:
    """Basal potential, rate and apical potential of single units over the last trials; those of the second phase are shaded, a line marks where another step begins.

    Args:
        activity: table ``activity/<population>``.
        units: positions along ``unit``, or how many; by default those whose rate varies most.
        trials: how many trials.
        first: the first of them; None for the last ones recorded.

    Raises:
        RecordingError: the table is empty, or has no such unit.
    """
    where = f"activity/{activity.attrs.get('population', '')}"
    needed(activity, where, ["basal", "rate", "phase"])
    length = activity.sizes["trial"]
    if trials < 1 or not 0 <= (start := max(0, length - trials) if first is None else first) < length:
        raise RecordingError(
            f"{where}.trials: expected at least one of 0 to {length - 1}, got {trials} from {first}; choose among the recorded trials"
        )
    shown = activity.isel(trial=slice(start, start + trials)).compute()
    chosen = _chosen(shown["rate"], units, where)
    names = [name for name in ("basal", "rate") if name in shown]
    names += sorted(name for name in map(str, shown) if name.split("_")[0] == "apical")
    modulators = sorted(name for name in map(str, shown) if name.split("_")[0] == "neuromodulator")
    figure = new_figure(8.0, 1.5 * len(names) + 1.25 * len(modulators) + 0.7)
    ratios = [1.5] * len(names) + [1.25] * len(modulators)
    axes = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
    x = np.arange(start, start + shown.sizes["trial"])
    for panel, name in zip(axes, names + modulators, strict=True):
        _shade(panel, x, shown["phase"].values == 1)
        _borders(panel, x, shown)
        if name in modulators:
            colour = np.where(shown["phase"].values == 1, SACCADE, FIXATION)
            panel.bar(x, np.nan_to_num(shown[name].values.astype(float), posinf=0, neginf=0), color=colour, width=0.8)
            panel.axhline(0, color="black", linewidth=0.6)
        else:
            _lines(panel, x, shown[name], chosen)
        panel.set_ylabel(stacked_label(shown[name]))
    axes[-1].set_xlabel("trial; a line where the next recorded step begins" if _steps(shown).any() else "trial")
    axes[-1].set_xlim(x[0] - 0.5, x[-1] + 0.5)
    figure.align_ylabels(axes)
    shades = (
        [Patch(color=SHADE, label=short(words_of(activity)["second"]))] if (shown["phase"].values == 1).any() else []
    )
    handles = axes[0].get_legend_handles_labels()[0]
    figure.legend(handles=[*handles, *shades], loc="outside right upper")
    epoch = f", epoch {float(shown['epoch'][-1]):.2g}" if "epoch" in shown.coords else ""
    figure.suptitle(
        f"{activity.attrs.get('population', '')}: {len(chosen)} of {shown.sizes['unit']} recorded units, "
        f"trials {x[0]} to {x[-1]}{epoch}"
    )
    return figure


@styled
def potentials(activity: Mapping[str, xr.Dataset], *, suffix: str = "") -> Figure:
    """Density of apical against basal potentials, one panel per population, with Pearson's r.

    Args:
        activity: tables ``activity/<population>`` by population.
        suffix: ``"_feedback"`` for the second apical dendrite.

    Raises:
        RecordingError: a table has no apical potential or is empty.
    """
    name = f"apical{suffix}"
    activity = having(activity, "activity", ["basal", name, "phase"], rows=2)
    figure, axes = panels(len(activity), width=2.7, height=2.5)
    drawn = []
    for panel, (population, table) in zip(axes, activity.items(), strict=True):
        shown = table.isel(trial=slice(-MAX_TRIALS, None))[["basal", name, "phase"]].compute()
        basal, apical = (shown[part].values.astype(float) for part in ("basal", name))
        finite = np.isfinite(basal) & np.isfinite(apical)
        if not finite.any():
            raise RecordingError(
                f"activity/{population}.{name}: expected finite potentials, got none in the last trials; "
                "the run has diverged, lower the learning rate"
            )
        pairs = (basal[finite], apical[finite])
        drawn.append(panel.hexbin(*pairs, gridsize=36, mincnt=1, cmap="viridis", linewidths=0.1))
        saccade = shown["phase"].values == 1
        first, second = (short(words_of(table)[name]) for name in ("first", "second"))
        each = (
            f"\n{first} {_correlation(basal[~saccade], apical[~saccade])}, "
            f"{second} {_correlation(basal[saccade], apical[saccade])}"
        )
        panel.set_title(f"{population}: r = {_correlation(basal, apical)}{each if second else ''}")
        panel.margins(0.04)
    top = max(float(np.max(density.get_array())) for density in drawn)  # type: ignore[arg-type]
    norm = LogNorm(1, max(top, 2.0))
    for density in drawn:
        density.set_norm(norm)
    figure.colorbar(drawn[0], ax=axes, label="pairs of trial and unit", shrink=0.8, aspect=30)
    figure.supxlabel(label(shown["basal"]), fontsize=9)
    figure.supylabel(label(shown[name]), fontsize=9)
    return figure


def _chosen(rate: xr.DataArray, units: int | Sequence[int], where: str) -> list[int]:
    """Positions of the units to show."""
    size = rate.sizes["unit"]
    if isinstance(units, int):
        with np.errstate(all="ignore"):  # a run that has diverged is drawn too
            spread = np.nan_to_num(rate.values.astype(float).std(axis=0))
        return sorted(np.argsort(-spread, kind="stable")[: max(1, min(units, len(COLOURS)))].tolist())
    wrong = [unit for unit in units if not 0 <= unit < size]
    if wrong or not 0 < len(units) <= len(COLOURS):
        raise RecordingError(
            f"{where}.units: expected 1 to {len(COLOURS)} positions from 0 to {size - 1}, got {list(units)}; "
            "choose among the recorded units"
        )
    return list(units)


def _lines(axes: Axes, x: NDArray[np.int64], values: xr.DataArray, chosen: Sequence[int]) -> None:
    for unit, colour in zip(chosen, COLOURS, strict=False):
        name = f"unit {int(values['unit_id'][unit])}" if "unit_id" in values.coords else f"unit {unit}"
        if {"channel", "row", "col"} <= set(values.coords):
            place = ", ".join(str(int(values[part][unit])) for part in ("channel", "row", "col"))
            name += f"\n({place})"
        axes.plot(x, values.values[:, unit], drawstyle="steps-mid", linewidth=1.2, color=colour, label=name)


def _shade(axes: Axes, x: NDArray[np.int64], saccade: NDArray[np.bool_]) -> None:
    """Shade every run of saccades from half a trial before to half a trial after it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], saccade.astype(int), [0]])))
    for first, stop in edges.reshape(-1, 2):
        axes.axvspan(x[first] - 0.5, x[stop - 1] + 0.5, color=SHADE, linewidth=0, zorder=0)


def _steps(shown: xr.Dataset) -> NDArray[np.bool_]:
    """Between which trials another step begins."""
    if "step" not in shown.coords:
        return np.zeros(max(0, shown.sizes["trial"] - 1), bool)
    return np.asarray(np.diff(shown["step"].values) != 0)


def _borders(axes: Axes, x: NDArray[np.int64], shown: xr.Dataset) -> None:
    """A line wherever the trials of one batch end and those of another, later one begin: they do not follow each other."""
    between = x[:-1][_steps(shown)] + 0.5
    axes.vlines(
        between,
        0,
        1,
        transform=axes.get_xaxis_transform(),
        color="black",
        linewidth=0.7,
        linestyle=(0, (4, 2)),
        zorder=1,
    )


def _correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> str:
    """Pearson's r over all pairs, or a dash where it is not defined."""
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return "–"
    r = round(float(np.corrcoef(a, b)[0, 1]), 2) + 0.0  # no minus zero
    return f"{r:.2f}".replace("-", "−")

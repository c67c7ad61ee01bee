"""The figure of one trial of a replay: every spike, potentials of a few units, and what the rate network says of the same trial."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ...recordings.plot_style import COLOURS, GREY, new_figure, styled

UNITS = 3  # whose potentials are drawn
PEAK = 20.0  # mV; where a somatic spike is drawn up to, the threshold model has no waveform
PHASES = ("fixation", "saccade")
# variable of the circuit, symbol, axis
READINGS = (
    ("basal", "a", "basal\npotential a"),
    ("rate", "z", "rate z"),
    ("prediction", "e", "apical\npotential e"),
)
Array = NDArray[np.float64]


def shown_tables(replay: xr.DataTree) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset, int]:
    """Trials, spikes and circuit of a replay, and the trial to be shown: the one with most spikes among those that change weights.

    Args:
        replay: as `apical.recordings.open_replay` gives it.
    """
    trials, spikes, circuit = (replay[name].to_dataset() for name in ("trials", "spikes", "circuit"))
    counts = trials["spike_count"].values + (circuit["gamma"].values != 0) * (1 + int(trials["spike_count"].max()))
    return trials.assign_attrs(replay.attrs), spikes, circuit, int(counts.argmax())


@styled
def one_trial(trials: xr.Dataset, spikes: xr.Dataset, circuit: xr.Dataset, trial: int) -> Figure:
    """Raster and readings of all units, potentials of the liveliest.

    Args:
        trials: table `trials` of a replay with the attributes of the replay: potentials (trial, unit, time), spike_count, spike_offset.
        spikes: table `spikes`: spike_time in ms, spike_unit.
        circuit: table `circuit`: basal, rate and prediction of the rate network (trial, unit), gamma, score, phase.
        trial: which.
    """
    at, told = trials.isel(trial=trial).load(), circuit.isel(trial=trial).load()
    part = slice(int(at["spike_offset"]), int(at["spike_offset"] + at["spike_count"]))
    time, unit = (spikes[name][part].values for name in ("spike_time", "spike_unit"))
    scales = _scales(trials.attrs)
    count = at.sizes["unit"]
    chosen = sorted(np.argsort(np.bincount(unit, minlength=count), kind="stable")[::-1][:UNITS].tolist())
    figure = new_figure(8.4, 2.6 + 1.15 * len(chosen))
    parts: Any = figure.subfigures(2, 1, height_ratios=[2.4, 0.2 + 1.1 * len(chosen)])
    above, below = parts
    read = [reading for reading in READINGS if reading[0] in told]
    raster, *readings = above.subplots(1, 1 + len(read), sharey=True, width_ratios=[3.4] + [1.0] * len(read))
    raster.plot(time, unit, "|", color="black", markersize=4, markeredgewidth=0.8)
    raster.set(xlabel="time in the window (ms)", ylabel="unit of the circuit", title=_title(told, trial))
    raster.set(ylim=(count - 0.5, -0.5), xlim=(0, at.sizes["time"]))
    for place in chosen:
        raster.axhline(place, color=COLOURS[4], linewidth=4, alpha=0.25, zorder=0)
    means = _means(at, trials.attrs, scales)
    for axes, (name, symbol, label) in zip(readings, read, strict=True):
        _reading(axes, told[name].values, means[symbol], label)
    above.legend(*readings[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    panels = np.atleast_1d(below.subplots(len(chosen), 1, sharex=True))
    for row, (axes, place) in enumerate(zip(panels, chosen, strict=True)):
        tuft = _potentials(axes, at, told, place, time[unit == place], scales)
        axes.set(ylabel=f"unit {place}\n(mV)", xlim=(0, at.sizes["time"]))
        if row == 0:
            handles = [line for each in (axes, tuft) if each for line in each.get_legend_handles_labels()[0]]
            below.legend(handles=handles, ncols=3, loc="outside upper right")
    panels[-1].set_xlabel("time in the window (ms)")
    return figure


def _title(told: xr.Dataset, trial: int) -> str:
    told_apart = float(told["gamma"]) != 1 or bool(
        float(told["score"])
    )  # else the rule knows neither phase nor modulator
    parts = [f"trial {trial}", *([PHASES[int(told["phase"])]] if told_apart else [])]
    parts += [f"label {int(told['label'])}"] if "label" in told and int(told["label"]) >= 0 else []
    parts += [f"u {float(told['score']):+.2f}", f"γ {float(told['gamma']):+.2f}"] if told_apart else []
    return ", ".join(parts)


def _scales(attributes: Any) -> dict[str, tuple[float, float]]:
    """Potential at rest, and mV per unit of the rate network, of the basal and of the apical dendrite."""
    calibration = attributes["calibration"]
    slope = float(attributes["apical_slope"])
    return {
        "V_basal": (float(attributes["rest_basal_mV"]), float(calibration["basal_gain"])),
        "V_apical": (float(attributes["rest_apical_mV"]), float(calibration["apical_gain"]) * slope),
    }


def _means(at: xr.Dataset, attributes: Any, scales: dict[str, tuple[float, float]]) -> dict[str, Array]:
    """a, z and e of the spiking neurons, in the units of the rate network."""
    settled = at.isel(time=slice(int(attributes["settle_ms"]), None))
    found = {"z": at["output_rate"].values / float(attributes["calibration"]["post_rate"])}
    for symbol, name in (("a", "V_basal"), ("e", "V_apical")):
        if name not in settled:
            continue  # no apical dendrites
        rest, gain = scales[name]
        found[symbol] = (settled[name].mean("time").values - rest) / gain
    return found


def _reading(axes: Axes, rates: Array, spiking: Array, label: str) -> None:
    places = np.arange(len(rates))
    axes.axvline(0, color=GREY, linewidth=0.6)
    axes.plot(rates, places, "o", color=COLOURS[0], markersize=3.5, label="rate network")
    axes.plot(spiking, places, "o", markerfacecolor="none", markeredgecolor=COLOURS[3], markersize=5.5, label="spikes")
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.margins(x=0.12)


def _potentials(
    axes: Axes, at: xr.Dataset, told: xr.Dataset, unit: int, fired: Array, scales: dict[str, tuple[float, float]]
) -> Axes | None:
    """Soma and basal dendrite on the left scale; the tuft, which moves less, on the right one, where there is one."""
    tuft = axes.twinx() if "V_apical" in at else None
    readings = {"V_basal": float(told["basal"][unit])}
    if tuft is not None:
        tuft.spines["right"].set_visible(True)
        tuft.tick_params(axis="y", colors=COLOURS[3])
        readings["V_apical"] = float(told["prediction"][unit])
    for where, name, colour in ((axes, "V_soma", GREY), (axes, "V_basal", COLOURS[0]), (tuft, "V_apical", COLOURS[3])):
        if where is None or name not in at:
            continue  # below level 2 there is no soma
        where.plot(at["time"].values, at[name].values[unit], color=colour, linewidth=0.9, label=name)
        if name in readings:
            rest, gain = scales[name]
            where.axhline(rest + gain * readings[name], color=colour, linewidth=0.9, linestyle="--")
    if len(fired):
        axes.vlines(fired, -50, PEAK, color=GREY, linewidth=0.8)
    return tuft

"""Figures of a closed loop: a raster through two fixations and a saccade, and how the objective falls."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...models.spiking.loop import Loop, Seen
from ...recordings.plot_style import COLOURS, GREY, SHADE, new_figure, styled

NEURONS = 3  # whose potentials are drawn
PEAK = 20.0  # mV; where a somatic spike is drawn up to, the threshold model has no waveform


@styled
def raster(shown: Sequence[Seen], loop: Loop, populations: Sequence[int], shape: tuple[int, int, int]) -> Figure:
    """Three glances of the first copy: what was seen, all its spikes, and potentials of a few neurons of the lowest population.

    Args:
        shown: the glances; the second a fixation, the third a saccade.
        loop: how they were run.
        populations: neurons of each.
        shape: channels, height and width of the inputs.
    """
    figure = new_figure(7.4, 6.4)
    grid = figure.add_gridspec(2 + NEURONS, len(shown), height_ratios=[0.7, 1.8] + [0.9] * NEURONS)
    for k, seen in enumerate(shown):
        axes = figure.add_subplot(grid[0, k])
        image = seen.glance.inputs[0].reshape(shape)
        axes.imshow(image[0] - image[1] if shape[0] > 1 else image[0], cmap="gray", interpolation="nearest")
        moved = (
            "first glance"
            if k == 0
            else "fixation: same object"
            if seen.glance.sign[0] > 0
            else "saccade: another object"
        )
        axes.set(xticks=[], yticks=[], title=moved)
    spikes = figure.add_subplot(grid[1, :])
    _spikes(spikes, shown, loop, populations)
    for row, neuron in enumerate(_liveliest(shown, populations[0])):
        axes = figure.add_subplot(grid[2 + row, :], sharex=spikes)
        tuft = _potentials(axes, shown, loop, neuron)
        axes.set_ylabel(f"unit {neuron}\n(mV)")
        if row == 0:
            handles = [*axes.get_lines()[:2], tuft.get_lines()[0]]
            axes.legend(handles=handles, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.1)
    axes.set_xlabel("time (ms); shaded: the eyes move, nothing is seen")
    return figure


def _spikes(axes: Axes, shown: Sequence[Seen], loop: Loop, populations: Sequence[int]) -> None:
    base = np.concatenate([[0], np.cumsum(populations)])
    for k, seen in enumerate(shown):
        start = k * loop.cycle
        axes.axvspan(start, start + loop.saccade, color=SHADE, zorder=0)
        for population in range(len(populations)):
            own = seen.spike_population == population
            axes.plot(
                start + seen.spike_time[own], base[population] + seen.spike_unit[own], "|", markersize=2.2, markeredgewidth=0.7,
                color=COLOURS[population % len(COLOURS)],
            )  # fmt: skip
        told = ", ".join(f"u{p} {score[0]:+.1f}" for p, score in enumerate(seen.score))
        gamma = ", ".join(f"{value[0]:+.2f}" for value in seen.gamma)
        axes.text(start + loop.cycle - 3, base[-1] * 1.02, f"{told}\nγ {gamma}", ha="right", va="bottom", fontsize=7)
    middle = (base[:-1] + base[1:]) / 2
    axes.set_yticks(middle, [f"population {p}" for p in range(len(populations))])
    axes.set(xlim=(0, len(shown) * loop.cycle), ylim=(-1, base[-1] * 1.22))


def _liveliest(shown: Sequence[Seen], neurons: int) -> list[int]:
    """Recorded units of the lowest population that fire most in these glances."""
    recorded = list(range(neurons))[: _recorded(shown[0])]
    counts = [sum(int(((s.spike_population == 0) & (s.spike_unit == unit)).sum()) for s in shown) for unit in recorded]
    return sorted(np.argsort(counts)[::-1][:NEURONS].tolist())


def _recorded(seen: Seen) -> int:
    return max(1, len(seen.voltage["V_soma"]) // len(seen.score))


def _potentials(axes: Axes, shown: Sequence[Seen], loop: Loop, neuron: int) -> Axes:
    """Soma and basal dendrite on the left scale, the tuft, which moves by a few mV, on the right one."""
    tuft = axes.twinx()
    tuft.spines["right"].set_visible(True)
    for k, seen in enumerate(shown):
        start = k * loop.cycle
        axes.axvspan(start, start + loop.saccade, color=SHADE, zorder=0)
        time = start + np.arange(seen.voltage["V_soma"].shape[1])
        names = ((axes, "V_soma", GREY), (axes, "V_basal", COLOURS[0]), (tuft, "V_apical", COLOURS[3]))
        for where, name, colour in names:
            where.plot(time, seen.voltage[name][neuron], color=colour, linewidth=0.9, label=name)
        fired = seen.spike_time[(seen.spike_population == 0) & (seen.spike_unit == neuron)]
        axes.vlines(start + fired, -50, PEAK, color=GREY, linewidth=0.8)
    tuft.tick_params(axis="y", colors=COLOURS[3])
    return tuft


@styled
def course(cells: Sequence[Mapping[str, Any]]) -> Figure:
    """Objective on held-out pairs, both networks run with rates, over glances; sum over populations."""
    figure = new_figure(6.4, 3.2)
    axes = figure.subplots()
    conditions = list(dict.fromkeys(cell["condition"] for cell in cells))
    for number, condition in enumerate(conditions):
        for cell in (c for c in cells if c["condition"] == condition):
            copies = cell["glances"] / cell["curve"]["twin"][-1][0]
            points = [(0, cell["rates"]["start"]["objective"]), *cell["curve"]["spikes"]]
            axes.plot(
                [n * copies for n, _ in points], [sum(v) for _, v in points], color=COLOURS[number % len(COLOURS)],
                linestyle="-" if number < len(COLOURS) else ":",
                label=condition if cell["seed"] == cells[0]["seed"] else None, linewidth=1.8 if number == 0 else 1.0,
            )  # fmt: skip
            if condition == conditions[0]:
                twin = [(0, cell["rates"]["start"]["objective"]), *cell["curve"]["twin"]]
                axes.plot(
                    [n * copies for n, _ in twin], [sum(v) for _, v in twin], color=GREY, linestyle="--",
                    label="rate twin" if cell["seed"] == cells[0]["seed"] else None,
                )  # fmt: skip
    # a control may leave all bounds
    top = 1.4 * max(sum(cell["rates"]["start"]["objective"]) for cell in cells)
    axes.set(xlabel="glances", ylabel="objective, sum over populations", ylim=(0, top))
    axes.legend(ncols=2)
    return figure

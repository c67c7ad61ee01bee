"""Figures of a replay."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...models.spiking import Replay
from ...recordings.plot_style import COLOURS, GREY, new_figure, save, styled
from ..check import Check
from .agreement import correlation, slope
from .workbench import Bench

SHOWN = 6000  # points of a scatter


def stem(replay: str, figure: str) -> str:
    """Name of the files of a figure of one replay, so that another replay leaves them alone.

    >>> stem("first", "replay_rates")
    'replay_first_rates'
    """
    return f"replay_{replay}_{figure.removeprefix('replay_')}"


def draw(bench: Bench, checks: Sequence[Check], folder: Path, replay: str) -> dict[str, Path]:
    """Draw everything that was measured into `folder`; path by kind of figure.

    Args:
        bench: with its base replays and what checks left in it.
        checks: all of them.
        folder: of the figures.
        replay: name of the replay, which the files bear.
    """
    first = bench.base[bench.settings.seeds[0]]
    figures = {"replay_checks": overview(checks)}
    if "fi" in bench.extras:
        figures["replay_fi_curve"] = fi_curve(bench.extras["fi"][0], bench.extras["fi"][1], bench.settings.seeds)
    figures |= {"replay_rates": rates(first)}
    figures |= {"replay_apical": apical(first)} if bench.circuit.apical else {}
    figures |= {"replay_second": second(first)} if bench.circuit.post is not None else {}
    figures |= {"replay_cosines": cosines(list(bench.base.values()))}
    if "pairs" in bench.extras:
        figures["replay_timing"] = timing(bench)
    return {kind: save(figure, folder / stem(replay, kind)) for kind, figure in figures.items()}


@styled
def fi_curve(asked: NDArray[np.float64], found: Sequence[NDArray[np.float64]], seeds: Sequence[int]) -> Figure:
    """Rate of the cell against the rate asked for, and their difference.

    Args:
        asked: Hz.
        found: Hz, one array per seed.
        seeds: their numbers.
    """
    figure = new_figure(6.4, 2.9)
    left, right = figure.subplots(1, 2)
    left.plot(asked, asked, color=GREY, linestyle="--", label="relu")
    for number, rate in enumerate(found):
        left.plot(asked, rate, "o", markersize=3, color=COLOURS[number % len(COLOURS)], label=f"seed {seeds[number]}")
        right.plot(asked, rate - asked, "o-", markersize=3, color=COLOURS[number % len(COLOURS)])
    right.axhspan(-1.5, 1.5, color="#E6E6E6", zorder=0)
    right.axhline(0, color=GREY, linewidth=0.7)
    left.set(xlabel="input current × gain (Hz)", ylabel="output rate (Hz)", title="f-I curve")
    right.set(
        xlabel="input current × gain (Hz)", ylabel="output rate − relu (Hz)", title="criterion: ±1.5 Hz", ylim=(-3, 3)
    )
    left.legend()
    return figure


@styled
def rates(found: Replay) -> Figure:
    """Output rate and basal potential against the rate network."""
    c = found.circuit
    figure = new_figure(6.4, 3.0)
    left, right = figure.subplots(1, 2)
    _cloud(left, c.rate, found.z, "z = relu(a), rate network", "output rate / r (z)")
    _cloud(right, c.basal, found.a, "a, rate network", "mean V$_b$ − E$_L$, in units of a")
    return figure


@styled
def apical(found: Replay) -> Figure:
    """Apical potential against the dendritic prediction, and against the output rate given it."""
    c = found.circuit
    figure = new_figure(6.4, 3.0)
    left, right = figure.subplots(1, 2)
    _cloud(left, c.prediction, found.prediction, "B c, rate network", "mean V$_a$ − rest, in units of B c")
    _cloud(
        right,
        found.z,
        found.prediction - c.prediction,
        "output rate / r (z)",
        "V$_a$ − B c, in units of B c",
        line=False,
    )
    return figure


@styled
def second(found: Replay) -> Figure:
    """The rule's own second factor, told what spikes do, against that of the rate network."""
    c = found.circuit
    assert c.told is not None and c.trial is not None and c.post is not None
    told = c.told(c.trial, found.a, found.z, found.prediction)
    open_ = (c.gate * c.winner) > 0
    figure = new_figure(3.6, 3.0)
    _cloud(figure.subplots(), c.post[open_], told[open_], "f, rate network", "f, the rule told of spikes")
    return figure


def _cloud(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], xlabel: str, ylabel: str, *, line: bool = True
) -> None:
    step = max(1, x.size // SHOWN)
    axes.plot(x.ravel()[::step], y.ravel()[::step], ".", markersize=2, alpha=0.4, color=COLOURS[0], rasterized=True)
    if line:
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=0.9)
    else:
        axes.axhline(0, color=GREY, linestyle="--", linewidth=0.9)
    title = f"r = {correlation(x, y):.3f}" + (f", slope {slope(x, y):.3f}" if line else "")
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)


@styled
def cosines(found: Sequence[Replay]) -> Figure:
    """Distribution over trials of the cosine between spiking eligibility and rule."""
    figure = new_figure(4.6, 2.9)
    axes = figure.subplots()
    values = np.concatenate([r.cosine[np.isfinite(r.cosine)] for r in found])
    low = min(0.8, float(values.min())) if values.size else 0.8
    axes.hist(values, bins=list(np.linspace(low, 1, 41)), color=COLOURS[0])
    if values.size:
        axes.axvline(values.mean(), color="black", linewidth=1.2, label=f"mean {values.mean():.3f}")
    axes.axvline(0.95, color=COLOURS[3], linestyle="--", linewidth=1.2, label="criterion for the mean, 0.95")
    axes.set(xlabel="cosine of a trial's eligibility with the rule", ylabel="trials, all seeds")
    axes.legend(loc="upper left")
    return figure


@styled
def timing(bench: Bench) -> Figure:
    """Windows of spike pairs and, where measured, the effect of a late modulator."""
    pairs, modulation = bench.extras["pairs"], bench.extras.get("modulation")
    figure = new_figure(9.0 if modulation else 6.4, 2.9)
    panels = list(np.atleast_1d(figure.subplots(1, 4 if modulation else 3)))
    for axes, (form, values) in zip(panels, pairs.eligibility.items(), strict=False):
        for column, colour in zip(range(3), (COLOURS[0], GREY, COLOURS[3]), strict=True):
            axes.plot(pairs.lag[:, column], values[:, column], color=colour, label=f"{pairs.apical[column]:+g} mV")
        axes.axvline(0, color=GREY, linewidth=0.6)
        axes.set(xlabel="post − pre (ms)", title=f"form {form}")
    panels[0].set_ylabel("eligibility of one pair (mV)")
    panels[0].legend(title="V$_a$ − rest")
    for colour, (tau_e, found) in zip((COLOURS[0], COLOURS[2]), (modulation or {}).items(), strict=False):
        after = found.onset >= 0
        panels[3].plot(found.onset[after], found.kernel[after], color=colour, linewidth=0.9)
        panels[3].plot(found.onset, found.effect, "o", markersize=3, color=colour, label=f"τ$_e$ {tau_e:g} ms")
    if modulation:
        panels[3].set(xlabel="modulator after stimulus (ms)", ylabel="|ΔW| relative to e", title="late modulator")
        panels[3].legend()
    return figure


@styled
def overview(checks: Sequence[Check]) -> Figure:
    """Every check: how far it is from its criterion, and the number itself."""
    figure = new_figure(9.6, 0.9 + 0.21 * len(checks))
    axes = figure.subplots()
    for row, check in enumerate(reversed(checks)):
        low, high = sorted(distance(check, value) for value in check.interval)
        colour = COLOURS[0] if check.passed else COLOURS[3]
        axes.plot([low, high], [row, row], color=colour, linewidth=2)
        axes.plot(distance(check, check.value), row, "o" if check.passed else "X", color=colour, markersize=5)
    axes.axvline(0, color="black", linewidth=0.9)
    axes.set_yticks(range(len(checks)), [f"{check.name}  {check.what}" for check in reversed(checks)], fontsize=7)
    axes.set(
        xlim=(-1.08, 1.08),
        ylim=(-0.8, len(checks) - 0.2),
        xlabel="missed  ←  distance to the criterion (compressed)  →  met",
    )
    axes.set_xticks([])
    right = axes.secondary_yaxis("right")
    right.set_yticks(
        range(len(checks)), [f"{check.value:.4g}   ({check.criterion})" for check in reversed(checks)], fontsize=7
    )
    return figure


def distance(check: Check, value: float) -> float:
    """Signed distance to the nearest end of the criterion, relative to it, compressed to -1 to 1; above 0 where it is met.

    >>> from ..check import at_most
    >>> distance(Check("C0", "x", [0.05], at_most(0.1)), 0.05) > 0
    True
    """
    if not np.isfinite(value):
        return -1.0
    ends = [(value - check.criterion.low, check.criterion.low), (check.criterion.high - value, check.criterion.high)]
    margin = min((gap / (abs(end) or 1.0) for gap, end in ends if np.isfinite(end)), default=0.0)
    return float(np.tanh(margin / 0.3))

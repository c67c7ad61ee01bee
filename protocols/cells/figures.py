"""Figures of the presets beside their sources."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ...recordings.plot_style import COLOURS, GREY, new_figure, save, styled


def draw(part: str, drawn: dict[str, Any], folder: Path) -> Path:
    """Draw one part; the path of its PNG."""
    return save(_DRAWN[part](drawn), folder / f"cells_{part.replace('-', '_')}")


@styled
def _calibration(drawn: dict[str, Any]) -> Figure:
    figure = new_figure(7.5, 2.6)
    for axes, (name, found), colour in zip(figure.subplots(1, 3), drawn["measured"].items(), COLOURS, strict=False):
        axes.plot(
            found.current, np.maximum(found.gain * (found.current - found.rheobase), 0), color=GREY, label="fitted relu"
        )
        axes.plot(found.current, found.rate, "o", markersize=3, color=colour, label="simulated")
        axes.set(title=name, xlabel="current (pA)", ylabel="rate (Hz)")
        axes.legend(loc="upper left")
    return figure


@styled
def _prediction(drawn: dict[str, Any]) -> Figure:
    figure = new_figure(7.5, 2.8)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    left.plot(drawn["time"], drawn["V_nest"], color=GREY, linewidth=2.6, label="NEST 3.10")
    left.plot(drawn["time"], drawn["V"], color=COLOURS[0], linewidth=1.0, label="preset")
    left.set(xlabel="time (ms)", ylabel="dendritic potential (mV)", ylim=(None, max(drawn["V_nest"]) + 5))
    left.legend(loc="upper right", ncols=2)
    ends = [min(drawn["dw_nest"]), max(drawn["dw_nest"])]
    right.plot(ends, ends, color=GREY)
    right.plot(drawn["dw_nest"], drawn["dw"], "o", markersize=2.5, color=COLOURS[0])
    right.set(xlabel="dw, NEST 3.10 (pA)", ylabel="dw, preset (pA)")
    return figure


@styled
def _bursts(drawn: dict[str, Any]) -> Figure:
    figure = new_figure(7.5, 2.8)
    left, right = figure.subplots(1, 2)
    left.plot(drawn["current"], drawn["sigmoid"], color=GREY, label="source's sigmoid")
    left.plot(drawn["current"], drawn["share"], "o", markersize=3.5, color=COLOURS[0], label="counted")
    left.set(xlabel="dendritic current (pA)", ylabel="burst probability", ylim=(0, 1))
    left.legend(loc="upper left")
    for step, course, colour in zip(
        drawn["steps"], drawn["courses"], (COLOURS[3], COLOURS[6], COLOURS[0]), strict=True
    ):
        time = drawn["every"] * np.arange(len(course)) / 1e3
        right.plot(time, course - course[len(course) // 2], color=colour, label=f"then {step:g} pA")
    right.axvline(drawn["every"] * (len(course) // 2) / 1e3, color=GREY, linewidth=0.8)
    right.set(xlabel="time (s); 300 pA up to 2 s", ylabel="weight (pA)")
    right.legend(loc="upper left")
    return figure


@styled
def _pairs(drawn: dict[str, Any]) -> Figure:
    figure = new_figure(5.2, 3.0)
    axes = figure.subplots()
    for order, colour in (("pre-post", COLOURS[0]), ("post-pre", COLOURS[3])):
        chosen = sorted((rate, k) for k, rate in enumerate(drawn["rate"]) if drawn["order"][k] == order)
        rates, which = [rate for rate, _ in chosen], [k for _, k in chosen]
        axes.plot(rates, drawn["nest"][which], color=colour, label=f"{order}, NEST 3.10")
        axes.plot(rates, drawn["percent"][which], "o", markersize=4, color=colour, label=f"{order}, preset")
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="frequency of pairs (Hz)", ylabel="change of weight (%)")
    axes.legend(loc="upper left")
    return figure


@styled
def _eligibility(drawn: dict[str, Any]) -> Figure:
    figure = new_figure(7.5, 3.2)
    names = list(drawn["forms"])
    for axes, (word, said, bound) in zip(
        figure.subplots(1, 3, sharey=True),
        (("cosT", "cosT", drawn["wrong_cosT"]), ("cosB", "cosB", drawn["wrong_cosB"]), ("block", "|dW| left by the block", 0.05)),
        strict=True,
    ):  # fmt: skip
        for row, name in enumerate(names):
            values = drawn["forms"][name][word]
            axes.plot(values, [row] * len(values), "o", markersize=4, color=COLOURS[0])
        axes.axvline(bound, color=GREY, linewidth=0.9, linestyle="--")
        axes.set(xlabel=said, xlim=(min(0, axes.get_xlim()[0]), 1.1))
        axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    return figure


_DRAWN = {
    "calibration": _calibration, "urbanczik-senn": _prediction, "burst-dependent": _bursts, "clopath": _pairs,
    "eligibility": _eligibility,
}  # fmt: skip

"""Accuracy by epochs: what the cells of a comparison had learnt on the way."""

import csv
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from ...recordings.atomic import replacing
from ...recordings.plot_style import GREY, colours, new_figure, save, styled
from ..sweep.folder import DIVERGED, DONE, FAILED, SweepFolder
from ..sweep.results import read_outs
from .comparison import Entry
from .table import RANDOM, Cell

COLUMNS = ("rule", "seed", "epochs", "accuracy", "accuracy_random", "seconds", "loss")
DASHES = ("-", "--", ":")  # where colours begin again


def curves_of(
    entries: Sequence[Entry], seeds: Sequence[int], folder: SweepFolder, names: Mapping[Cell, str]
) -> list[dict[str, Any]]:
    """One curve per cell that was read out on the way: rule, seed, and lists of epochs, accuracy, accuracy_random, seconds and loss.

    Args:
        entries: that are shown.
        seeds: that are shown.
        folder: of the comparison.
        names: of the cells.

    Raises:
        ConfigError: the file of a cell is damaged.
    """
    found = []
    for entry in entries:
        for seed in seeds:
            name = names.get((entry.label, seed))
            readings = [] if name is None else [r for r in read_outs(folder, name) if r.get("accuracy") is not None]
            if readings:
                told = {key: [reading.get(key) for reading in readings] for key in COLUMNS[2:]}
                found.append({"rule": entry.label, "seed": seed, **told})
    return found


def common(
    entries: Sequence[Entry], seeds: Sequence[int], folder: SweepFolder, names: Mapping[Cell, str]
) -> float | None:
    """The epochs that a table of an unfinished comparison is made at: the most after which every entry that has begun was read out with one
    seed at least; runs that failed or diverged hold none back. None where every cell has ended, or nothing was read out on the way.

    Args:
        entries, seeds, folder, names: as in `curves_of`.
    """
    cells = {
        (e.label, seed): name for e in entries for seed in seeds if (name := names.get((e.label, seed))) is not None
    }
    states = {cell: folder.status(name) for cell, name in cells.items()}
    curves = [
        c for c in curves_of(entries, seeds, folder, names) if states[c["rule"], c["seed"]] not in (FAILED, DIVERGED)
    ]
    if not curves or all(state in (DONE, FAILED, DIVERGED) for state in states.values()):
        return None
    by_rule: dict[str, set[float]] = {}
    for curve in curves:
        by_rule.setdefault(curve["rule"], set()).update(curve["epochs"])
    shared = set.intersection(*by_rule.values())
    return max(shared, default=None)


def reading_at(folder: SweepFolder, name: str, epochs: float | None) -> dict[str, Any] | None:
    """What a cell had learnt after so many epochs, at its end for None; None where it was not read out then.

    Raises:
        ConfigError: the file of the cell is damaged.
    """
    if epochs is None:
        return folder.read_result(name) if folder.status(name) == DONE else None
    return next((each for each in read_outs(folder, name) if each["epochs"] == epochs), None)


def write_csv(path: Path, curves: Sequence[Mapping[str, Any]]) -> str:
    """A line per cell and read-out."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for curve in curves:
            for values in zip(*(curve[key] for key in COLUMNS[2:]), strict=True):
                writer.writerow([curve["rule"], curve["seed"], *("" if value is None else value for value in values)])
    return str(path)


def means(curves: Sequence[Mapping[str, Any]]) -> dict[str, dict[float, list[float]]]:
    """Accuracies of the seeds by rule and epochs."""
    found: dict[str, dict[float, list[float]]] = {}
    for curve in curves:
        of_rule = found.setdefault(curve["rule"], {})
        for epochs, accuracy in zip(curve["epochs"], curve["accuracy"], strict=True):
            of_rule.setdefault(epochs, []).append(accuracy)
    return found


def random_of(curves: Sequence[Mapping[str, Any]]) -> float:
    """Mean accuracy of the random networks."""
    return statistics.fmean([value for curve in curves for value in curve["accuracy_random"] if value is not None])


@styled
def draw(curves: Sequence[Mapping[str, Any]], stem: Path) -> Path:
    """Mean accuracy over epochs by rule, with the range of its seeds; the random network as a line."""
    rules = means(curves)
    figure = new_figure(7.2, 4.6)
    axes: Axes = figure.subplots()
    shades = colours(min(len(rules), 7))
    for place, (rule, points) in enumerate(rules.items()):
        epochs = sorted(points)
        middle = [statistics.fmean(points[epoch]) for epoch in epochs]
        colour, dash = shades[place % len(shades)], DASHES[place // len(shades) % len(DASHES)]
        axes.plot(epochs, middle, dash, color=colour, marker="o", markersize=3, label=rule)
        low, high = ([end(points[epoch]) for epoch in epochs] for end in (min, max))
        axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
    random = random_of(curves)
    axes.axhline(random, color=GREY, linestyle="-.", label=f"{RANDOM} ({random:.1f} %)")
    axes.set_xlabel("passes over the training images")
    axes.set_ylabel("test accuracy, all populations (%)")
    figure.legend(loc="outside right upper")
    return save(figure, stem)

"""Rows and summary of a comparison."""

import csv
import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...recordings.atomic import replacing
from ..sweep.results import is_number
from .comparison import Entry

RANDOM, PIXELS = "random init", "pixels"
CONTROLS = {RANDOM: "nothing: weights as drawn", PIXELS: "nothing: the read-out alone"}
COLUMNS = (
    "rule", "seed", "accuracy", "accuracy_random", "accuracy_pixels", "images_per_second", "peak_memory_bytes", "epochs", "steps",
    "seconds", "macs_per_image", "bytes_per_image", "status",
)  # fmt: skip
FINISHED, FAILED = "finished", "failed"
# a cell by rule and seed
Cell = tuple[str, int]


ROW = (
    "accuracy", "accuracy_random", "accuracy_pixels", "layers", "images_per_second", "peak_memory_bytes", "epochs", "steps", "seconds",
    "losses", "macs_per_image", "bytes_per_image",
)  # fmt: skip


def rows_of(
    entries: Sequence[Entry], seeds: Sequence[int], told: Mapping[Cell, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of cells, controls last: the random network and the pixels of the first entry that is there, where all see the same images.

    Args:
        entries: that are shown.
        seeds: that are shown.
        told: what the cells came to, of those that did.
    """
    cells = [(entry.label, seed) for entry in entries for seed in seeds]
    rows = [
        {"rule": cell[0], "seed": cell[1], **{key: told[cell].get(key) for key in ROW}}
        for cell in cells
        if cell in told
    ]
    controls = []
    for label, key in ((RANDOM, "accuracy_random"), (PIXELS, "accuracy_pixels")):
        for seed in seeds:
            same = [row for row in rows if row["seed"] == seed]
            # where entries stand on data of their own, none of their controls is that of all; a read-out that fits nothing has no pixels
            seen = {row["accuracy_pixels"] for row in same} - {None}
            if same and len(seen) <= 1 and (key == "accuracy_random" or seen):
                controls.append(
                    {"rule": label, "seed": seed, "accuracy": next(row[key] for row in same if row[key] is not None)}
                )
    return rows + controls


def summary(
    entries: Sequence[Entry], rows: Sequence[dict[str, Any]], failed: Collection[Cell] = ()
) -> list[dict[str, Any]]:
    """One line per rule: mean, standard deviation and n of the accuracy, number of failed cells, gain over its own random network, medians of speed and memory."""
    lost = [label for label, _ in failed]
    return [
        *(_line(entry.label, rows, entry, lost.count(entry.label)) for entry in entries),
        *(_line(label, rows, None, 0) for label in CONTROLS if any(row["rule"] == label for row in rows)),
    ]


def _line(label: str, rows: Sequence[dict[str, Any]], entry: Entry | None, failed: int) -> dict[str, Any]:
    mine = [row for row in rows if row["rule"] == label]
    accuracies = [row["accuracy"] for row in mine]
    published = entry.published if entry else None
    return {
        "rule": label,
        "mean": statistics.fmean(accuracies) if accuracies else None,
        "sd": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        "n": len(accuracies),
        "failed": failed,
        "gain": _mean_gain(mine),
        "images_per_second": _median(mine, "images_per_second"),
        "peak_memory_bytes": _median(mine, "peak_memory_bytes"),
        "epochs": _median(mine, "epochs"),
        "macs_per_image": _median(mine, "macs_per_image"),
        "bytes_per_image": _median(mine, "bytes_per_image"),
        "locality": entry.locality if entry else CONTROLS[label],
        "published": None if published is None else published[0],
        "published_source": None if published is None else published[1],
    }


def _mean_gain(rows: Sequence[dict[str, Any]]) -> float | None:
    gains = [row["accuracy"] - row["accuracy_random"] for row in rows if "accuracy_random" in row]
    return statistics.fmean(gains) if gains else None


def _median(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row.get(name) is not None]
    return float(statistics.median(values)) if values else None


def write_csv(path: Path, rows: Sequence[dict[str, Any]], failed: Collection[Cell] = ()) -> str:
    """All rows as CSV; a control has only its accuracy, a failed cell has none."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**row, "status": FINISHED} for row in rows)
        writer.writerows({"rule": label, "seed": seed, "status": FAILED} for label, seed in failed)
    return str(path)


def cells_of(line: dict[str, Any]) -> list[str]:
    """One line of the summary as text, in the order of `HEAD`."""
    spread = "–" if line["sd"] is None else f"{line['sd']:.2f}"
    memory, failed = line["peak_memory_bytes"], line["failed"]
    accuracy = f"{line['mean']:.2f}" if line["mean"] is not None else FAILED if failed else "not run"
    return [
        line["rule"], accuracy, spread, f"{line['n']} ({failed} {FAILED})" if failed else str(line["n"]), _number(line["gain"], "+.2f"),
        _number(line["epochs"], ".1f"), _number(line["images_per_second"], ".0f"),
        "–" if memory is None else f"{memory / 2**20:.0f}", _number(_millions(line["macs_per_image"]), ".0f"),
        _number(_millions(line["bytes_per_image"]), ".1f"), _number(line["published"], ".2f"), line["locality"],
    ]  # fmt: skip


HEAD = [
    "rule", "accuracy (%)", "s.d.", "n", "gain over own random init", "epochs", "images/s", "peak memory (MiB)", "million MACs/image", "MB/image",
    "published (%)",
    "what an update needs",
]  # fmt: skip


def _millions(value: float | None) -> float | None:
    return None if value is None else value / 1e6


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def markdown(table: Sequence[dict[str, Any]]) -> str:
    """The summary as a Markdown table, best first, controls last."""
    ranked = ranking(table)
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + ["| " + " | ".join(cells_of(line)) + " |" for line in ranked]) + "\n"


def ranking(table: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Best first, what has no accuracy after it, controls last; entries that are called by numbers stand by size, as what is swept."""
    if all(is_number(line["rule"]) for line in table if line["rule"] not in CONTROLS):
        return sorted(table, key=lambda line: math.inf if line["rule"] in CONTROLS else float(line["rule"]))
    return sorted(table, key=lambda line: (line["rule"] in CONTROLS, line["mean"] is None, -(line["mean"] or 0.0)))

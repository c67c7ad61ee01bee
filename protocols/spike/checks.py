"""What must hold of a closed loop; every row rejects at least one control."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..check import Check, Criterion, above, at_least
from .settings import INTACT

REACHED, LOST, ALIKE = 0.8, 0.3, 0.7
Cell = Mapping[str, Any]


def fall(cell: Cell) -> float:
    """Fall of the objective by what spikes learnt, relative to the twin's; both networks run with rates on held-out pairs, sum over populations."""
    first, twin, spikes = (np.sum(cell["rates"][who]["objective"]) for who in ("start", "twin", "spikes"))
    return float((first - spikes) / (first - twin)) if first != twin else float("nan")


def fall_by_spikes(cell: Cell) -> float:
    """The same where the network that learnt from spikes is also judged by its spikes."""
    rates = cell["rates"]
    whole = np.sum(rates["start"]["objective"]) - np.sum(rates["twin"]["objective"])
    own = np.sum(cell["spikes"]["start"]["objective"]) - np.sum(cell["spikes"]["end"]["objective"])
    return float(own / whole) if whole else float("nan")


def checks(cells: Sequence[Cell]) -> list[Check]:
    """All rows, from the cells of all seeds and conditions."""
    intact = [cell for cell in cells if cell["condition"] == INTACT]
    found = [
        Check("fall", "fall of the objective by what spikes learnt, relative to the rate twin's", [fall(c) for c in intact], at_least(REACHED)),
        Check("fall by spikes", "the same, judged by spikes too", [fall_by_spikes(c) for c in intact], at_least(REACHED)),
        Check("cosine", "cosine of the summed dW of the first fifth with the rate rule's", [c["cosines"]["rule"] for c in intact], at_least(ALIKE)),
        Check(
            "gate", "the same above that with the rule without its gate",
            [c["cosines"]["rule"] - c["cosines"]["without gate"] for c in intact], above(0),
        ),
        Check("irregular", "local variation CV2 of intervals between spikes, 1 for Poisson", [c["irregularity"] for c in intact], Criterion(0.7, 1.3)),
    ]  # fmt: skip
    if len(intact) > 1:
        gains = [c["spikes"]["end"]["accuracy"][-1] - c["spikes"]["start"]["accuracy"][-1] for c in intact]
        spread = float(np.std(gains, ddof=1))
        found.append(
            Check("read-out", "gain of the top population's read-out by spikes over its spread (points)", [float(np.mean(gains)) - spread],
                  above(0), detail={"gains": gains, "spread": spread})
        )  # fmt: skip
    return found


def rejections(cells: Sequence[Cell]) -> dict[str, dict[str, Any]]:
    """By control: its numbers on every seed, and which checks of `checks` reject it."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(cell["condition"] for cell in cells):
        if name == INTACT:
            continue
        own = [cell for cell in cells if cell["condition"] == name]
        rows = {
            "fall": [fall(c) for c in own], "cosine": [c["cosines"]["rule"] for c in own],
            "gate": [c["cosines"]["rule"] - c["cosines"]["without gate"] for c in own],
        }  # fmt: skip
        limits = {"fall": at_least(REACHED), "cosine": at_least(ALIKE), "gate": above(0)}
        found[name] = {
            **rows, "rejected_by": [row for row, values in rows.items() if not any(limits[row].met(v) for v in values)],
        }  # fmt: skip
    return found


def lost(name: str, values: Sequence[float]) -> Check:
    """A control whose learning must be gone."""
    return Check(
        name,
        f"fall of the objective with {name.replace('-', ' ')}, relative to the twin's",
        list(values),
        Criterion(high=LOST),
    )

"""What must hold of a closed loop; every row rejects at least one control."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..check import Check, above, at_least, at_most
from .settings import INTACT

REACHED, LOST, ALIKE = 0.8, 0.3, 0.7
MUST_LOSE = ("silent-soma", "shuffled-gamma", "no-memory", "tuft-blocked")
Cell = Mapping[str, Any]


def fall(cell: Cell) -> float:
    """Fall of the objective by what spikes learnt, relative to the twin's; both networks run with rates on held-out pairs, sum over populations.

    NaN, which no criterion holds for, where the twin's objective did not fall: then there is nothing to be relative to.
    """
    first, twin, spikes = (np.sum(cell["rates"][who]["objective"]) for who in ("start", "twin", "spikes"))
    return float((first - spikes) / (first - twin)) if first > twin else float("nan")


def fall_by_spikes(cell: Cell) -> float:
    """The same where the network that learnt from spikes is also judged by its spikes."""
    rates = cell["rates"]
    whole = np.sum(rates["start"]["objective"]) - np.sum(rates["twin"]["objective"])
    own = np.sum(cell["spikes"]["start"]["objective"]) - np.sum(cell["spikes"]["end"]["objective"])
    return float(own / whole) if whole > 0 else float("nan")


def cosine(cell: Cell, with_what: str) -> float:
    """Cosine of the summed dW with one of the rules'; NaN, a null in the stored cell, where spikes or rule changed nothing."""
    found = cell["cosines"][with_what]
    return float("nan") if found is None else float(found)


def rows(cells: Sequence[Cell]) -> list[Check]:
    """The checks of one condition on all its seeds; the read-out's spread needs two."""
    found = [
        Check("fall", "fall of the objective by what spikes learnt, relative to the rate twin's", [fall(c) for c in cells], at_least(REACHED)),
        Check("fall by spikes", "the same, judged by spikes too", [fall_by_spikes(c) for c in cells], at_least(REACHED)),
        Check("cosine", "cosine of the summed dW of the first fifth with the rate rule's", [cosine(c, "rule") for c in cells], at_least(ALIKE)),
        Check(
            "gate", "the same above that with the rule without its gate",
            [cosine(c, "rule") - cosine(c, "without gate") for c in cells], above(0),
        ),
    ]  # fmt: skip
    if len(cells) > 1:
        gains = [c["spikes"]["end"]["accuracy"][-1] - c["spikes"]["start"]["accuracy"][-1] for c in cells]
        spread = float(np.std(gains, ddof=1))
        found.append(
            Check("read-out", "gain of the top population's read-out by spikes over its spread (points)", [float(np.mean(gains)) - spread],
                  above(0), detail={"gains": gains, "spread": spread})
        )  # fmt: skip
    return found


def checks(cells: Sequence[Cell]) -> list[Check]:
    """What must hold of the intact condition, and of the controls that must not learn."""
    found = rows([cell for cell in cells if cell["condition"] == INTACT])
    for name in MUST_LOSE:
        own = [fall(cell) for cell in cells if cell["condition"] == name]
        found += [lost(name, own)] if own else []
    return found


def rejections(cells: Sequence[Cell]) -> dict[str, dict[str, Any]]:
    """By control: its numbers on every seed, and which rows reject it, that is, hold with no seed."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(cell["condition"] for cell in cells):
        if name != INTACT:
            own = rows([cell for cell in cells if cell["condition"] == name])
            numbers = {row.name: list(row.values) for row in own}
            rejecting = [row.name for row in own if not any(row.criterion.met(value) for value in row.values)]
            found[name] = {**numbers, "rejected_by": rejecting}
    return found


def lost(name: str, values: Sequence[float]) -> Check:
    """A control whose learning must be gone."""
    return Check(
        name,
        f"fall of the objective with {name.replace('-', ' ')}, relative to the twin's",
        list(values),
        at_most(LOST),
    )

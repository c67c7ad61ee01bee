"""What a sweep would do, and what is known of its cost."""

from collections.abc import Sequence
from typing import Any

from ..progress import clocked
from ..settings.load import RunConfig
from . import manifest as stored
from .folder import DIVERGED, DONE, SweepFolder
from .plan import UNTIL_TIME, Cell, Plan
from .results import counted
from .run import Means


def dry(plan: Plan, folder: SweepFolder, cells: Sequence[Cell], means: Means) -> dict[str, Any]:
    """Cells with their settings checked, and the cost by the pace of those that are done.

    Args:
        plan: what would be done.
        folder: where.
        cells: of the plan.
        means: by whom.

    Returns:
        JSON-ready dict: sweep, name, budget, cells (by status), rows (cell, at, status, epochs, samples), seconds (that are left with these
        workers; None where nothing is known), cost (in words).

    Raises:
        ConfigError: the folder holds another sweep.
    """
    before = stored.read(folder) if folder.manifest.is_file() else None
    stored.extended(before, plan, cells)
    rows: list[dict[str, Any]] = []
    for cell in cells:
        epochs = cell.config.training.epochs
        timed = epochs == UNTIL_TIME
        samples = None if timed else samples_of(cell.config)
        rows.append(
            {
                "cell": cell.name,
                "at": dict(cell.at),
                "status": folder.status(cell.name),
                "epochs": None if timed else epochs,
                "samples": samples,
            }
        )
    done = [folder.read_result(row["cell"]) for row in rows if row["status"] in (DONE, DIVERGED)]
    spent = [told["seconds"] for told in done if told["seconds"]]
    left = len(rows) - len(done)
    each = plan.budget.seconds or (sum(spent) / len(spent) if spent else None)
    seconds = None if each is None else left * each / max(means.workers, 1)
    known = [row["samples"] for row in rows if row["status"] not in (DONE, DIVERGED)]
    shown = "" if None in known else f", {sum(known):,} images to show"
    if seconds is None:
        time = "; how long that takes is told once a first cell is done"
    else:
        time = f"; about {clocked(seconds)} of training with {max(means.workers, 1)} at a time, {'as the budget says' if plan.budget.seconds else 'by the pace of the cells that are done'}; read-outs come on top"
    return {
        "sweep": str(folder.path), "name": plan.name, "budget": plan.budget.told(), "cells": counted(rows), "rows": rows, "seconds": seconds,
        "cost": f"{left:,} cells are left{shown}{time}.",
    }  # fmt: skip


def samples_of(config: RunConfig) -> int | None:
    """Images that a run shows; None where the settings do not say how many there are."""
    n, batch = config.stimulus.n_train, config.training.batch
    return None if n is None else n // batch * batch * config.training.epochs * config.training.repeats

"""`apical cells`: presets of neurons and plastic synapses run beside their sources, drawn, with verdicts."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, nearest
from ..progress import bar as progress_bar
from ..runs.files import plain, write_json
from ..sections import hand_in
from .section import section


def listed() -> dict[str, Any]:
    """All cells and synapses that are given by equations, with their sources, and what can be checked."""
    from ...models.spiking.cells import CELLS, SYNAPSES
    from .sources import PARTS

    return {
        "cells": {name: cell.source for name, cell in CELLS.items()},
        "synapses": {name: synapse.source for name, synapse in SYNAPSES.items()},
        "parts": [*PARTS, "eligibility"],
    }


def check_cells(
    out: Path,
    parts: Sequence[str] = (),
    *,
    run: Path | None = None,
    seeds: Sequence[int] = (0,),
    data_dir: Path | None = None,
    data: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Run presets as their sources ran them.

    Writes OUT/cells.json and OUT/figures/cells_*.png, and touches nothing else there.

    Args:
        out: folder of the results.
        parts: names of `listed()["parts"]`; none for all, `eligibility` only with a run.
        run: a trained run with apical dendrites, whose circuit `eligibility` replays.
        seeds: of all noise; every one is run where a trained circuit is replayed, the first elsewhere.
        data_dir, data: where the run's images are now.
        progress: show bars on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: rows (part, quantity, found, expected, at_most, passed), passed, figures, seconds.

    Raises:
        ConfigError: an unknown part, or `eligibility` without a run.
        ModelError: Brian2 is not installed.
    """
    from . import eligibility
    from .figures import draw
    from .sources import PARTS

    begun, chosen = time.perf_counter(), tuple(parts) or (*PARTS, *(("eligibility",) if run else ()))
    for part in chosen:
        if part not in (*PARTS, "eligibility"):
            known = [*PARTS, "eligibility"]
            raise ConfigError(f"cells.part: expected one of {', '.join(known)}, got {part!r}{nearest(part, known)}")
    if "eligibility" in chosen and run is None:
        raise ConfigError("cells.run: expected a trained run for the part eligibility, got none; give --run RUN")
    if not seeds or min(seeds) < 0:
        raise ConfigError(f"cells.seeds: expected numbers from 0, got {list(seeds)}; for example 0-2")
    circuit = eligibility.cut(run, data_dir, data) if run is not None and "eligibility" in chosen else None
    out.mkdir(parents=True, exist_ok=True)
    rows, figures, extra = [], {}, {}
    for part in progress_bar(progress, "part", len(chosen), over=iter(chosen), title="cells", leave=False):
        if circuit is not None and part == "eligibility":
            shown = eligibility.compare(circuit, tuple(seeds), progress)
            extra = {"forms": shown.drawn["forms"], "wrong": shown.drawn["wrong"]}
        else:
            shown = PARTS[part](seeds[0])
        rows += [row.as_dict() for row in shown.rows]
        figures[part] = str(draw(part, shown.drawn, out / "figures"))
    result: dict[str, Any] = {
        "rows": rows, "passed": all(row["passed"] is not False for row in rows), **extra, "seeds": list(seeds),
        "figures": figures, "run": str(out), "command": " ".join(sys.argv), "seconds": time.perf_counter() - begun,
    }  # fmt: skip
    write_json(out / "cells.json", result)
    hand_in(out, section(plain(result)))
    return result


def unmet(result: dict[str, Any]) -> str | None:
    """The first criterion that does not hold, as one sentence; None when all hold."""
    for row in result["rows"]:
        if row["passed"] is False:
            aim = (
                f"within {row['at_most']:g} of {row['expected']:g}"
                if row["expected"] is not None
                else f"at most {row['at_most']:g}"
            )
            return f"cells.{row['part']}: expected {row['quantity']} {aim}, got {row['found']:.4g}; see {result['run']}/cells.json"
    return None

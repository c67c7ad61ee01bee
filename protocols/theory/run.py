"""`apical theory`: all parts one after the other, their cases into a recording, their figures and their verdicts."""

import datetime
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ...recordings import write_results
from ..progress import bar as progress_bar
from ..runs.files import plain, write_json
from ..runs.provenance import git_state
from ..sections import hand_in
from . import breaking, hinge, proposition_3_5, theorem_3_1, theorem_3_3
from .dataset import dataset
from .figures import draw
from .optimum import PENALTY
from .section import section

GROUP = "theory"
CASES = 240
FEW_CASES = 105  # per number of objects: five rounds of all contrasts and width ratios
PARTS = ("theorem_3_1", "theorem_3_3", "proposition_3_5", "breaking")
Rows = dict[str, list[dict[str, Any]]]


def check_theory(out: Path, seed: int = 0, cases: int = CASES, *, progress: bool = True) -> dict[str, Any]:
    """Check theorems 3.1 and 3.3 and proposition 3.5 in deep linear networks, and what breaks them.

    Writes the group `theory` of OUT/recording.zarr, OUT/figures/theory_*.png and OUT/theory.json, and touches nothing else there.

    Args:
        out: folder of the results; that of a run will do.
        seed: seed of all networks and data.
        cases: networks on which theorem 3.3 is checked.
        progress: show bars on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: theorem_3_1, theorem_3_3, proposition_3_5 and breaking, each with `passed`; seconds, figures, run.

    Raises:
        RecordingError: the results cannot be written.
    """
    begun, threads = time.perf_counter(), torch.get_num_threads()
    out.mkdir(parents=True, exist_ok=True)  # refused now, not after the work
    torch.set_num_threads(1)  # matrices this small are done before a second thread has woken up
    try:
        rows, result = _check(seed, cases, progress)
    finally:
        torch.set_num_threads(threads)
    return _write(out, seed, rows, result, begun)


def _check(seed: int, cases: int, progress: bool) -> tuple[Rows, dict[str, Any]]:
    """All cases by part, and the summary of each part."""
    rows: Rows = {}
    few_cases = len(theorem_3_3.FEW_OBJECTS) * FEW_CASES

    def collect(part: str, stream: int, total: int, found: Iterator[dict[str, Any]]) -> None:
        bar = progress_bar(progress, "case", total, over=found, title=part, leave=False)
        rows[part] = list(bar)

    collect("theorem_3_1", 0, len(theorem_3_1.cases()), theorem_3_1.check(_draws(seed, 0)))
    collect("hinge", 1, hinge.TOTAL, hinge.check(_draws(seed, 1)))
    collect("theorem_3_3", 2, cases, theorem_3_3.check(cases, _draws(seed, 2)))
    collect("few_objects", 3, few_cases, theorem_3_3.check_few(FEW_CASES, _draws(seed, 3)))
    collect("proposition_3_5", 4, proposition_3_5.TOTAL, proposition_3_5.construction(_draws(seed, 4)))
    collect("blocks", 5, proposition_3_5.TOTAL_BLOCKS, proposition_3_5.block_sweep(_draws(seed, 5)))
    collect("breaking", 6, breaking.TOTAL, breaking.check(_draws(seed, 6)))
    change = proposition_3_5.global_change(_draws(seed, 7))
    return rows, {
        "theorem_3_1": theorem_3_1.summary(rows["theorem_3_1"]) | {"hinge": hinge.summary(rows["hinge"])},
        "theorem_3_3": theorem_3_3.summary(rows["theorem_3_3"], rows["few_objects"]),
        "proposition_3_5": proposition_3_5.summary(rows["proposition_3_5"], rows["blocks"], change),
        "breaking": breaking.summary(rows["breaking"]),
    }


def _draws(seed: int, stream: int) -> torch.Generator:
    """The generator of one part: no part changes with the length of another."""
    return torch.Generator().manual_seed(seed + (stream << 32))


def _write(out: Path, seed: int, rows: Rows, result: dict[str, Any], begun: float) -> dict[str, Any]:
    attributes = {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv), "seed": seed, "penalty": PENALTY, "dtype": "float64", "git": git_state(),
    }  # fmt: skip
    write_results(out / "recording.zarr", GROUP, dataset(rows), attributes)
    figures = draw(rows, out / "figures")
    result |= {
        "seconds": time.perf_counter() - begun,
        "figures": {n: str(p) for n, p in figures.items()},
        "run": str(out),
    }
    write_json(out / "theory.json", result)
    hand_in(out, section(plain(result)))
    return result


def unmet(result: dict[str, Any]) -> str | None:
    """The first criterion that does not hold, as one sentence; None when all hold."""
    first, second, third = (result[part] for part in PARTS[:3])
    where = f"see {result['run']}/theory.json"
    if not first["passed"]:
        errors = ", ".join(f"{kind} {error:.1e}" for kind, error in first["largest_error"].items())
        bounds = ", ".join(f"{kind} {bound:.0e}" for kind, bound in first["criterion"].items())
        return f"theory.theorem_3_1: expected errors of at most {bounds}, got {errors}; {where}"
    if not first["hinge"]["passed"]:
        return f"theory.theorem_3_1.hinge: expected an error of at most {hinge.CRITERION:.0e}, got {first['hinge']['error']:.1e}; {where}"
    if not second["passed"]:
        return (
            f"theory.theorem_3_3: expected no violation in {second['cases']} cases, got {second['violations']}; {where}"
        )
    if not third["passed"]:
        return (
            f"theory.proposition_3_5: expected an error of at most {third['criterion']:.0e} and a gap that grows with the block, got "
            f"{third['error']:.1e} and gaps that {'grow' if third['grows'] else 'do not grow'}; {where}"
        )
    if not result["breaking"]["passed"]:
        return f"theory.breaking: expected a gap of 0 at the conditions of theorem 3.1 and above {breaking.APART} far off, got another; {where}"
    return None

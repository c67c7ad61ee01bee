"""`apical demo`: the main job end to end on the embedded objects."""

import sys
import time
from pathlib import Path
from typing import Any

from .config import load
from .inspect import inspect_run
from .probe import probe
from .train import train


def demo(out: Path | None, seed: int, progress: bool = True) -> dict[str, Any]:
    """Train a narrow network with direct feedback on `shapes`, record it, read it out, draw it.

    Args:
        out: folder of the run; None for runs/demo-seed<seed>, numbered on where that exists.
        seed: seed of everything drawn.
        progress: show what happens on stderr.

    Returns:
        JSON-ready dict: run, accuracy, accuracy_random, accuracy_pixels, gain, replay, report, seconds. `replay` is null: circuits
        are not replayed with spikes yet.

    Raises:
        ConfigError: `out` exists.
    """
    begun = time.perf_counter()
    config = load("demo", (), {"seed": seed})
    folder = out or _free(Path("runs") / f"demo-seed{seed}")
    _tell(progress, f"1/3 training: two-compartment neurons learn from glances at objects ({folder})")
    trained = train(config, folder, progress=progress)
    _tell(progress, "2/3 read-out: trained network, its random initialisation, pixels")
    read = probe(folder, progress=progress)
    _tell(progress, "3/3 figures and report")
    report = inspect_run(folder)
    return {
        "run": str(folder),
        "accuracy": read["accuracy"],
        "accuracy_random": read["accuracy_random"],
        "accuracy_pixels": read["accuracy_pixels"],
        "gain": read["accuracy"] - read["accuracy_random"],
        "images_per_second": trained["images_per_second"],
        "replay": None,
        "report": report["report"],
        "seconds": time.perf_counter() - begun,
    }


def _free(path: Path) -> Path:
    """The path itself, or the next of path-2, path-3, ... that is not there yet."""
    number, candidate = 2, path
    while candidate.exists():
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate


def _tell(progress: bool, text: str) -> None:
    if progress:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

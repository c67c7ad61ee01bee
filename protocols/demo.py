"""`apical demo`: the main job end to end on the embedded objects."""

import time
from pathlib import Path
from typing import Any

from ..models import ModelError
from .inspect import inspect_run
from .probe.run import probe
from .progress import tell
from .settings.load import load
from .train.run import train


def demo(out: Path | None, seed: int, progress: bool = True) -> dict[str, Any]:
    """Train a narrow network with direct feedback on `shapes`, record it, read it out, replay it with spikes, draw it.

    Args:
        out: folder of the run; None for runs/demo-seed<seed>, numbered on where that exists.
        seed: seed of everything drawn.
        progress: show what happens on stderr.

    Returns:
        JSON-ready dict: run, accuracy, accuracy_random, accuracy_pixels, gain, replay, replay_missing, report, seconds. `replay` holds
        population, passed, failed and checks (name, what, value, criterion, passed); it is null, with the reason in `replay_missing`, where
        brian2 is missing.

    Raises:
        ConfigError: `out` exists.
    """
    begun = time.perf_counter()
    config = load("demo", (), {"seed": seed})
    folder = out or _free(Path("runs") / f"demo-seed{seed}")
    tell(progress, f"1/4 training: two-compartment neurons learn from glances at objects ({folder})")
    trained = train(config, folder, progress=progress)
    tell(progress, "2/4 read-out: trained network, its random initialisation, pixels")
    read = probe(folder, progress=progress)
    replayed, missing = _replay(folder, progress)
    tell(progress, "4/4 figures and report")
    report = inspect_run(folder)
    return {
        "run": str(folder),
        "accuracy": read["accuracy"],
        "accuracy_random": read["accuracy_random"],
        "accuracy_pixels": read["accuracy_pixels"],
        "gain": read["accuracy"] - read["accuracy_random"],
        "images_per_second": trained["images_per_second"],
        "replay": replayed,
        "replay_missing": missing,
        "report": report["report"],
        "seconds": time.perf_counter() - begun,
    }


def _replay(folder: Path, progress: bool) -> tuple[dict[str, Any] | None, str | None]:
    """The short replay of the run, or why there is none."""
    from ..models.spiking.brian import load_brian
    from .replay import ReplaySettings, replay_run

    try:
        load_brian()
    except ModelError as error:
        tell(progress, f"3/4 no replay with spikes: {error}")
        return None, str(error)
    tell(progress, "3/4 replay: a circuit of the trained network with spiking two-compartment neurons")
    found = replay_run(folder, ReplaySettings(quick=True), report=False, progress=progress)
    names = ("name", "what", "value", "criterion", "passed")
    return {
        "population": found["circuit"]["population"],
        "passed": found["passed"],
        "failed": found["failed"],
        "checks": [{name: check[name] for name in names} for check in found["checks"]],
        "seconds": found["seconds"],
    }, None


def _free(path: Path) -> Path:
    """The path itself, or the next of path-2, path-3, ... that is not there yet."""
    number, candidate = 2, path
    while candidate.exists():
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate

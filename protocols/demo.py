"""`apical demo`: the main job end to end on the embedded objects."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..models import ModelError
from ..recordings import Section, TextTable
from .inspect import inspect_run
from .probe.run import probe
from .progress import tell
from .replay.section import ABOUT
from .sections import checks_table, counted, number
from .settings.load import load
from .train.run import train

# a network small enough for seconds
LOOP: dict[str, Any] = {
    "data": "shapes", "crop": None, "image_size": 12, "objects": 8, "layers": ("32", "16"), "copies": 8, "glances": 30, "test_glances": 60,
}  # fmt: skip


def demo(out: Path | None, seed: int, progress: bool = True) -> dict[str, Any]:
    """Train a narrow network with direct feedback on `shapes`, record it, read it out, replay it with spikes, let spikes learn, draw it.

    Args:
        out: folder of the run; None for runs/demo-seed<seed>, numbered on where that exists.
        seed: seed of everything drawn.
        progress: show what happens on stderr.

    Returns:
        JSON-ready dict: run, accuracy, accuracy_random, accuracy_pixels, gain, replay, replay_missing, spikes, report, seconds. `replay`
        holds population, passed, failed and checks (name, what, value, criterion, passed), `spikes` the fall of the objective in a closed
        loop relative to its rate twin's, glances and seconds; both are null, with the reason in `replay_missing`, where brian2 is missing.

    Raises:
        ConfigError: `out` exists.
    """
    begun = time.perf_counter()
    config = load("demo", (), {"seed": seed})
    folder = out or _free(Path("runs") / f"demo-seed{seed}")
    tell(progress, f"1/5 training: two-compartment neurons learn from glances at objects ({folder})")
    trained = train(config, folder, progress=progress)
    tell(progress, "2/5 read-out: trained network, its random initialisation, pixels")
    read = probe(folder, progress=progress)
    replayed, missing = _replay(folder, progress)
    learnt = _spikes(folder, seed, progress) if missing is None else None
    tell(progress, "5/5 figures and report")
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
        "spikes": learnt,
        "report": report["report"],
        "seconds": time.perf_counter() - begun,
    }


def section(result: Mapping[str, Any]) -> Section:
    """What the demo found, as the terminal shows it.

    Args:
        result: as `demo` gives it.
    """
    rows = [
        ("read-out of all layers (%)", number(result["accuracy"], ".2f")),
        ("with random weights (%)", number(result["accuracy_random"], ".2f")),
        ("gain (points)", number(result["gain"], "+.2f")),
        ("of the pixels (%)", number(result["accuracy_pixels"], ".2f")),
        ("speed of the training (images/s)", number(result["images_per_second"], ".0f")),
    ]
    if (spikes := result["spikes"]) is not None:
        rows.append(("closed loop: fall of the objective over the rate twin's", number(spikes["fall"], ".2f")))
    tables = [TextTable(head=("quantity", "found"), rows=tuple(rows))]
    summary = ["A network learnt from glances at rendered objects, was read out, replayed with spikes and drawn."]
    if (replay := result["replay"]) is not None:
        checks = [check | {"interval": [check["value"]] * 2} for check in replay["checks"]]
        told = f"Replay of {replay['population']} with spikes: {replay['passed']} of {len(checks)} quantities meet their criterion"
        tables += [replace(counted(checks, ABOUT), title=told), checks_table(checks, "Every quantity", folded=True)]
    else:
        summary.append(f"Not replayed with spikes: {result['replay_missing']}")
    return Section(name="demo", title="Demo", summary=tuple(summary), tables=tuple(tables))


def _replay(folder: Path, progress: bool) -> tuple[dict[str, Any] | None, str | None]:
    """The short replay of the run, or why there is none."""
    from ..models.spiking.brian import load_brian
    from .replay import ReplaySettings, replay_run

    try:
        load_brian()
    except ModelError as error:
        tell(progress, f"3/5 no replay with spikes: {error}")
        return None, str(error)
    tell(progress, "3/5 replay: a circuit of the trained network with spiking two-compartment neurons")
    found = replay_run(folder, ReplaySettings(quick=True), report=False, progress=progress)
    names = ("name", "what", "value", "criterion", "passed")
    return {
        "population": found["circuit"]["population"],
        "passed": found["passed"],
        "failed": found["failed"],
        "checks": [{name: check[name] for name in names} for check in found["checks"]],
        "seconds": found["seconds"],
    }, None


def _spikes(folder: Path, seed: int, progress: bool) -> dict[str, Any]:
    """A short closed loop: a network of spiking neurons of its own looks about and learns."""
    from .spike import SpikeSettings, spike

    tell(progress, "4/5 closed loop: spiking neurons look at eight objects and learn by themselves")
    found = spike(SpikeSettings(**LOOP, seeds=(seed,)), folder, progress=progress)
    fall = next(check["value"] for check in found["checks"] if check["name"] == "fall")
    return {"fall": fall, "glances": found["glances"], "neurons": found["neurons"], "seconds": found["seconds"]}


def _free(path: Path) -> Path:
    """The path itself, or the next of path-2, path-3, ... that is not there yet."""
    number, candidate = 2, path
    while candidate.exists():
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate

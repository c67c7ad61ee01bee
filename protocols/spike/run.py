"""`apical spike`: all conditions and seeds, each kept when it is done, then checks and figures."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...models.spiking.brian import check_target, load_brian
from ...models.spiking.loop import check_loop_memory, predicted_bytes
from ...recordings.plot_style import save
from ..errors import ConfigError, Interrupted
from ..progress import bar as progress_bar
from ..progress import phase
from ..runs.files import plain, read_json, write_json
from ..runs.provenance import git_state
from ..sections import hand_in
from .cell import Course, begin, run_cell
from .checks import checks, rejections
from .figures import course as draw_course
from .figures import raster
from .glances import load_world
from .section import section
from .settings import INTACT, SpikeSettings


def spike(settings: SpikeSettings, out: Path, *, data_dir: Path | None = None, progress: bool = True) -> dict[str, Any]:
    """Let small networks of spiking neurons learn in a closed loop, and compare them with their rate twins.

    Writes OUT/spike.json, OUT/cells/CONDITION-seedN.json (finished ones are not run again), OUT/recordings/seedN.zarr of the intact
    condition and OUT/figures/spike_*.png; into the folder of a run also a section of its report.

    Args:
        settings: what is run.
        out: folder of the results.
        data_dir: folder of the data sets.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: checks (name, what, value, interval, criterion, passed), passed and failed, controls (their numbers and which
        checks reject them), irregularity (CV2 of the intervals between spikes by seed, 1 for Poisson), cells, neurons, synapses, predicted_bytes, figures, recordings, settings, seconds.

    Raises:
        ConfigError: the folder holds cells of other settings.
        ModelError: what the bridge refuses: memory, words, times, target.
    """
    begun = time.perf_counter()
    check_target(settings.loop.target)
    with phase(progress, "loading Brian2 and the objects that are looked at"):
        load_brian()
        world = load_world(settings, settings.seeds[0], data_dir)
        network = begin(settings, world, settings.seeds[0])
    check_loop_memory(network, settings.loop, max(settings.copies, settings.test_glances))
    out.mkdir(parents=True, exist_ok=True)
    identity = plain(_identity(settings))
    _same(out / "cells", identity)
    todo = [(condition, seed) for seed in settings.seeds for condition in settings.conditions]
    cells, courses = [], {}
    with progress_bar(progress, "glance", len(todo) * settings.glances, title="closed loop") as bar:
        for condition, seed in todo:
            path = out / "cells" / f"{condition}-seed{seed}.json"
            if path.is_file():
                cells.append(_read(path))
                bar.update(settings.glances)
                continue
            bar.set_postfix_str(f"{condition}, seed {seed}")
            recording = out / "recordings" / f"seed{seed}.zarr" if condition == INTACT else None
            twin = next((c for c in cells if c["condition"] == INTACT and c["seed"] == seed), None)
            try:
                cell, courses[condition, seed] = run_cell(
                    settings, condition, seed, data_dir=data_dir, recording=recording, each=bar.update, intact=twin
                )
            except KeyboardInterrupt as stop:
                raise Interrupted(
                    f"{len(cells)} of {len(todo)} conditions are kept in {out / 'cells'}; the same command goes on with {condition}, seed {seed}"
                ) from stop
            path.parent.mkdir(exist_ok=True)
            write_json(path, cell | {"settings": identity})
            cells.append(plain(cell))
    neurons, synapses, size = predicted_bytes(network, settings.loop, settings.copies)
    rows = checks(cells)
    result = {
        "out": str(out), "checks": [row.as_dict() for row in rows], "passed": sum(row.passed for row in rows),
        "failed": sum(not row.passed for row in rows), "controls": rejections(cells),
        "irregularity": {str(cell["seed"]): cell["irregularity"] for cell in cells if cell["condition"] == INTACT}, "cells": cells,
        "glances": settings.glances * settings.copies, "neurons": neurons, "synapses": synapses, "predicted_bytes": size,
        "figures": _draw(out, cells, courses, settings, network.units, world.shape),
        "recordings": [str(path) for path in sorted((out / "recordings").glob("seed*.zarr"))],
        "settings": settings.as_dict(), "git": git_state(), "seconds": time.perf_counter() - begun,
    }  # fmt: skip
    write_json(out / "spike.json", result)
    hand_in(out, section(plain(result)))
    return result


def _identity(settings: SpikeSettings) -> dict[str, Any]:
    """What a cell's numbers depend on."""
    return {name: value for name, value in settings.as_dict().items() if name not in ("seeds", "conditions")}


def _same(folder: Path, identity: Mapping[str, Any]) -> None:
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        found = _read(path)["settings"]
        other = sorted(name for name in identity if found.get(name) != identity[name])
        if other:
            raise ConfigError(
                f"{path}: expected a cell of these settings, got another {other[0]}; choose another --out or give the same settings"
            )


def _read(path: Path) -> dict[str, Any]:
    return read_json(path, "condition", "settings", remedy="remove it, it is run again, or choose another --out")


def _draw(
    out: Path, cells: list[dict[str, Any]], courses: Mapping[tuple[str, int], Course], settings: SpikeSettings,
    units: tuple[int, ...], shape: tuple[int, int, int],
) -> dict[str, str]:  # fmt: skip
    folder = out / "figures"
    found = {"spike_learning": str(save(draw_course(cells), folder / "spike_learning"))}
    shown = next((c.shown for (condition, _), c in courses.items() if condition == INTACT and c.shown), None)
    if shown:
        neurons = [n * settings.loop.pool for n in units]
        found["spike_raster"] = str(save(raster(shown, settings.loop, neurons, shape), folder / "spike_raster"))
    elif (folder / "spike_raster.png").is_file():
        found["spike_raster"] = str(folder / "spike_raster.png")
    return found

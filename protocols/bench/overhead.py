"""`apical bench recording`: what recording costs in time, and that it does not cost more the longer it runs."""

import gc
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from ...models import Moment, Recorder, RecorderSpec
from ...models.engine import Architecture, Engine, build_engine, build_network
from ...plasticity import ClappPP, pair
from ...recordings import Writer
from ..progress import tell
from ..runs.provenance import machine
from ..settings.groups import RecordingConfig
from .contest import resident
from .store import storing

GRIDS = (8, 4, 4, 4, 2, 2)
RULE = ClappPP(context="dfb")
CPU = torch.device("cpu")


def recording(*, rounds: int = 5, recorded_steps: int = 10_000, progress: bool = True) -> dict[str, Any]:
    """Training with recording against training without, in turns; the writer against plain zarr; and resident memory over a long recording.

    Args:
        rounds: turns of each kind; figures are medians.
        recorded_steps: length of the recording whose memory is watched.
        progress: tell what happens on stderr.

    Returns:
        JSON-ready dict: throughput (one row per `every`), store (one row per number of units) and memory (resident bytes after each tenth).
    """
    default = RecordingConfig().every
    rows = [throughput(every, rounds, progress) for every in (default, 10)]
    store = storing(rounds=rounds, progress=progress)
    memory = _memory(recorded_steps, progress)
    return {"benchmark": "recording", "throughput": rows, "store": store, "memory": memory, "machine": machine()}


def throughput(
    every: int, rounds: int, progress: bool, *, device: torch.device = CPU, width: float = 0.125, batch: int = 64
) -> dict[str, Any]:
    """Seconds of `every` steps with one of them recorded and committed, over seconds of the same steps without."""
    default = RecordingConfig()
    engine = _engine("vgg6", width, device)
    spec = RecorderSpec(every, default.rows, default.units, default.unit_seed, None, default.dtype)
    recorder = Recorder(
        engine.network, spec, sources=RULE.needs.sources, losses=engine.network.names, batch_rows=2 * batch
    )
    images = torch.randn(2 * batch, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)
    ratios, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer.create(Path(folder) / "bench.zarr", recorder.tables(every * (rounds + 1)), attributes={})
        recorder.writer = writer
        for turn in range(rounds + 1):
            start = time.perf_counter()
            _steps(engine, images, every, None)
            if device.type == "cuda":
                torch.cuda.synchronize()
            middle = time.perf_counter()
            _steps(engine, images, every, recorder)
            writer.commit()
            end = time.perf_counter()
            if turn:  # the first turn warms up
                ratios.append((end - middle) / (middle - start))
                plain.append(every * batch / (middle - start))
                tell(progress, f"every {every}: turn {turn}/{rounds}, recording takes {ratios[-1]:.3f} times as long")
        writer.close()
    return {
        "every": every,
        "images_per_second": statistics.median(plain),
        "time_ratio": statistics.median(ratios),
        "overhead_percent": 100 * (statistics.median(ratios) - 1),
    }


def _memory(recorded_steps: int, progress: bool) -> dict[str, Any]:
    """Resident memory while every step is recorded."""
    batch, default = 16, RecordingConfig()
    engine = _engine("mlp")
    spec = RecorderSpec(1, default.rows, default.units, default.unit_seed, None, default.dtype)
    recorder = Recorder(
        engine.network, spec, sources=RULE.needs.sources, losses=engine.network.names, batch_rows=2 * batch
    )
    images = torch.randn(2 * batch, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    tenth = max(1, recorded_steps // 10)
    held = []
    with tempfile.TemporaryDirectory() as folder:
        recorder.writer = Writer.create(Path(folder) / "bench.zarr", recorder.tables(10 * tenth), attributes={})
        for part in range(10):
            _steps(engine, images, tenth, recorder, first=part * tenth)
            gc.collect()
            held.append(resident())
            tell(progress, f"{(part + 1) * tenth} recorded steps: {held[-1] / 2**20:.1f} MiB resident")
        recorder.writer.close()
        ceiling = recorder.writer.ceiling_bytes
    return {
        "recorded_steps": 10 * tenth,
        "resident_bytes": held,
        "growth_bytes": held[-1] - held[1],
        "buffer_ceiling_bytes": ceiling,
    }


def _engine(builder: str, width: float = 1.0, device: torch.device = CPU) -> Engine:
    if builder == "vgg6":
        architecture = Architecture("vgg6", (3, 32, 32), width, grids=GRIDS)
    else:
        architecture = Architecture("mlp", (1, 8, 8), hidden=(64, 64))
    return build_engine(build_network(architecture, RULE, seed=0).to(device), RULE, learning_rate=1e-4)


def _steps(engine: Engine, images: torch.Tensor, count: int, recorder: Recorder | None, first: int = 0) -> None:
    rows = len(images)
    pairing, ids = pair(rows // 2), torch.arange(rows) % (rows // 2)
    for step in range(first, first + count):
        due = recorder is not None and recorder.due(step)
        if recorder is not None and due:
            recorder.begin(Moment(step, step / 1000, step * rows // 2, 1e-4, ids, ids, pairing))
        losses = engine.step(images, pairing, recorder if due else None)
        if recorder is not None and due:
            recorder.end(losses)

"""`apical bench engine`: speed and memory, as ratios within one run.

Sets the explicit engine against a plain autograd implementation of the same rule: eager float32, one summed loss, one
backward pass, unfused AdamW. Each contestant runs in its own process, so that peak memory is its own, and the processes take turns,
so that a noisy machine is noisy for both.
"""

import json
import statistics
import subprocess
import sys
from typing import Any

from ..errors import ProtocolError
from ..runs.provenance import machine

CONTESTANTS = ("autograd", "explicit", "explicit-bf16")


def engine(
    *,
    contexts: tuple[str, ...] = (),
    batch: int = 32,
    width: float = 1.0,
    steps: int = 5,
    rounds: int = 3,
    device: str = "cpu",
    threads: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Images per second and peak memory of the engine, against plain autograd.

    Args:
        contexts: wirings to compare, words of CLAPP++'s `context`; none for all.
        batch: objects per step; two glances each.
        width: channel factor of VGG-6; 1 is the paper's.
        steps: timed steps per round, after two for warming up.
        rounds: how often each contestant runs; figures are medians.
        device: `cpu` or `cuda`.
        threads: CPU threads, None for PyTorch's default.

    Returns:
        JSON-ready dict: rows (one per context and contestant) and the machine.

    Raises:
        ProtocolError: a contestant failed.
    """
    from ...plasticity.clapp import SOURCES

    rows = []
    for context in contexts or SOURCES:
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
        for turn in range(rounds):
            for name in CONTESTANTS:
                found = _contest(name, context, batch, width, steps, device, threads)
                samples[name].append(found)
                if progress:
                    text = (
                        f"{context:8s} round {turn + 1}/{rounds} {name:14s} {found['images_per_second']:7.1f} images/s"
                    )
                    print(
                        f"{text}  {found['extra_bytes'] / 2**20:7.0f} MiB beyond weights and moments", file=sys.stderr
                    )
        rows += _summarise(context, samples)
    return {"benchmark": "engine", "batch": batch, "width": width, "device": device, "rows": rows, "machine": machine()}


def _summarise(context: str, samples: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    base_speed = [s["images_per_second"] for s in samples["autograd"]]
    base_memory = statistics.median(s["extra_bytes"] for s in samples["autograd"])
    rows = []
    for name, found in samples.items():
        speed = [s["images_per_second"] for s in found]
        memory = statistics.median(s["extra_bytes"] for s in found)
        rows.append(
            {
                "context": context,
                "engine": name,
                "images_per_second": statistics.median(speed),
                # turn by turn, so that a drift of the machine's speed cancels
                "speed_ratio": statistics.median(a / b for a, b in zip(speed, base_speed, strict=True)),
                "extra_bytes": memory,
                "memory_ratio": memory / base_memory,
            }
        )
    return rows


def _contest(
    name: str, context: str, batch: int, width: float, steps: int, device: str, threads: int | None
) -> dict[str, float]:
    task = {
        "name": name,
        "context": context,
        "batch": batch,
        "width": width,
        "steps": steps,
        "device": device,
        "threads": threads,
    }
    command = [sys.executable, "-m", "apical.protocols.bench.contest", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProtocolError(
            f"bench.engine: expected {name} to finish, got exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found

"""`apical bench engine`: speed and memory, as ratios within one run, and the share of what the machine could do.

Sets the explicit engine against the same rule by autograd: `autograd` as written from the paper (eager float32, one summed loss, unfused
AdamW), and `best-autograd` as one writes it for speed (see `best_step`). Each contestant runs in its own process, so that peak memory is
its own, and the processes take turns, so that a noisy machine is noisy for all.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import ProtocolError
from ..runs.provenance import machine
from .limit import share, work

CONTESTANTS = ("autograd", "best-autograd", "explicit", "explicit-bf16")


def engine(
    *,
    contexts: tuple[str, ...] = (),
    contestants: tuple[str, ...] = CONTESTANTS,
    batch: int = 32,
    width: float = 1.0,
    steps: int = 5,
    rounds: int = 3,
    device: str = "cpu",
    threads: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Images per second and peak memory of the engine, against autograd.

    Args:
        contexts: wirings to compare, words of CLAPP++'s `context`; none for all.
        contestants: who takes part; ratios are to the first of them, and to `best-autograd` where it does.
        batch: objects per step; two glances each.
        width: channel factor of VGG-6; 1 is the paper's.
        steps: timed steps per round, after two for warming up.
        rounds: how often each contestant runs; figures are medians.
        device: `cpu` or `cuda`.
        threads: CPU threads, None for PyTorch's default.

    Returns:
        JSON-ready dict: rows (one per context and contestant), limit (rates of the machine in the same run) and the machine.

    Raises:
        ProtocolError: a contestant failed.
    """
    from ...plasticity.clapp import SOURCES

    task = {"batch": batch, "width": width, "steps": steps, "device": device, "threads": threads}
    rows, rates = [], [contest(task | {"name": "limit"})]
    for context in contexts or SOURCES:
        samples: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
        for turn in range(rounds):
            for name in contestants:
                found = contest(task | {"name": name, "context": context})
                samples[name].append(found)
                _tell(progress, f"{context:8s} round {turn + 1}/{rounds} {name:22s}", found)
            rates.append(contest(task | {"name": "limit"}))
        rows += _summarise(context, samples, work(context, batch, width), _best(rates))
    return {
        "benchmark": "engine", "batch": batch, "width": width, "device": device, "rows": rows, "limit": _best(rates), "machine": machine(),
    }  # fmt: skip


def _best(rates: list[dict[str, Any]]) -> dict[str, float]:
    """The fastest of several turns: a limit is what was reached once."""
    return {name: max(found[name] for found in rates) for name in rates[0]}


def _tell(progress: bool, text: str, found: Mapping[str, Any]) -> None:
    if progress:
        speed, memory = found["images_per_second"], found["extra_bytes"] / 2**20
        print(
            f"{text} {speed:7.1f} images/s  {found['cpu_seconds']:6.2f} CPU s a step  {memory:7.0f} MiB beyond weights and moments",
            file=sys.stderr,
        )


def _summarise(
    context: str, samples: Mapping[str, list[dict[str, Any]]], needed: dict[str, float], rates: dict[str, float]
) -> list[dict[str, Any]]:
    first = next(iter(samples))
    rows = []
    for name, found in samples.items():
        seconds = statistics.median(s["seconds"] for s in found)
        memory = statistics.median(s["extra_bytes"] for s in found)
        row = {
            "context": context,
            "engine": name,
            "images_per_second": statistics.median(s["images_per_second"] for s in found),
            "seconds": seconds,
            "cpu_seconds": statistics.median(s["cpu_seconds"] for s in found),
            "speed_ratio": _ratio(samples[first], found, "seconds"),
            "cpu_ratio": _ratio(samples[first], found, "cpu_seconds"),
            "extra_bytes": memory,
            "memory_ratio": memory / statistics.median(s["extra_bytes"] for s in samples[first]),
            **share(seconds, needed, rates, "bf16" if name.endswith("bf16") else "float32"),
        }
        if "best-autograd" in samples:
            best = samples["best-autograd"]
            row["speed_to_best"], row["cpu_to_best"] = (
                _ratio(best, found, "seconds"),
                _ratio(best, found, "cpu_seconds"),
            )
            row["memory_to_best"] = memory / statistics.median(s["extra_bytes"] for s in best)
        if "kernels" in found[0]:
            row["kernels"] = found[-1]["kernels"]
        rows.append(row)
    return rows


def _ratio(base: list[dict[str, Any]], found: list[dict[str, Any]], name: str) -> float:
    """How many times as long the base takes, turn by turn, so that a drift of the machine's speed cancels."""
    return float(statistics.median(b[name] / f[name] for b, f in zip(base, found, strict=True)))


def contest(task: Mapping[str, Any]) -> dict[str, Any]:
    """What one contestant found, in a process of its own.

    Args:
        task: see `contest.run`.

    Raises:
        ProtocolError: it failed.
    """
    command = [sys.executable, "-m", "apical.protocols.bench.contest", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProtocolError(
            f"bench.engine: expected {task['name']} to finish, got exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found

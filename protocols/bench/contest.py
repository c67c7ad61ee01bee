"""One contestant of `apical bench engine`, run as a process of its own: `python -m apical.protocols.bench.contest TASK`."""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pooch  # type: ignore[import-untyped]
import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.engine import Architecture, build_engine, build_network, choose, keep_freed_memory
from ...plasticity import ClappPP, pair, using
from .limit import limit
from .plain import GRIDS, PlainClapp, best_step, plain_step


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak(device: torch.device) -> int:
    """Peak memory in bytes: of the process on the CPU, of the allocator on CUDA."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Time the steps of one contestant; memory beyond weights and moments is peak minus what holds just those."""
    if task["threads"]:
        torch.set_num_threads(task["threads"])
    device = torch.device(task["device"])
    if task["name"] != "autograd":
        keep_freed_memory()
    if task["name"] == "limit":
        choose("auto", device, Path(pooch.os_cache("apical")))  # kept for the contestants, whose memory it is not
        return dict(limit(device))
    side = task.get("side", 32)
    images = torch.randn(2 * task["batch"], 3, side, side, device=device)
    choice = choose("auto", device, Path(pooch.os_cache("apical")))
    # Libraries load their kernels at the first convolution: that memory belongs to no contestant.
    F.conv2d(images[:2], torch.randn(8, 3, 3, 3, device=device, requires_grad=True)).sum().backward()
    before = torch.cuda.memory_allocated() if device.type == "cuda" else resident()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    measured = task["name"] in ("explicit", "explicit-bf16")
    with using(choice.kernels) if measured else nullcontext():
        step, held = _contestant(task, images)
        found = _time(step, task["steps"], device)
    found |= {
        "images_per_second": task["batch"] / found["seconds"],
        "extra_bytes": peak(device) - before - held,
        "held_bytes": held,
    }
    return found | {"kernels": choice.told()} if measured else found


def _contestant(task: dict[str, Any], images: Tensor) -> tuple[Callable[[], object], int]:
    """A step of a contestant, and the bytes of its weights and moments."""
    name, half = task["name"], task["name"].endswith("bf16")
    if name.startswith("explicit"):
        rule, shape = ClappPP(context=task["context"]), (3, images.shape[2], images.shape[3])
        built = build_network(Architecture("vgg6", shape, task["width"], grids=GRIDS), rule, seed=0).to(images.device)
        engine = build_engine(built, rule, learning_rate=2e-4, half=half)
        pairing = pair(task["batch"])
        return lambda: engine.step(images, pairing), 3 * sum(_bytes(w) for w in built.weights().values())
    network = PlainClapp(task["width"], task["context"]).to(images.device)
    held = 3 * sum(_bytes(p) for p in network.parameters())
    if name == "autograd":
        return plain_step(network, images), held
    return best_step(network, images, half=half, compiled=name.endswith("compiled")), held


def _bytes(weight: Tensor) -> int:
    return weight.numel() * weight.element_size()


def _time(step: Callable[[], object], steps: int, device: torch.device) -> dict[str, Any]:
    """Seconds of a step after two for warming up: of the clock, and of all threads of the process together."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(2):
        step()
    wait()
    start, busy = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    wait()
    return {"seconds": (time.perf_counter() - start) / steps, "cpu_seconds": (time.process_time() - busy) / steps}


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))

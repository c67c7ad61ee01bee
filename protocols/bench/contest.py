"""One contestant of `apical bench engine`, run as a process of its own: `python -m apical.protocols.bench.contest TASK`.

The plain implementation is written as one would write it from the paper: modules, detached inputs, one summed loss, backward, AdamW.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...models.engine import Architecture, build_engine, build_network, keep_freed_memory
from ...models.networks.contexts import whose
from ...plasticity import ClappPP, pair
from ...plasticity.clapp import SOURCES

GRIDS = (8, 4, 4, 4, 2, 2)


class PlainClapp(nn.Module):
    """CLAPP++ by autograd, the usual way."""

    def __init__(self, width: float, context: str) -> None:
        super().__init__()
        plan = ((128, False), (256, True), (256, False), (512, True), (1024, True), (1024, True))
        self.pools = [pool for _, pool in plan]
        self.convs = nn.ModuleList()
        inputs, units = 3, [round(c * width) * g * g for (c, _), g in zip(plan, GRIDS, strict=True)]
        for channels, _ in plan:
            self.convs.append(nn.Conv2d(inputs, round(channels * width), 3, padding=1))
            inputs = round(channels * width)
        count = len(plan)
        # who receives, and whose rates
        self.pairs = [(i, whose(source, i, count)) for source in SOURCES[context] for i in range(count)]
        self.apical = nn.ModuleList(nn.Linear(units[j], units[i], bias=False) for i, j in self.pairs)

    def forward(self, x: Tensor) -> Tensor:
        """Summed loss of all blocks; x stacks both glances."""
        pooled = []
        for conv, pool, grid in zip(self.convs, self.pools, GRIDS, strict=True):
            x = F.relu(conv(x.detach()))
            x = F.max_pool2d(x, 2) if pool else x
            pooled.append(F.avg_pool2d(x, x.shape[-1] // grid).flatten(1))
        loss = x.new_zeros(())
        for predict, (i, j) in zip(self.apical, self.pairs, strict=True):
            loss = loss + self.contrast(pooled[i], predict(pooled[j].detach()))
        return loss

    @staticmethod
    def contrast(z: Tensor, prediction: Tensor) -> Tensor:
        """Hinge on the scores of fixation and saccade."""
        positive = torch.cat(z.chunk(2)[::-1])
        negative = positive.roll(-1, 0)
        return (F.relu(1 - (positive * prediction).sum(1)) + F.relu(1 + (negative * prediction).sum(1))).mean()


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak(device: torch.device) -> int:
    """Peak memory in bytes: of the process on the CPU, of the allocator on CUDA."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(task: dict[str, Any]) -> dict[str, float]:
    """Time the steps of one contestant; memory beyond weights and moments is peak minus what holds just those."""
    if task["threads"]:
        torch.set_num_threads(task["threads"])
    device = torch.device(task["device"])
    images = torch.randn(2 * task["batch"], 3, 32, 32, device=device)
    # Libraries load their kernels at the first convolution: that memory belongs to neither contestant.
    F.conv2d(images[:2], torch.randn(8, 3, 3, 3, device=device, requires_grad=True)).sum().backward()
    before = torch.cuda.memory_allocated() if device.type == "cuda" else resident()
    if task["name"] == "autograd":
        network = PlainClapp(task["width"], task["context"]).to(device)
        optimiser = torch.optim.AdamW(network.parameters(), lr=2e-4, foreach=False, fused=False)
        held = sum(p.numel() * p.element_size() for p in network.parameters()) * 3

        def step() -> None:
            optimiser.zero_grad()
            network(images).backward()
            optimiser.step()
    else:
        keep_freed_memory()
        rule = ClappPP(context=task["context"])
        built = build_network(Architecture("vgg6", (3, 32, 32), task["width"], grids=GRIDS), rule, seed=0).to(device)
        half = task["name"].endswith("bf16")
        engine = build_engine(built, rule, learning_rate=2e-4, half=half)
        held = sum(w.numel() * w.element_size() for w in built.weights().values()) * 3
        pairing = pair(task["batch"])

        def step() -> None:
            engine.step(images, pairing)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(2):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(task["steps"]):
        step()
    wait()
    seconds = time.perf_counter() - start
    return {
        "images_per_second": task["batch"] * task["steps"] / seconds,
        "extra_bytes": peak(device) - before - held,
        "held_bytes": held,
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))

"""What the machine could do: its fastest matrix product and its copies, and the time that a step would take at these rates."""

import time
from collections.abc import Callable
from typing import Any

import torch

from ...plasticity import Kernels, product, using
from ...plasticity.products import HAS_ONEDNN
from .plain import GRIDS, PLAN

# (rows, inner, columns) of products in a VGG-6: places by patches, and the apical ones
SHAPES = ((4096, 1152, 256), (1024, 4608, 1024), (64, 8192, 4096))
COPIED = 1 << 28  # bytes, several times any cache


@torch.no_grad()
def limit(device: torch.device) -> dict[str, float]:
    """Rates of this machine: floating-point operations per second of products in float32 and bfloat16, bytes per second of a copy.

    A copy's bytes are read and written ones together. Each figure is the best of its shapes, kernels and turns.
    """
    words = ("onednn", "default") if HAS_ONEDNN and device.type == "cpu" else ("default",)
    rates = {}
    for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        best = 0.0
        for rows, inner, columns in SHAPES:
            left, right = (torch.randn(n, inner, device=device).to(dtype) for n in (rows, columns))
            for word in words:
                with using(Kernels(word)):  # type: ignore[arg-type]
                    best = max(best, 2 * rows * inner * columns / _seconds(lambda: product(left, right), device))  # noqa: B023
        rates[f"{name}_flops"] = best
    source = torch.zeros(COPIED // 4, device=device)
    target = torch.empty_like(source)
    rates["copy_bytes"] = 2 * COPIED / _seconds(lambda: target.copy_(source), device)
    return rates


def _seconds(work: Callable[[], object], device: torch.device, turns: int = 7) -> float:
    best = float("inf")
    for _ in range(turns):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def work(context: str, batch: int, width: float, side: int = 32) -> dict[str, float]:
    """Floating-point operations and bytes that a step cannot do without.

    Operations: sweep and change of every convolution, nine multiplications for each pair of channels and place, and the same two of every
    apical matrix. Bytes: every weight read once by the sweep, and read and written with both moments by AdamW, in float32; every
    rate written once, and read by the next sweep and by the change.
    """
    rows, inputs = 2 * batch, 3
    operations, maps, weights, units = 0.0, 0.0, 0.0, []
    for (full, pool), grid in zip(PLAN, GRIDS, strict=True):
        channels = round(full * width)
        operations += 2 * 2 * rows * side * side * 9 * inputs * channels
        weights += 9 * inputs * channels
        side = side // 2 if pool else side
        maps += rows * side * side * channels
        units.append(channels * grid * grid)
        inputs = channels
    apical = sum(n * n for n in units) * (context != "dfb") + sum(n * units[-1] for n in units) * (context != "lateral")
    return {"flop": operations + 2 * 2 * rows * apical, "bytes": (weights + apical) * 28.0 + maps * 12.0}


def share(seconds: float, task: dict[str, float], rates: dict[str, float], precision: str) -> dict[str, Any]:
    """Seconds that the operations and the bytes of a step take at the machine's rates, one after the other, and their share of a step.

    Args:
        seconds: of the step.
        task: from `work`.
        rates: from `limit`.
        precision: of the products, `float32` or `bf16`.
    """
    products, copies = task["flop"] / rates[f"{precision}_flops"], task["bytes"] / rates["copy_bytes"]
    return {
        "product_seconds": products,
        "copy_seconds": copies,
        "share_of_limit": (products + copies) / seconds,
    }

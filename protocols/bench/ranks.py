"""What a step of several ranks costs, counted beside the formulas of `models/parted/cost.py`.

    torchrun --nproc-per-node 4 -m apical.protocols.bench.ranks dfb

prints one JSON object: VGG-6 with the paper's grids on random images, CLAPP++ with that context, float32, plain kernels. `--contest` sets its step against
PyTorch's DistributedDataParallel of the same network by autograd, in turns, with the kernels that each chooses.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ...models.engine import Architecture, Engine, build_engine, build_network
from ...models.networks.network import Network
from ...models.parted.cost import apical_bytes, instead, operations, sent, sizes
from ...models.ranks.processes import joined
from ...models.ranks.ranks import CHANGES, STORED, Ranks
from ...plasticity import ClappPP, Kernels, pair, using
from ...plasticity.clapp import SOURCES
from .plain import GRIDS, PlainClapp, reduced_step

PLAIN = Kernels("default", "direct")  # whose operations PyTorch counts
LOOPBACK = Path("/proc/net/dev")


def measure(
    ranks: Ranks, context: str, *, batch: int = 32, width: float = 1.0, side: int = 32, steps: int = 3
) -> dict[str, Any]:
    """Counted and predicted cost of a step at this rank.

    Args:
        ranks: this process among the others.
        context: a word of CLAPP++'s `context`.
        batch: objects of a step of all ranks, a multiple of their number; two glances each.
        width: channel factor of VGG-6; 1 is the paper's.
        side: of the images.
        steps: that are timed, after one whose operations are counted.

    Returns:
        JSON-ready dict: bytes sent by kind, of apical weights with moments, and floating-point operations, each `counted` and `predicted`;
        what a reduction of the apical gradients would send; seconds of a step, processor time of this rank and on the clock.
    """
    network, engine, glances = _built(ranks, context, batch, width, side)
    needs, rows = ClappPP(context=context).needs, 2 * batch
    of = sizes(network, needs.sources)
    with using(PLAIN):
        with FlopCounterMode(display=False) as products:
            engine.step(glances, pair(batch))
        ranks.barrier()
        before, wire = dict(ranks.sent), _wire()
        taken = [_timed(lambda: engine.step(glances, pair(batch))) for _ in range(steps)]
    counted = {
        what: (all_ - before.get(what, 0)) // steps for what, all_ in ranks.sent.items() if all_ > before.get(what, 0)
    }
    ranks.barrier()
    passed = None if wire is None else (_wire() or 0) - wire
    predicted = sent(of, rows, ranks, needs=needs)
    apical = [p.weight for each in network.apical.values() for p in each]
    return {
        "context": context, "ranks": ranks.size, "batch": batch, "width": width, "side": side,
        "sent": {"counted": counted, "predicted": predicted},
        "apical_gradients": instead(of, ranks),
        "fewer": instead(of, ranks) / (sum(counted.values()) - counted[CHANGES]) if ranks.size > 1 else None,
        "loopback_bytes_per_step": None if passed is None else passed / steps,
        "apical_bytes": {"counted": 3 * sum(w.numel() * w.element_size() for w in apical), "predicted": apical_bytes(of, ranks)},
        "operations": {"counted": products.get_total_flops(), "predicted": operations(of, rows) / ranks.size},
        "cpu_seconds": statistics.median(cpu for cpu, _ in taken),
        "seconds": statistics.median(wall for _, wall in taken),
    }  # fmt: skip


def contest(
    ranks: Ranks, context: str, *, batch: int = 32, width: float = 1.0, side: int = 32, steps: int = 5
) -> dict[str, Any]:
    """Seconds of a step at this rank beside those of a reduction of all gradients.

    Args:
        ranks, context, batch, width, side: as of `measure`.
        steps: of each that are timed, in turns, after one that is not.

    Returns:
        JSON-ready dict: median seconds on the clock and of processor time of `explicit` and of `reduced`, and how many times faster the first is on the clock,
        as the median over turns.
    """
    _, engine, glances = _built(ranks, context, batch, width, side)
    torch.manual_seed(0)
    reduced = reduced_step(PlainClapp(width, context), glances)

    def explicit() -> None:
        engine.step(glances, pair(batch))

    found: dict[str, list[tuple[float, float]]] = {"explicit": [], "reduced": []}
    for turn in range(steps + 1):
        for name, step in (("explicit", explicit), ("reduced", reduced)):
            ranks.barrier()
            taken = _timed(step)
            if turn:
                found[name].append(taken)
    faster = [theirs[1] / ours[1] for ours, theirs in zip(found["explicit"], found["reduced"], strict=True)]
    return {
        "context": context, "ranks": ranks.size, "batch": batch, "width": width, "side": side, "times_faster": statistics.median(faster),
        **{
            name: {"cpu_seconds": statistics.median(cpu for cpu, _ in taken), "seconds": statistics.median(wall for _, wall in taken)}
            for name, taken in found.items()
        },
    }  # fmt: skip


def _built(ranks: Ranks, context: str, batch: int, width: float, side: int) -> tuple[Network, Engine, torch.Tensor]:
    """Network, its engine, and the glances that are shown at this rank."""
    rule = ClappPP(context=context)
    network = build_network(Architecture("vgg6", (3, side, side), width=width, grids=GRIDS), rule, seed=0, ranks=ranks)
    engine = build_engine(network, rule, learning_rate=2e-4, ranks=ranks)
    rows = 2 * batch
    glances = torch.randn(rows, *network.shape, generator=torch.Generator().manual_seed(0))[ranks.own(rows)]
    return network, engine, glances


def _timed(step: Callable[[], object]) -> tuple[float, float]:
    """Processor time of this process and time on the clock of a step."""
    cpu, wall = time.process_time(), time.perf_counter()
    step()
    return time.process_time() - cpu, time.perf_counter() - wall


def _wire() -> int | None:
    """Bytes that went over this machine's loopback so far, those of all processes; None where nobody counts them."""
    if not LOOPBACK.is_file():
        return None
    lines = [line for line in LOOPBACK.read_text().splitlines() if line.strip().startswith("lo:")]
    return int(lines[0].split(":")[1].split()[8]) if lines else None


def main(words: Sequence[str] | None = None) -> None:
    """Measure at every rank and print what rank 0 found."""
    parser = argparse.ArgumentParser(
        prog="apical.protocols.bench.ranks", description="What a step of several ranks costs."
    )
    parser.add_argument("context", choices=list(SOURCES))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--contest", action="store_true")
    told = parser.parse_args(words)
    torch.set_num_threads(1)
    ranks = joined(torch.device("cpu"))
    if told.contest and ranks.size == 1:
        parser.error("--contest: expected several ranks, got one; start it with torchrun --nproc-per-node 2")
    if told.contest:
        rivals = contest(ranks, told.context, batch=told.batch, width=told.width, side=told.side, steps=told.steps)
        if not ranks.rank:
            sys.stdout.write(json.dumps(rivals) + "\n")
        ranks.barrier()
        return
    found = measure(ranks, told.context, batch=told.batch, width=told.width, side=told.side, steps=told.steps)
    every = ranks.whole(
        torch.tensor([[found["cpu_seconds"], found["operations"]["counted"]]]).double(), ranks.size, STORED
    )
    found |= {"cpu_seconds_of_all": float(every[:, 0].sum()), "operations_of_all": float(every[:, 1].sum())}
    if not ranks.rank:
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

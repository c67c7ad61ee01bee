"""`apical bench memory`: what a step holds beside weights, moments and gradients, by wiring, image size, depth and precision.

Nothing is computed: networks stand on the device `meta`, where operations make sizes alone, and the storages that are alive are counted (`live.py`). The last
table makes real steps of a narrow network and compares.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...models.engine import Architecture, build_engine, build_network
from ...models.engine.rows import chunk_rows, swept_again
from ...models.networks.layer import Layer
from ...models.networks.network import Network
from ...models.populations.apical import BLOCK_BYTES
from ...models.populations.conv import ConvPopulation
from ...plasticity import BPClappPP, ClappPP, Rule, pair
from ..errors import ProtocolError
from ..progress import tell
from ..runs.provenance import machine
from .live import Live
from .plain import GRIDS


@dataclass(frozen=True, slots=True)
class Engine:
    """A contestant: its wiring, None for backpropagation, and what it holds of a batch."""

    context: str | None
    recompute: bool = False
    chunk: int | None = None

    @property
    def rule(self) -> Rule:
        """CLAPP++, or its end-to-end twin."""
        return BPClappPP() if self.context is None else ClappPP(context=self.context)


ENGINES = {
    "bp-clapp++": Engine(None),
    "lateral": Engine("lateral"), "dfb": Engine("dfb"), "both": Engine("both"),
    "lateral recompute": Engine("lateral", True), "dfb recompute": Engine("dfb", True), "both recompute": Engine("both", True),
    "lateral all rows": Engine("lateral", chunk=0), "dfb all rows": Engine("dfb", chunk=0),
}  # fmt: skip


def _column(channels: Sequence[int], pooled: Sequence[int], grids: Sequence[int]) -> tuple[Layer, ...]:
    return tuple(
        Layer(conv=n, pool=2 if i in pooled else 0, grid=grid)
        for i, (n, grid) in enumerate(zip(channels, grids, strict=True), start=1)
    )


# words, architecture at full width and objects of a batch; the eight convolutions are those of the paper's network for ImageNet
_VGG8 = _column((128, 256, 256, 512, 1024, 1024, 1024, 1024), (2, 4, 5, 6, 7), (8, 4, 8, 4, 2, 2, 1, 1))
CASES: dict[str, tuple[Architecture, int]] = {
    "VGG-6, 32 px": (Architecture("vgg6", (3, 32, 32), grids=GRIDS), 32),
    "VGG-6, 96 px": (Architecture("vgg6", (3, 96, 96), grids=GRIDS), 32),
    "VGG-8, 224 px": (Architecture("layers", (3, 224, 224), layers=_VGG8), 8),
    **{
        f"depth {depth}, {side} px": (Architecture("layers", (3, side, side), layers=_column((256,) * depth, (), (4,) * depth)), 32)
        for side in (32, 96) for depth in (6, 12, 24)
    },
}  # fmt: skip
CHECKED = Architecture("vgg6", (3, 32, 32), 1 / 8, grids=GRIDS)


def memory(
    *,
    cases: Sequence[str] = (),
    engines: Sequence[str] = (),
    precisions: Sequence[str] = ("float32", "bf16"),
    check: bool = True,
    progress: bool = True,
) -> dict[str, Any]:
    """Bytes of activations at their peak in one step, against end-to-end backpropagation of the same network on the same batch.

    Args:
        cases: some of `CASES`; none for all.
        engines: some of `ENGINES`; none for all. Shares are told where `bp-clapp++` is among them.
        precisions: `float32`, `bf16`.
        check: compare with real steps of a narrow network on this machine.
        progress: tell what happens on stderr.

    Returns:
        JSON-ready dict: rows (one per case, precision and engine; bytes, and their share of backpropagation's), check (counted without computing and counted
        in a real step) and the machine.

    Raises:
        ProtocolError: an unknown case or engine.
    """
    for given, known, name in (
        (cases, CASES, "cases"),
        (engines, ENGINES, "engines"),
        (precisions, ("float32", "bf16"), "precisions"),
    ):
        if unknown := [word for word in given if word not in known]:
            raise ProtocolError(
                f"bench.memory.{name}: expected some of {', '.join(known)}, got {unknown[0]!r}; correct the word"
            )
    rows = []
    for case in cases or CASES:
        architecture, batch = CASES[case]
        for precision in precisions:
            tell(progress, f"{case}, {precision}")
            found = {
                name: counted(architecture, ENGINES[name], batch, half=precision == "bf16")
                for name in engines or ENGINES
            }
            base = found.get("bp-clapp++", {}).get("activations")
            for name, row in found.items():
                share = {} if base is None else {"share": row["activations"] / base}
                rows.append({"case": case, "batch": batch, "precision": precision, "engine": name, **row, **share})
    return {"benchmark": "memory", "rows": rows, "check": _checked(progress) if check else [], "machine": machine()}


def counted(
    architecture: Architecture, engine: Engine, batch: int, *, half: bool = False, device: str = "meta"
) -> dict[str, int]:
    """Bytes of one step.

    Args:
        architecture: what fixes the network.
        engine: the contestant.
        batch: objects; two glances each.
        half: sweeps in bfloat16.
        device: `meta` makes sizes alone; `cpu` computes.

    Returns:
        activations: at their peak; gradients: what gradients and copies of weights add to the peak of all; formula: what `needed` allows a local engine.
    """
    with torch.device(device):
        network = build_network(architecture, engine.rule, seed=0)
        images = (
            torch.empty(2 * batch, *architecture.shape)
            if device == "meta"
            else torch.randn(2 * batch, *architecture.shape)
        )
    network.to(torch.device(device))
    # what an optimiser keeps is not counted; not every one has a form for sizes alone
    made = build_engine(
        network,
        engine.rule,
        optimiser="sgd",
        learning_rate=1e-3,
        half=half,
        recompute=engine.recompute,
        chunk=engine.chunk,
    )
    weights = list(network.weights().values())
    pairing = pair(batch)
    shapes = {tuple(weight.shape) for weight in weights} | (_blocks(network) if device == "cpu" else set())
    with Live(shapes, [*weights, *network.buffers.values(), *_moments(made), images]) as live:
        made.step(images, pairing)
    found = {"activations": live.peak, "gradients": live.peak_all - live.peak}
    if engine.context is not None:
        found["formula"] = needed(network, 2 * batch, engine, number=2 if half else 4)
    return found


def _moments(engine: Any) -> list[torch.Tensor]:
    """Moments of the optimiser, and what the engine has made of the weights before the step."""
    halves = [p.half for projections in engine.network.apical.values() for p in projections if p.half is not None]
    return [*engine.optimiser.tensors().values(), *halves]


def _blocks(network: Network) -> set[tuple[int, ...]]:
    """Shapes of the blocks of rows in which a CPU forms the gradients of apical weights."""
    found: set[tuple[int, ...]] = set()
    for projection in (p for projections in network.apical.values() for p in projections):
        units, inputs = projection.weight.shape
        rows = max(1, min(units, BLOCK_BYTES // (4 * inputs)))
        found |= {(rows, inputs), (units % rows, inputs)}
    return found


def needed(network: Network, rows: int, engine: Engine, *, number: int = 4) -> int:
    """Bytes that a step of a local engine holds at most, from the shapes of its network.

    With in_i and out_i the rates that enter and leave population i, w_i a byte for every winner, s_i the potential of a chunk before its pool, and behind the pool
    three maps and the winners in eight bytes, t_i sixteen signals of every unit, and m_i = max(in_i, out_i) + one block of rows of each:

        lateral              max_i (in_i + out_i + w_i + s_i + t_i), with m_i in place of what is held where a map is so large that it is swept again
        dfb, both            sum_i (out_i + w_i) + max_i (s_i + t_i) + images
        the same, recompute  max_i (m_i + w_i + s_i + t_i), without w_i where rows are chunked, + sum_i t_i / 16

    Args:
        network: the network.
        rows: of the batch.
        engine: wiring, and what is held.
        number: bytes of a number in the sweeps.
    """
    count = len(network.populations)
    sizes = [chunk_rows(p, rows, engine.chunk) for p in network.populations]
    blocks = [max(sizes[i : i + 2]) for i in range(count)]
    peaks, sums, pooled, scratch = [], 0, 0, 0
    before = rows * math.prod(network.shape) * number
    images, block_before = before, rows
    for i, (population, size) in enumerate(zip(network.populations, sizes, strict=True)):
        one = math.prod(population.shape)
        after, pools = rows * one * number, isinstance(population, ConvPopulation) and population.pool
        winners = rows * one if pools else 0
        chunk = size * (math.prod(population.neurons) * number + 3 * one * number + (8 * one if pools else 0))
        signals = 16 * rows * population.units * 4
        held = before + after + winners
        if size < rows and (engine.recompute or swept_again(population, engine.chunk)):
            held = max(before, after) + before * block_before // rows + after * blocks[i] // rows
        peaks.append(held + chunk + signals)
        sums, pooled, scratch = sums + after + winners, pooled + signals // 16, max(scratch, chunk + signals)
        before, block_before = after, blocks[i]
    if engine.context == "lateral":
        return max(peaks)
    return max(peaks) + pooled if engine.recompute else sums + scratch + images


def _checked(progress: bool) -> list[dict[str, Any]]:
    """Counted on `meta` and counted in a real step on the CPU, of a VGG-6 of an eighth of the width at 32 px."""
    tell(progress, "real steps of a narrow network")
    found = []
    for name, engine in ENGINES.items():
        for half in (False, True):
            sizes, real = (
                counted(CHECKED, engine, 32, half=half, device=device)["activations"] for device in ("meta", "cpu")
            )
            found.append(
                {
                    "engine": name,
                    "precision": "bf16" if half else "float32",
                    "sizes": sizes,
                    "real": real,
                    "ratio": sizes / real,
                }
            )
    return found

"""What must hold on a device before its speed means anything: what `pytest -m gpu` asks, as functions that return their figures.

Each compares the engine on the device with something else: with itself on a CPU, with autograd of the same objective, in another
precision, or with its own step captured as a graph.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...models import Collector, Network
from ...models.engine import Architecture, Engine, Graphed, LocalEngine, build_engine, build_network
from ...plasticity import Apical, BPClappPP, BPInfoNCE, ClappPP, Pairing, Rule, Signals, Softplus, pair

SMALL = Architecture("vgg6", (3, 32, 32), 1 / 16, grids=(8, 4, 4, 4, 2, 2))
CONTEXTS = ("lateral", "dfb", "both")
OBJECTS = 8
CPU = torch.device("cpu")
# norm of a difference over the norm of what is expected: sums in another order, and after an optimiser that divides by small ones
EXACT, CARRIED = 1e-9, 1e-6
# At the top of a network that has not learned, fixations and saccades nearly cancel, and 8 bits show: measured 0.03, of other weights 1e-3.
HALF, OBJECTS_HALF = 0.1, 32


def smooth(context: str) -> ClappPP:
    """CLAPP++ without the edge of the hinge, where the last bit of a score decides about a whole change."""
    return ClappPP(context=context, contrast=Softplus())


def as_on_the_cpu(device: torch.device) -> Iterator[dict[str, Any]]:
    """Weights after a step in float64, on the device and on the CPU."""
    rules: list[Rule] = [*map(smooth, CONTEXTS), BPClappPP(), BPInfoNCE()]
    for rule in rules:
        moved = []
        for where in (CPU, device):
            engine = _engine(rule, where, torch.float64)
            engine.step(_images(OBJECTS, torch.float64).to(where), pair(OBJECTS))
            moved.append({name: weight.cpu() for name, weight in engine.network.weights().items()})
        yield _row(f"weights after a step, {_told(rule)}: the device against the CPU", moved[1], moved[0], CARRIED)


def as_autograd(device: torch.device) -> Iterator[dict[str, Any]]:
    """Explicit changes in float64 against the gradient of the same local objectives."""
    for context in CONTEXTS:
        rule, images, pairing = smooth(context), _images(OBJECTS, torch.float64).to(device), pair(OBJECTS)
        network = build_network(SMALL, rule, seed=0).to(device, torch.float64)
        expected = gradients(network, rule, images, pairing.to(device, torch.float64))
        found = _changes(network, rule, images, pairing)
        yield _row(f"changes, {context}: explicit against autograd", found, expected, EXACT)


def in_half(device: torch.device) -> Iterator[dict[str, Any]]:
    """Changes by bfloat16 sweeps and products against float32, and that thirty such steps learn."""
    pairing = pair(OBJECTS_HALF)
    for context in CONTEXTS:
        rule, images = smooth(context), _images(OBJECTS_HALF).to(device)
        network = build_network(SMALL, rule, seed=0).to(device)
        whole, half = (_changes(network, rule, images, pairing, half=word) for word in (False, True))
        apart = [1 - float(torch.cosine_similarity(half[n].flatten(), whole[n].flatten(), 0)) for n in whole]
        yield {
            "check": f"changes, {context}: 1 - cosine of bfloat16 with float32, worst weight", "worst": max(apart), "bound": HALF,
            "holds": max(apart) <= HALF,
        }  # fmt: skip
        engine = _engine(ClappPP(context=context), device, half=True)
        losses = [float(engine.step(images, pairing).mean()) for _ in range(30)]
        yield {
            "check": f"loss after 30 steps in bfloat16, {context}, over the first", "worst": losses[-1] / losses[0], "bound": 1.0,
            "holds": losses[-1] < losses[0],
        }  # fmt: skip


def captured(device: torch.device) -> Iterator[dict[str, Any]]:
    """Weights and moments after ten steps by `Graphed` against plain steps, the learning rate falling."""
    for context in CONTEXTS:
        ended = []
        for wrap in (lambda engine: engine, Graphed):
            engine = _engine(ClappPP(context=context), device)
            learner = wrap(engine)
            for step in range(10):
                engine.optimiser.learning_rate = 1e-3 / (step + 1)
                learner.step(_images(OBJECTS, seed=step).to(device), pair(OBJECTS))
            ended.append(engine.network.weights())
        yield _row(f"weights after 10 steps, {context}: captured against plain", ended[1], ended[0], CARRIED)


CHECKS: dict[str, Callable[[torch.device], Iterator[dict[str, Any]]]] = {
    "cpu": as_on_the_cpu,
    "autograd": as_autograd,
    "bf16": in_half,
    "graph": captured,
}


def gradients(network: Network, rule: ClappPP, images: Tensor, pairing: Pairing) -> dict[str, Tensor]:
    """Minus the gradient of the summed local objectives by autograd, every population's input and context detached."""
    weights = network.weights()
    for weight in weights.values():
        weight.requires_grad_(True)
    pre, pooled = images, []
    for population in network.populations:
        pre = population.forward(pre.detach(), population.weight, population.bias).rate
        pooled.append(population.pooled(pre))
    losses = []
    for i, rate in enumerate(pooled):
        contexts = {"lateral": rate.detach(), "dfb": pooled[-1].detach()}
        apical = {s: Apical(contexts[s], contexts[s] @ network.apical[s][i].weight.T) for s in rule.needs.sources}
        losses.append(rule.objective(Signals(rate, apical, pairing)))
    found: tuple[Tensor, ...] = torch.autograd.grad(torch.stack(losses).sum(), list(weights.values()))
    for weight in weights.values():
        weight.requires_grad_(False)
    return {name: -gradient for name, gradient in zip(weights, found, strict=True)}


def _changes(network: Network, rule: ClappPP, images: Tensor, pairing: Pairing, *, half: bool = False) -> dict[str, Tensor]:  # fmt: skip
    catch = Collector()
    LocalEngine(network, rule, catch, half=half).step(images, pairing)
    for projections in network.apical.values():
        for projection in projections:
            projection.half = None  # the next engine of this network may be one of float32
    return catch.changes


def _engine(rule: Rule, device: torch.device, dtype: torch.dtype = torch.float32, *, half: bool = False) -> Engine:
    network = build_network(SMALL, rule, seed=0).to(device, dtype)
    return build_engine(network, rule, learning_rate=1e-3, half=half)


def _images(objects: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(2 * objects, *SMALL.shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _row(name: str, found: dict[str, Tensor], expected: dict[str, Tensor], bound: float) -> dict[str, Any]:
    worst = max(
        float((found[n] - e).double().norm() / e.double().norm().clamp(min=1e-300)) for n, e in expected.items()
    )
    return {"check": name, "worst": worst, "bound": bound, "holds": worst <= bound}


def _told(rule: Rule) -> str:
    return f"{type(rule).__name__} {rule.context}" if isinstance(rule, ClappPP) else type(rule).__name__

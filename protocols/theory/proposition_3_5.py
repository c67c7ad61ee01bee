"""Proposition 3.5: a convolutional network with full spatial dependency has a B whose local update is the backprop gradient.

With T the linear map from the rates of a population to those of the top, and B' the top's own apical weights,

    B = T^T B'     (context: top)          B = T^T B' T     (context: own)

give every row the score of the top, hence its neuromodulator, and every neuron the error that backpropagation would send it, on
all data. A pooled score drives all neurons of a block alike, and no B undoes that: the best one leaves a residual.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ...models import Activity, Network, Population
from ...models.engine import rates
from ...models.engine.sweep import forward
from ...plasticity import Apical, BPClappPP, ClappPP, Linear, Signals
from .changes import backprop_changes, gap, local_changes, with_head
from .networks import SOURCES, Batch, convolutional, gaussian, glances
from .optimum import settle
from .theorem_3_1 import CONTRASTS

SIDE, CHANNELS, DEPTH = 8, 3, 4
BLOCKS = (1, 2, 4, 8)  # sides of a block of places; the last is the whole map
NETWORKS = 3
OBJECTS = 256  # twice as many rows as the widest context has units, and more
FEW = 32
TOTAL, TOTAL_BLOCKS = 2 * len(CONTRASTS), 2 * NETWORKS * len(BLOCKS)
CRITERION = 1e-8
RESIDUAL = 0.01  # of a B that does not exist, relative


def kernels(generator: torch.Generator) -> list[Tensor]:
    """Random 3x3 kernels without any structure."""
    return [gaussian(CHANNELS, CHANNELS * 9, generator).view(CHANNELS, CHANNELS, 3, 3) for _ in range(DEPTH)]


def pathway(network: Network, i: int) -> Tensor:
    """T^T, (units of population i, units of the top): what the top answers to each single unit, at grid = side of the map."""
    pre = torch.eye(network.populations[i].units, dtype=torch.float64).view(-1, *network.populations[i].shape)
    for population in network.populations[i + 1 :]:
        pre = forward(population, pre, keep_basal=False).rate
    return network.populations[-1].pooled(pre)


def construct(network: Network) -> None:
    """Give every population below the top the B above, from its pathway and from the top's own B."""
    own, feedback = network.apical["lateral"], network.apical["dfb"]
    top = own[-1].weight
    for i in range(len(network.populations)):
        upwards = pathway(network, i)
        feedback[i].weight = upwards @ top
        own[i].weight = upwards @ top @ upwards.T


def construction(generator: torch.Generator) -> Iterator[dict[str, Any]]:
    """One row per contrast and batch: relative error of the constructed B by context source, over all populations."""
    for name, contrast in CONTRASTS.items():
        network = convolutional(SIDE, kernels(generator), [SIDE] * DEPTH)
        batches = [glances(network.shape, FEW, generator, coloured=coloured) for coloured in (False, True)]
        settle(network, contrast, batches[0])
        construct(network)
        for batch, fresh in zip(batches, (False, True), strict=True):
            reference = backprop_changes(network, contrast, batch)
            error = {
                s: max(gap(local_changes(network, contrast, batch, s), reference, [n]) for n in network.names)
                for s in SOURCES
            }
            yield {"contrast": name, "fresh": fresh, "error": error}


def backprop_factors(network: Network, batch: Batch) -> list[Tensor]:
    """Minus the gradient of the top's linear objective by the basal potentials, (rows, channels, side, side) per population."""
    pre, potentials = batch.images.clone().requires_grad_(), []
    for population in network.populations:
        activity = population.forward(pre, population.weight, population.bias, keep_basal=True)
        pre = activity.rate
        potentials.append(activity.basal)
    top = network.populations[-1].pooled(pre)
    loss = BPClappPP(contrast=Linear()).objective(top, with_head(network).head, batch.pairing)
    return [-gradient for gradient in torch.autograd.grad(loss, [p for p in potentials if p is not None])]


def context_drive(context: Tensor, batch: Batch) -> Tensor:
    """What B multiplies: with the linear contrast the drive is B times this, (rows, inputs)."""
    signals = Signals(context, {"lateral": Apical(context, context)}, batch.pairing)
    return ClappPP(contrast=Linear()).factors(signals).drive


def fit(population: Population, activity: Activity, context: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The B whose factors come closest to the target in least squares, and these factors.

    Args:
        population: the population.
        activity: its activity.
        context: what B multiplies, (rows, inputs).
        target: factors of backpropagation, (rows, channels, side, side).
    """
    # the factor of a neuron is its block's drive over the places of the block: the best drive is the sum over the block
    places = activity.rate[0].numel() / population.units
    weight = torch.linalg.lstsq(context, places * population.pooled(target), driver="gelsd").solution.T
    return weight, population.factor(context @ weight.T, activity)


def block_sweep(generator: torch.Generator, networks: int = NETWORKS) -> Iterator[dict[str, Any]]:
    """One row per network, block and objective: what the best B leaves of the backprop error, and of the change, below the top.

    The objective at the top sees either every place (`full`) or the same blocks as the populations below (`same`).
    """
    for i in range(networks):
        filters = kernels(generator)
        whole = convolutional(SIDE, filters, [SIDE] * DEPTH)
        batch = glances(whole.shape, OBJECTS, generator, coloured=bool(i % 2))
        settle(whole, Linear(), batch)
        for block in BLOCKS:
            network = convolutional(SIDE, filters, [SIDE // block] * DEPTH)
            settle(network, Linear(), batch)
            for objective, top in (("full", whole), ("same", network)):
                targets, reference = backprop_factors(top, batch), backprop_changes(top, Linear(), batch)
                fitted = convolutional(SIDE, filters, [SIDE // block] * DEPTH)
                left = {source: best(fitted, source, targets, batch) for source in SOURCES}
                changes = {source: local_changes(fitted, Linear(), batch, source) for source in SOURCES}
                change = {source: gap(changes[source], reference, network.names[:-1]) for source in SOURCES}
                yield {"network": i, "block": block, "objective": objective, "left": left, "change": change}


def best(network: Network, source: str, targets: Sequence[Tensor], batch: Batch) -> float:
    """Set every B below the top to its best; returns what is left of the backprop error, relative."""
    found = rates(network, batch.images)
    top = network.populations[-1].pooled(found[-1])
    apart = length = 0.0
    for i, population in enumerate(network.populations[:-1]):
        activity = Activity(batch.images, found[i])
        context = population.pooled(found[i]) if source == "lateral" else top
        weight, factor = fit(population, activity, context_drive(context, batch), targets[i])
        network.apical[source][i].weight = weight
        apart += float((factor - targets[i]).square().sum())
        length += float(targets[i].square().sum())
    return math.sqrt(apart / length)


def global_change(generator: torch.Generator, batches: int = 4) -> dict[str, float]:
    """Best B for the weight change itself with global pooling: relative residual over several batches, by context source.

    With the linear contrast the change is linear in B, so that a step of the engine for every column of B gives all there is.
    """
    filters = kernels(generator)
    whole, network = (convolutional(SIDE, filters, [grid] * DEPTH) for grid in (SIDE, 1))
    several = [glances(whole.shape, FEW, generator, coloured=True) for _ in range(batches)]
    settle(whole, Linear(), several[0])
    below = [f"{name}.weight" for name in network.names[:-1]]
    references = [backprop_changes(whole, Linear(), batch) for batch in several]
    residual = {}
    for source in SOURCES:
        columns = [[_column(network, source, k, batch) for k in range(CHANNELS)] for batch in several]
        apart = length = 0.0
        for name in below:
            # each channel has a row of B of its own, and the same changes to combine
            basis = torch.cat([torch.stack([c[name][0].flatten() for c in of], 1) for of in columns])
            target = torch.cat([reference[name].flatten(1).T for reference in references])
            rest = target - basis @ torch.linalg.lstsq(basis, target, driver="gelsd").solution
            apart, length = apart + float(rest.square().sum()), length + float(target.square().sum())
        residual[source] = math.sqrt(apart / length)
    return residual


def _column(network: Network, source: str, k: int, batch: Batch) -> dict[str, Tensor]:
    for projection in network.apical[source]:
        projection.weight = torch.zeros_like(projection.weight)
        projection.weight[:, k] = 1
    return local_changes(network, Linear(), batch, source)


def summary(built: list[dict[str, Any]], blocks: list[dict[str, Any]], change: dict[str, float]) -> dict[str, Any]:
    """Largest error of the construction, and means over networks of what is left without full spatial dependency."""
    error = max(max(row["error"].values()) for row in built)
    sweep: list[dict[str, Any]] = [
        {"block": block, "objective": objective, **_mean(blocks, block, objective)}
        for objective in ("full", "same")
        for block in BLOCKS
    ]
    left = [row["left"] for row in sweep if row["objective"] == "full"]
    grows = all(below[s] < above[s] for below, above in pairwise(left) for s in SOURCES)
    return {
        "passed": error <= CRITERION and grows and min(*left[-1].values(), *change.values()) >= RESIDUAL,
        "error": error,
        "criterion": CRITERION,
        "residual_global": left[-1],
        "residual_global_change": change,
        "grows": grows,
        "blocks": sweep,
    }


def _mean(rows: list[dict[str, Any]], block: int, objective: str) -> dict[str, dict[str, float]]:
    of = [row for row in rows if (row["block"], row["objective"]) == (block, objective)]
    return {kind: {s: sum(row[kind][s] for row in of) / len(of) for s in SOURCES} for kind in ("left", "change")}

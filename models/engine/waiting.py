"""A population between its sweep and its plasticity: what is held of its activity, or how that is had again."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from ..populations.conv import Activity, ConvPopulation, Population
from .rows import Blocks


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a population waits with.

    Attributes:
        pooled: block-pooled rates of all rows in the master's dtype, (rows, units).
        rates: its rates, what the next population reads; filled by `activities` where these are computed again.
        activities: activity of all rows, chunk by chunk in order, to be taken once. What was taken is not held any longer.
        potential: a of every neuron of all rows, where the rule is of site `neuron`.
    """

    pooled: Tensor
    rates: Blocks
    activities: Iterator[Activity]
    potential: Tensor | None = None


def held(
    population: Population, pre: Blocks, sweep: Callable[[Tensor], Activity], rates: Blocks, size: int, *, lean: bool
) -> Waiting:
    """Sweep once, and hold of every chunk what its change will need.

    Args:
        population: the population.
        pre: what comes in.
        sweep: from the rows of a chunk to its activity.
        rates: empty, where rates go.
        size: rows of a chunk.
        lean: whether winners are held in few bytes and patches laid out again, which pays where they wait for the sweep of others.
    """
    found, pooled = deque[Activity](), []
    for chunk in pre.chunks(size):
        activity = sweep(chunk)
        activity.rate = rates.add(activity.rate)
        pooled.append(population.pooled(activity.rate).to(population.weight.dtype))
        if lean and isinstance(population, ConvPopulation):
            population.pack(activity)
        found.append(activity)
    potential = found[0].potential if len(found) == 1 else None
    return Waiting(joined(pooled), rates, _drained(found), potential)


def again(
    population: Population,
    pre: Blocks,
    sweep: Callable[[Tensor], Activity],
    rates: Blocks,
    size: int,
    pooled: Tensor | None,
) -> Waiting:
    """Sweep for the block-pooled rates alone, where they are not known, and hold nothing: the activities are computed again, while what came in is let go.

    Args:
        population, pre, sweep, rates, size: as of `held`; `pre` is empty after the activities were taken.
        pooled: block-pooled rates of all rows, where another sweep left them.
    """
    if pooled is None:
        pooled = glanced(population, pre, sweep, size)

    def activities() -> Iterator[Activity]:
        for chunk in pre.chunks(size, drain=True):
            activity = sweep(chunk)
            activity.rate = rates.add(activity.rate)
            yield activity
            del activity  # its winners are not to be there beside those of the next chunk

    return Waiting(pooled, rates, activities())


def glanced(
    population: Population,
    pre: Blocks,
    sweep: Callable[[Tensor], Activity],
    size: int,
    rates: Blocks | None = None,
) -> Tensor:
    """Block-pooled rates of a sweep in the master's dtype, (rows, units), and nothing else but `rates` where they are given; then `pre` is let go."""

    def glance(chunk: Tensor) -> Tensor:
        rate = sweep(chunk).rate
        if rates is not None:
            rate = rates.add(rate)
        return population.pooled(rate).to(population.weight.dtype)

    return joined([glance(chunk) for chunk in pre.chunks(size, drain=rates is not None)])


def joined(parts: list[Tensor]) -> Tensor:
    """Rows of several tensors; one alone is no copy."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def whole(population: Population, parts: list[Activity]) -> Activity:
    """Activity of all rows from that of their chunks, as who watches a step sees it: winners by their place in the map, patches left out of several."""
    for part in parts:
        if isinstance(population, ConvPopulation):
            population.unpack(part)
    if len(parts) == 1:
        return parts[0]
    found = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Activity)}
    tensors: dict[str, Any] = {n: torch.cat(values) for n, values in found.items() if isinstance(values[0], Tensor)}
    return replace(parts[0], **(tensors | {"patches": None}))


def _drained(activities: deque[Activity]) -> Iterator[Activity]:
    while activities:
        yield activities.popleft()

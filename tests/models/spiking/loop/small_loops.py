"""A closed loop of a few neurons, for tests."""

import numpy as np
from apical.models.spiking.loop import Glance, Loop, LoopNetwork, start

SHAPE = (1, 4, 4)
SHORT = {"fixation": 60.0, "saccade": 20.0}


def glances(count: int, copies: int, seed: int = 0) -> list[Glance]:
    """Three noisy patterns, staying half of the time."""
    draws = np.random.default_rng(seed)
    patterns = np.eye(3).repeat(6, 1)[:, :16]
    objects, found = np.zeros(copies, dtype=np.int64), []
    for number in range(count):
        moves = draws.random(copies) < 0.5 if number else np.ones(copies, dtype=bool)
        objects = np.where(moves, (objects + 1) % 3, objects)
        inputs = np.clip(patterns[objects] + 0.2 * draws.random((copies, 16)), 0, 1)
        found.append(Glance(inputs, np.where(moves, -1.0, 1.0), objects))
    return found


def small(layers: tuple[str, ...] = ("6", "4"), context: str = "lateral", **words: float) -> LoopNetwork:
    """Six and four units on sixteen inputs."""
    examples = np.concatenate([glance.inputs for glance in glances(20, 4)])
    return start(SHAPE, layers, examples, context=context, **words)


def short(**words: object) -> Loop:
    """Glances of 60 ms."""
    return Loop(**(SHORT | words))

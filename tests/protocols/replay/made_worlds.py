"""A population that has learnt to predict, made without a network, and the worlds of its mutants."""

import numpy as np
from apical.models.spiking import Circuit, Population
from apical.plasticity import Hinge
from apical.protocols.replay.mutants import random_world
from apical.protocols.replay.workbench import World

UNITS, NEURONS, INPUTS, CONTEXTS, LATENT = 12, 48, 24, 24, 6
TRIALS, MANY = 24, 200


def whitened(values):
    """Inverse covariance without the direction of the mean, which says how strong a glance is and not what is seen."""
    spread = np.cov(values.T) + 0.3 * values.var() * np.eye(values.shape[1])
    mean = values.mean(0) / np.linalg.norm(values.mean(0))
    apart = np.eye(len(mean)) - np.outer(mean, mean)
    return apart @ np.linalg.inv(spread) @ apart


class MadeWorlds:
    """Objects are seen twice in a row or once; the apical weights are the covariance of rates and context over many objects.

    Args:
        seed: of objects and weights.
    """

    def __init__(self, seed=0):
        draws = np.random.default_rng(seed)
        self.seed = seed
        self.shown = draws.standard_normal((LATENT, INPUTS))
        self.W = draws.standard_normal((NEURONS, INPUTS)) / np.sqrt(INPUTS)
        self.C = draws.standard_normal((CONTEXTS, NEURONS)) / np.sqrt(NEURONS)
        before, seen = self.glances(600, np.zeros(600, dtype=int), seed + 1)
        z, c = self.rates(seen), self.top(before)
        B = whitened(z) @ ((z - z.mean(0)).T @ (c - c.mean(0))) @ whitened(c)
        scores = (z * (c @ B.T)).sum(1)
        self.B = B * 1.3 / scores.std()
        self.untrained = draws.standard_normal(B.shape) * 0.02

    def glances(self, count, phase, seed):
        """Inputs of the glance before and of the one now: the same object in phase 0."""
        draws = np.random.default_rng(seed)
        first = draws.standard_normal((count, LATENT))
        second = np.where(phase[:, None] == 0, first, draws.standard_normal((count, LATENT)))
        return [np.maximum(x @ self.shown + 0.5 * draws.standard_normal((count, INPUTS)), 0) for x in (first, second)]

    def rates(self, seen):
        return np.maximum(seen @ self.W.T, 0)

    def top(self, seen):
        return np.maximum(self.rates(seen) @ self.C.T, 0)

    def population(self, trials, B, seed, now):
        phase = (np.arange(trials) % 2).astype(np.int8)
        before, seen = self.glances(trials, phase, seed)
        found = Population(
            rate=self.rates(seen), context=self.top(seen if now else before), B=B, phase=phase, row=np.arange(trials) // 2,
            contrast=Hinge(),
        )  # fmt: skip
        return found, seen

    def __call__(self, word):
        """`intact`, `now`, `untrained` or `random`."""
        if word == "random":
            return random_world(self("intact"))
        B = self.untrained if word == "untrained" else self.B
        everyone, seen = self.population(TRIALS, B, self.seed + 2, word == "now")
        many, _ = self.population(MANY, B, self.seed + 3, word == "now")
        W, own = self.W[:UNITS], B[:UNITS]
        a, none, index = seen @ W.T, np.zeros((TRIALS, UNITS)), np.arange(TRIALS)
        circuit = Circuit(
            name="made", source="dfb", map_shape=(NEURONS, 1, 1), position=None, units=np.arange(UNITS), inputs=np.arange(INPUTS),
            contexts=np.arange(CONTEXTS), W=W, B=own, bias=none, apical_bias=none, z_pre=seen, context=everyone.context, basal=a,
            rate=np.maximum(a, 0), prediction=everyone.context @ own.T, gate=(a > 0).astype(float), winner=none + 1,
            gamma=everyone.modulators(everyone.score), weight=np.full(TRIALS, 1 / TRIALS), phase=everyone.phase,
            score=everyone.score, context_row=index // 2, seen_row=index,
        )  # fmt: skip
        return World(circuit, everyone, many)

"""Small networks and circuits for the tests of the bridge."""

import numpy as np
import torch
from apical.models import AdamW, Network, conv_network, wire
from apical.models.engine import LocalEngine
from apical.models.spiking import Circuit
from apical.plasticity import ClappPP, pair

OBJECTS = 6
RULE = ClappPP(context="dfb")


def glances(objects: int = OBJECTS, seed: int = 0) -> torch.Tensor:
    """Two noisy glances at each object."""
    draws = torch.Generator().manual_seed(seed)
    seen = torch.rand(objects, 2, 8, 8, generator=draws, dtype=torch.float64)
    return torch.cat([seen + 0.1 * torch.randn(seen.shape, generator=draws, dtype=torch.float64) for _ in range(2)])


def trained(rule: ClappPP = RULE, steps: int = 5) -> Network:
    """A small column with max-pool and pooled blocks after a few steps of learning, in float64."""
    draws = torch.Generator().manual_seed(1)
    network = wire(
        conv_network((2, 8, 8), [(8, False), (16, True), (12, False)], [4, 2, 2], generator=draws),
        rule.needs.sources,
        generator=draws,
    )
    network.to(torch.device("cpu"), torch.float64)
    engine = LocalEngine(network, rule, AdamW(learning_rate=3e-3))
    for step in range(steps):
        engine.step(glances(seed=step), pair(OBJECTS))
    return network


def small_circuit(trials: int = 8, units: int = 5, inputs: int = 20, contexts: int = 10, seed: int = 0) -> Circuit:
    """A circuit without a network."""
    draws = np.random.default_rng(seed)
    W = draws.standard_normal((units, inputs)) / np.sqrt(inputs)
    B = draws.standard_normal((units, contexts)) / np.sqrt(contexts)
    z, c = draws.gamma(1, 0.3, (trials, inputs)), draws.gamma(1, 0.3, (trials, contexts))
    a, zero, index = z @ W.T, np.zeros((trials, units)), np.arange(trials)
    return Circuit(
        name="small", source="dfb", map_shape=(units, 1, 1), position=None, units=np.arange(units),
        inputs=np.arange(inputs), contexts=np.arange(contexts), W=W, B=B, bias=zero, apical_bias=zero, z_pre=z, context=c,
        basal=a, rate=np.maximum(a, 0), prediction=c @ B.T, gate=(a > 0).astype(float), winner=zero + 1,
        gamma=np.where(index % 2, -1.0, 1.0), weight=np.full(trials, 1 / trials), phase=(index % 2).astype(np.int8),
        score=np.zeros(trials), context_row=index // 2, seen_row=index,
    )  # fmt: skip

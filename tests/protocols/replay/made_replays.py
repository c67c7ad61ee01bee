"""Circuits and replays small enough to be made in seconds."""

import numpy as np
from apical.models.spiking import Circuit, Replay, calibrate, cosine
from apical.protocols.replay import ReplaySettings
from apical.protocols.replay.workbench import Bench


def made_circuit(trials: int = 24, units: int = 8, inputs: int = 30, seed: int = 0) -> Circuit:
    """A random circuit in which fixations and saccades alternate."""
    draws = np.random.default_rng(seed)
    z, c = draws.gamma(1, 0.3, (trials, inputs)), draws.gamma(1, 0.3, (trials, 12))
    W = draws.standard_normal((units, inputs)) / np.sqrt(inputs)
    B = draws.standard_normal((units, 12)) / np.sqrt(12)
    a, zero, index = z @ W.T, np.zeros((trials, units)), np.arange(trials)
    return Circuit(
        name="made", source="dfb", map_shape=(units, 1, 1), position=None, units=np.arange(units), inputs=np.arange(inputs),
        contexts=np.arange(12), W=W, B=B, bias=zero, apical_bias=zero, z_pre=z, context=c, basal=a, rate=np.maximum(a, 0),
        prediction=c @ B.T, gate=(a > 0).astype(float), winner=zero + 1, gamma=np.where(index % 2, -1.0, 1.0),
        weight=np.full(trials, 1 / trials), phase=(index % 2).astype(np.int8), score=np.zeros(trials),
        context_row=index // 2, seen_row=index,
    )  # fmt: skip


def made_replay(
    circuit: Circuit, eligibility=None, *, noise: float = 0.0, rate=None, prediction=None, seed: int = 0
) -> Replay:
    """A replay that says what it is told to, by default the rule itself with Gaussian noise."""
    draws, scales = np.random.default_rng(seed), calibrate(circuit)
    right = circuit.eligibility()
    e = right if eligibility is None else eligibility
    e = e + noise * right.std() * draws.standard_normal(e.shape)
    return Replay(
        circuit=circuit, calibration=scales, plan=None, rate=(circuit.rate if rate is None else rate) * scales.post_rate,
        V_basal=circuit.basal * scales.basal_gain,
        V_apical=(circuit.prediction if prediction is None else prediction) * scales.apical_gain,
        V_soma=None, eligibility=e.astype(np.float32), batch_change=circuit.change(e).sum(0), cosine=cosine(right, e),
        attributes={"apical_slope": 1.0},
    )  # fmt: skip


def made_bench(circuit: Circuit, *replays: Replay) -> Bench:
    """A bench whose base replays are given, one per seed."""
    settings = ReplaySettings(seeds=tuple(range(len(replays))), trials=circuit.trials)
    return Bench(None, settings, circuit, base=dict(enumerate(replays)))

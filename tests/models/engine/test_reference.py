"""The engine against gradients computed with the paper authors' code (tests/reference/README.md says how)."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from apical.models import ApicalProjection, Collector, Network, conv_network
from apical.models.engine import LocalEngine
from apical.models.networks.columns import VGG6
from apical.plasticity import BPClappPP, BPInfoNCE, ClappPP, Signals, pair
from apical.plasticity.signals import Apical
from jitter import LastBit

REFERENCE = Path(__file__).parents[2] / "reference"
GRIDS = (8, 4, 4, 4, 2, 2)
SOURCES = {"clapp": ("lateral",), "dfb": ("dfb",), "both": ("dfb", "lateral"), "bp": (), "infonce": ()}


def draw(objective: str) -> tuple[Network, torch.Tensor]:
    """Network and stacked views, drawn in the order of the reference."""
    rng = np.random.default_rng(0)

    def normal(shape, scale):
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32) * np.float32(scale))

    grids = GRIDS if SOURCES[objective] else (1,) * 6
    network = conv_network((3, 32, 32), VGG6, grids, generator=torch.Generator().manual_seed(0))
    for population in network.populations:
        out, inputs = population.weight.shape[:2]
        population.weight = normal((out, inputs, 3, 3), np.sqrt(2 / (9 * inputs)))
        population.bias = normal((out,), 0.1)
    top = network.populations[-1].units
    for source in SOURCES[objective]:
        network.apical[source] = []
        for population in network.populations:
            inputs = top if source == "dfb" else population.units
            weight = normal((population.units, inputs), inputs**-0.5)
            network.apical[source].append(ApicalProjection(f"{population.name}.{source}", weight))
    if not SOURCES[objective]:
        network.head = normal((top, top), top**-0.5)
    views = torch.cat([normal((4, 3, 32, 32), 1), normal((4, 3, 32, 32), 1)])
    return network, views


def explicit(objective: str) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    network, views = draw(objective)
    context = "lateral" if objective == "clapp" else objective
    catch = Collector()
    loss = LocalEngine(network, ClappPP(context=context), catch).step(views, pair(4))
    return loss, {name: -change for name, change in catch.changes.items()}


def autograd(objective: str) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    network, pre = draw(objective)
    pairing = pair(4).to(torch.device("cpu"), torch.float32)
    weights = network.weights()
    for weight in weights.values():
        weight.requires_grad_(True)
    rates = []
    for population in network.populations:
        pre = pre.detach() if SOURCES[objective] else pre
        pre = population.forward(pre, population.weight, population.bias).rate
        rates.append(population.pooled(pre))
    if SOURCES[objective]:
        terms = []
        for i, rate in enumerate(rates):
            apical = {}
            for source in SOURCES[objective]:
                context = (rates[-1] if source == "dfb" else rate).detach()
                apical[source] = Apical(context, context @ network.apical[source][i].weight.T)
            terms.append(ClappPP(context="lateral").objective(Signals(rate, apical, pairing)))
        losses = torch.stack(terms)
    else:
        rule = BPClappPP() if objective == "bp" else BPInfoNCE()
        losses = rule.objective(rates[-1], network.head, pairing)
    return losses.detach(), dict(zip(weights, torch.autograd.grad(losses.sum(), list(weights.values())), strict=True))


def compare(objective: str, loss: torch.Tensor, gradients: dict[str, torch.Tensor], allowed: float = 1e-4) -> int:
    """Largest allowed difference: norm of the difference over norm of the reference; returns how many arrays were compared."""
    with np.load(REFERENCE / f"golden_{objective}.npz") as stored:
        golden = {key: stored[key] for key in stored.files}

    def close(found, key):
        difference = np.linalg.norm(np.asarray(found) - golden[key]) / np.linalg.norm(golden[key])
        assert difference < allowed, f"{objective} {key}: {difference:.2e}"

    close(loss, "loss")
    compared = 1
    sources = {"B": SOURCES[objective][0] if SOURCES[objective] else None, "L": "lateral"}
    for key in golden:
        if key == "loss":
            continue
        stem, _, kind = key.partition("_")
        letter, i = stem[0], int(stem[1:])
        if letter in "Wb":
            gradient = gradients[f"conv{i + 1}.{'weight' if letter == 'W' else 'bias'}"]
        else:
            gradient = (
                gradients["head"] if sources[letter] is None else gradients[f"conv{i + 1}.{sources[letter]}.apical"]
            )
        if kind == "norm":
            close(gradient.norm(), key)
        elif letter == "W":
            close(gradient[:8, :3], key)
        elif letter == "b":
            close(gradient[:32], key)
        else:
            close(gradient[:8, :8], key)
        compared += 1
    assert compared == len(golden)
    return compared


def reproduced(objective: str, compute) -> int:
    """Compare, and where it fails, compare as on eight other machines; rounding.

    In single precision some unit may lie within a last bit of its threshold, and the authors' machine saw it on one side: what is computed must
    be what one machine sees. Next to such a unit a gradient moves by a thousandth, never by a hundredth.
    """
    for machine in range(9):
        with LastBit(machine) if machine else nullcontext():
            found = compute(objective)
        try:
            return compare(objective, *found)
        except AssertionError:
            compare(objective, *found, allowed=1e-2)
    raise AssertionError(f"{objective}: nine machines, and none within 1e-4")


@pytest.mark.parametrize("objective", [pytest.param("clapp", marks=pytest.mark.slow), "dfb", "both"])
def test_explicit_rule_reproduces_the_authors_gradients(objective):
    assert reproduced(objective, explicit) > 30


@pytest.mark.parametrize(
    "objective", [pytest.param(name, marks=() if name == "dfb" else pytest.mark.slow) for name in SOURCES]
)
def test_autograd_reproduces_the_authors_gradients(objective):
    assert reproduced(objective, autograd) > 15

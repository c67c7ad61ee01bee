"""Every rule that has a public code of its authors: loss and change against values of their equations (tests/reference/rules.py)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from apical.models import Collector
from apical.models.engine import Architecture, build_engine, build_network
from apical.models.networks.layer import Layer
from apical.plasticity import (
    LPL,
    RULES,
    SCFF,
    BarlowTwins,
    Clapp,
    ClappS,
    DirectFeedbackAlignment,
    FeedbackAlignment,
    ForwardForward,
    GreedyInfoMax,
    Pairing,
    PhyLL,
    SimCLR,
    SoftHebb,
    VICReg,
    pair,
)

OBJECTS = 4
GELU = ({"dense": 5, "transfer": "gelu"},) * 2
DENSE = ({"dense": 5},) * 2


@pytest.fixture(scope="module")
def published():
    with np.load(Path(__file__).parents[1] / "reference" / "rules.npz") as stored:
        values = {name: torch.from_numpy(stored[name]) for name in stored.files}
    return lambda rule: {n.partition(".")[2]: v for n, v in values.items() if n.startswith(f"{rule}.")}


def step(rule, told, own, pairing=None, **given):
    """Loss, and the change of every weight, of one step of a network whose weights are those told; with its engine."""
    image = told["image"] if told["image"].dim() == 4 else told["image"][:, :, None, None]
    layers = tuple(Layer(**layer) for layer in own)
    network = build_network(Architecture("layers", tuple(image.shape[1:]), layers=layers), rule, seed=0, classes=3)
    network.to(torch.device("cpu"), torch.float64)
    for population, (weight, bias) in zip(
        network.populations, (("weight", "bias"), ("upper", "upper_bias")), strict=False
    ):
        population.weight = told[weight].clone().view(population.weight.shape)
        population.bias = told.get(bias, torch.zeros(len(population.bias), dtype=torch.float64)).clone()
    for source, matrix in given.pop("apical", {}).items():
        network.apical[source][0].weight = matrix.clone()
    for name, value in given.pop("buffers", {}).items():
        network.buffers[name].copy_(value)
    if "head" in given:
        network.head = given.pop("head").clone()
    engine = build_engine(network, rule, learning_rate=1e-3)
    caught = engine.optimiser = Collector()
    losses = engine.step(image, pairing, **given)
    return losses.sum(), caught, network


def same(found, expected, rtol=1e-12):
    """Equal up to rounding, in norm."""
    assert (found - expected.view(found.shape)).norm() <= rtol * expected.norm()


def compared(told, loss, caught, names):
    same(loss, told["loss"])
    for ours, theirs in names.items():
        same(caught.changes[ours], -told[f"d_{theirs}"])


def either(told):
    rows = 2 * OBJECTS
    stays = told["stays"]
    share = (stays.double() / stays.sum(), (~stays).double() / (~stays).sum())
    return Pairing((torch.arange(rows) + OBJECTS) % rows, told["other"], *share)


FIRST = {"dense1.weight": "weight", "dense1.bias": "bias"}
BOTH = FIRST | {"dense2.weight": "upper", "dense2.bias": "upper_bias"}


def test_clapp(published):
    told = published("clapp")
    matrices = {"lateral": told["ahead"].T, "retro": told["back"]}  # theirs is applied to the target in both directions
    loss, caught, _ = step(Clapp(), told, DENSE[:1], either(told), apical=matrices)
    compared(told, loss, caught, FIRST | {"dense1.retro.apical": "back"})
    same(caught.changes["dense1.lateral.apical"], -told["d_ahead"].T)


def test_hinge_cpc(published):
    """CLAPP's objective at the top alone, down through both layers."""
    told = published("hinge-cpc")
    head = torch.cat([told["ahead"].T, told["back"]])
    loss, caught, _ = step(RULES["hinge-cpc"](), told, DENSE, either(told), head=head)
    compared(told, loss, caught, BOTH)
    same(caught.changes["head"], -torch.cat([told["d_ahead"].T, told["d_back"]]))


@pytest.mark.parametrize(("name", "kind"), [("clapp-s", ClappS), ("gim", GreedyInfoMax)])
def test_one_matrix_for_both_directions(published, name, kind):
    """GIM's authors add 1e-11 under the logarithm; ours is the log of the softmax itself."""
    told, rows = published(name), 2 * OBJECTS
    even = torch.full((rows,), 1 / rows, dtype=torch.float64)
    partner = (torch.arange(rows) + OBJECTS) % rows
    pairing = Pairing(partner, partner.roll(1), even, even, told["others"])
    loss, caught, _ = step(kind(others=3), told, DENSE[:1], pairing, apical={"lateral": told["matrix"].T})
    rtol = {"clapp-s": 1e-12, "gim": 1e-9}[name]
    same(loss, told["loss"], rtol)
    for ours, theirs in FIRST.items():
        same(caught.changes[ours], -told[f"d_{theirs}"], rtol)
    same(caught.changes["dense1.lateral.apical"], -told["d_matrix"].T, rtol)


def test_lpl(published):
    told = published("lpl")
    loss, caught, _ = step(LPL(), told, DENSE[:1], pair(OBJECTS))
    compared(told, loss, caught, FIRST)


def test_forward_forward(published):
    told = published("forward-forward")
    loss, caught, network = step(ForwardForward(), told, DENSE, pair(OBJECTS, negatives="opposite"), label=torch.zeros(8, dtype=torch.int64))  # fmt: skip
    compared(told, loss, caught, BOTH)
    for name, running in zip(network.names, told["running"], strict=True):
        same(network.buffers[f"{name}.mean_rate"], running)


def test_phyll(published):
    told = published("phyll")
    directions = told["directions"] / told["directions"].norm(dim=1, keepdim=True)
    buffers = {f"dense{i + 1}.direction": direction for i, direction in enumerate(directions)}
    loss, caught, _ = step(PhyLL(), told, GELU, pair(OBJECTS, negatives="opposite"), buffers=buffers)
    compared(told, loss, caught, BOTH)


def test_softhebb(published):
    """The change up to its size, which their code divides out, and one step of the optimiser that does so here."""
    told, own = published("softhebb"), Layer(conv=4, rim="reflect", transfer="triangle")

    def one_step(kept):
        network = build_network(
            Architecture("layers", (2, 6, 6), layers=(own,)), SoftHebb(inverse_temperature=0.65), seed=0
        )
        network.to(torch.device("cpu"), torch.float64)
        (population,) = network.populations
        population.weight, population.bias = told["weight"].clone(), torch.zeros(4, dtype=torch.float64)
        population.relay = None  # the published values begin behind the batch norm
        engine = build_engine(
            network, SoftHebb(inverse_temperature=0.65), learning_rate=0.08, optimiser="softhebb", exponent=0.5
        )
        engine.optimiser = kept or engine.optimiser
        engine.step(told["image"], None)
        return population.weight

    caught = Collector()
    one_step(caught)
    change = caught.changes["conv1.weight"]
    same(change / change.abs().max(), told["change"])
    same(one_step(None), told["after"])


def test_scff(published):
    """Their bias enters a pair twice: ours is the sum of both, and its gradient half of theirs where pairs are built."""
    told = dict(published("scff"))
    told["bias"] = 2 * told["bias"]
    own = [
        {"conv": channels, "kernel": kernel, "rim": "reflect", "pool": 4, "pool_stride": 2, "pool_padding": 1, "transfer": "triangle"}
        for channels, kernel in ((4, 5), (5, 3))
    ]  # fmt: skip
    numbers = {"threshold_positive": (1.0, 0.4), "threshold_negative": (2.0, 0.8), "penalty": (0.05, 0.02)}
    rule = SCFF(**numbers, rebuild=(True, False), padded=True)
    told["image"] = told["image"].repeat(2, 1, 1, 1)
    loss, caught, _ = step(rule, told, own, pair(OBJECTS, negatives="opposite"))
    same(loss, told["loss"])
    expected = {"conv1.weight": "weight", "conv2.weight": "upper", "conv2.bias": "upper_bias"}
    compared(told, loss, caught, expected)
    same(caught.changes["conv1.bias"], -told["d_bias"] / 2)


@pytest.mark.parametrize(("name", "kind"), [("dfa", DirectFeedbackAlignment), ("fa", FeedbackAlignment)])
def test_feedback_alignment(published, name, kind):
    told = published("feedback")
    buffers = {"dense1.feedback": told["direct"], "dense2.feedback": told["direct_upper"]}
    if name == "fa":
        buffers = {"dense2.feedback": told["above"], "head.feedback": told["down"]}
    loss, caught, _ = step(kind(), told, DENSE, label=told["label"], buffers=buffers, head=told["head"])
    same(loss, told["loss"])
    for ours, theirs in BOTH.items():
        same(caught.changes[ours], -told[f"{name}_{theirs}"])
    same(caught.changes["head"], -told["d_head"])


@pytest.mark.parametrize(("name", "kind"), [("barlow", BarlowTwins), ("vicreg", VICReg), ("simclr", SimCLR)])
def test_objectives_of_two_views(published, name, kind):
    told = published("objectives")
    views = [told[view].clone().requires_grad_() for view in ("first", "second")]
    loss = kind()(*views)
    same(loss.detach(), told[f"{name}_loss"])
    for found, view in zip(torch.autograd.grad(loss, views), ("first", "second"), strict=True):
        same(found, told[f"{name}_{view}"])


def test_every_rule_has_a_row_in_the_table_of_sources():
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    named = [
        word
        for line in page.splitlines()
        if line.startswith("| `")
        for word in line.split("|")[1].replace("`", "").split(",")
    ]
    assert sorted(word.strip() for word in named) == sorted(RULES)

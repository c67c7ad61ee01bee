"""Residual networks of populations: shapes, sizes, weights by name; which rules they take, and what is refused."""

from dataclasses import replace

import pytest
import torch
from apical.models import ModelError
from apical.models.engine import Architecture, build_network
from apical.models.engine.sweep import rates, settle
from apical.models.networks.residual import residual
from apical.models.populations.residual import Convolution, ResidualBlock
from apical.models.populations.transfer import GELU
from apical.plasticity import RULES, ClappPP
from apical.protocols.testing import training

CPU = torch.device("cpu")
SMALL = Architecture("resnet18", (3, 16, 16), width=1 / 16, grids=(4, 4, 2, 2, 2, 1, 1, 1, 1))
ONES = {"resnet18": (1,) * 9, "resnet50": (1,) * 17}


def made(kind="resnet18", shape=(3, 8, 8), grids=None, **words):
    words = {"width": 1 / 16} | words
    return residual(kind, shape, grids or ONES[kind], generator=torch.Generator().manual_seed(0), **words)


# He et al. 2016 without classifier and normalisations, whose gains and offsets are not here; the biases of the convolutions are
@pytest.mark.parametrize(
    ("kind", "published", "gains"),
    [("resnet18", 11_689_512 - 513_000, 4_800), ("resnet50", 25_557_032 - 2_049_000, 26_560)],
)
def test_kernels_are_as_many_as_published(kind, published, gains):
    network = made(kind, (3, 64, 64), width=1.0, stem="7x7")
    kernels = sum(w.numel() for name, w in network.weights().items() if name.endswith("weight"))
    assert kernels == published - 2 * gains


@pytest.mark.parametrize(
    ("stem", "side", "sides"), [("3x3", 32, [32, 16, 8, 4]), ("7x7", 64, [16, 8, 4, 2]), ("3x3", 15, [15, 8, 4, 2])]
)
@pytest.mark.parametrize("kind", ["resnet18", "resnet50"])
def test_maps_halve_and_channels_double_from_layer_to_layer(kind, stem, side, sides):
    network = made(kind, (3, side, side), stem=stem)
    found = [p.shape for p in network.populations]
    ends = {"resnet18": [2, 4, 6, 8], "resnet50": [3, 7, 13, 16]}[kind]
    assert [found[i][1:] for i in ends] == [(n, n) for n in sides]
    assert [found[i][0] for i in ends] == [(16 if kind == "resnet50" else 4) * 2**i for i in range(4)]
    shown = torch.randn(2, 3, side, side)
    assert [tuple(rate.shape[1:]) for rate in rates(network, shown)] == found


def test_a_silent_branch_leaves_the_rate_alone():
    for silent in (True, False):
        shown = torch.randn(2, 3, 8, 8)
        stem, first, second, *_ = rates(made(zero_init=silent), shown)
        assert torch.equal(stem, first) == torch.equal(first, second) == silent


def test_statistics_follow_the_batch_while_learning_alone_and_go_along():
    network = made(norm="inside").to(CPU, torch.float64)
    assert len(network.buffers) == 8 * 2 * 2
    before = {name: value.clone() for name, value in network.buffers.items()}
    shown = torch.randn(6, 3, 8, 8, dtype=torch.float64)
    rates(network, shown)
    assert all(torch.equal(network.buffers[name], value) for name, value in before.items())
    settle(network, shown)
    assert all(not torch.equal(network.buffers[name], value) for name, value in before.items())
    block = network.populations[1]
    block.buffers["norm1.running_mean"].fill_(7)
    assert float(network.buffers["block1.norm1.running_mean"][0]) == 7
    assert not made(norm="none").follows


@pytest.mark.parametrize(("words", "message"), [
    ({"grids": (1,) * 6}, "network.grids: expected 9 numbers, one for the stem and each block, got 6"),
    ({"grids": (3, *(1,) * 8)}, "stem.grid: expected a divisor of its 8 x 8 map, got 3"),
    ({"width": 0.001}, "network.width: expected at least"),
    ({"stem": "5x5"}, "network.stem: expected one of 3x3, 7x7, got '5x5'"),
    ({"shape": (3, 4, 4)}, "network.shape: expected images of at least 8 x 8"),
    ({"norm": "batch"}, "network.norm: expected one of input, inside, none, got 'batch'"),
    ({"stop": "top"}, "network.stop: expected one of both, branch, got 'top'"),
])  # fmt: skip
def test_misuse_is_refused(words, message):
    with pytest.raises(ModelError, match=message):
        made(**words)


def test_a_block_needs_a_shortcut_with_weights_where_the_shape_changes():
    convolutions = [
        Convolution(torch.zeros(4, 2, 3, 3), torch.zeros(4), 2),
        Convolution(torch.zeros(4, 4, 3, 3), torch.zeros(4)),
    ]
    with pytest.raises(
        ModelError, match=r"b\.shortcut: expected weights, since \(2, 4, 4\) comes in and \(4, 2, 2\) goes out"
    ):
        ResidualBlock("b", (2, 4, 4), convolutions=convolutions, shortcut=None, grid=1)
    with pytest.raises(ModelError, match=r"b\.convolutions: expected two or more"):
        ResidualBlock("b", (4, 4, 4), convolutions=convolutions[1:], shortcut=None, grid=1)
    with pytest.raises(ModelError, match=r"b\.transfer: expected one whose slope its rate tells, got gelu"):
        ResidualBlock(
            "b", (2, 4, 4), convolutions=convolutions, shortcut=torch.zeros(4, 2, 1, 1), grid=1, transfer=GELU
        )
    block = ResidualBlock("b", (2, 4, 4), convolutions=convolutions, shortcut=torch.zeros(4, 2, 1, 1), grid=1)
    activity = block.forward(torch.zeros(1, 2, 4, 4), block.weight, block.bias)
    with pytest.raises(
        ModelError, match=r"b\.hidden: expected the rates inside the block, got none; sweep with plastic and learning"
    ):
        block.inner_changes(activity.rate, activity)


# what has nothing for the convolutions inside a block, and why
REFUSED = {
    "softhebb": "network.builder: expected populations of one convolution for SoftHebb, whose kernels forget by their own rate",
    "fa": "network.builder: expected populations of one convolution for FeedbackAlignment, whose error comes down through a matrix",
    "sal": "network.areas: expected at least 1 for a routed rule",
}
LEARNING = [
    word
    for word in RULES
    if not word.startswith(("blockwise-", "bp-barlow", "bp-simclr", "bp-vicreg")) and word not in REFUSED
]


@pytest.mark.parametrize("word", LEARNING)
def test_every_rule_of_populations_moves_the_convolutions_inside(word):
    rule = RULES[word](context="dfb") if word == "clapp++" else RULES[word]()
    network = training.built(rule, SMALL)
    engine = training.engine_of(rule, network)
    before = {name: weight.clone() for name, weight in network.weights().items()}
    losses = training.advance(rule, engine, 0, 1)
    assert losses.isfinite().all()
    still = [name for name, weight in network.weights().items() if torch.equal(weight, before[name])]
    assert still == []


@pytest.mark.parametrize("word", REFUSED)
def test_rules_without_a_signal_for_the_convolutions_inside_are_refused(word):
    with pytest.raises(ModelError, match=REFUSED[word]):
        build_network(SMALL, RULES[word](), seed=0, classes=3)


def test_end_to_end_nothing_is_stopped_that_could_be_conducted():
    with pytest.raises(
        ModelError, match=r"network\.stop: expected both for BPClappPP, whose blocks have no local signal"
    ):
        build_network(replace(SMALL, stop="branch"), RULES["bp-clapp++"](), seed=0)


@pytest.mark.parametrize("words", [{}, {"norm": "inside"}, {"stop": "branch"}], ids=str)
def test_bfloat16_follows_float32(words):
    training.check_half(ClappPP(context="both"), replace(SMALL, **words))

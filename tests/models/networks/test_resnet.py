"""Residual networks against the published ones: parameter counts and shapes."""

import pytest
import torch
from apical.models import ModelError
from apical.models.networks.resnet import Residual, resnet


def count(modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def build(kind, shape=(3, 64, 64), **options):
    return resnet(kind, shape, generator=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize(
    ("kind", "channels", "without", "whole"),
    [
        ("resnet18", [64, 128, 256, 512], 11_176_512, 11_689_512),
        ("resnet50", [256, 512, 1024, 2048], 23_508_032, 25_557_032),
    ],
)
def test_parameters_are_as_many_as_published(kind, channels, without, whole):
    blocks, outputs = build(kind, stem="7x7")
    assert outputs == channels
    assert count(blocks) == without
    assert count(blocks) + 1000 * (channels[-1] + 1) == whole  # with the classifier of 1000 classes


@pytest.mark.parametrize(
    ("stem", "side", "sides"), [("7x7", 224, [56, 28, 14, 7]), ("7x7", 64, [16, 8, 4, 2]), ("3x3", 32, [32, 16, 8, 4])]
)
@pytest.mark.parametrize("kind", ["resnet18", "resnet50"])
def test_maps_halve_from_block_to_block(kind, stem, side, sides):
    blocks, outputs = build(kind, (3, side, side), width=1 / 16, stem=stem)
    x = torch.zeros(1, 3, side, side)
    for block, channels, expected in zip(blocks, outputs, sides, strict=True):
        x = block.eval()(x)
        assert x.shape == (1, channels, expected, expected)


def test_the_small_stem_costs_fewer_weights_and_the_width_is_a_factor():
    large, small = build("resnet18", stem="7x7")[0], build("resnet18", stem="3x3")[0]
    assert count(large) - count(small) == 64 * 3 * (49 - 9)
    assert build("resnet18", width=0.25)[1] == [16, 32, 64, 128]


def test_silent_branches_leave_the_rate_alone_and_others_do_not():
    for zero_init in (True, False):
        blocks, _ = build("resnet18", width=0.125, zero_init=zero_init)
        unit = next(m for m in blocks[0].modules() if isinstance(m, Residual))
        x = torch.rand(2, 8, 5, 5)
        assert torch.equal(unit(x), x) == zero_init


def test_weights_depend_on_the_seed_alone_and_ask_for_no_gradient():
    state = torch.random.get_rng_state()
    one, two = build("resnet18", width=0.125)[0], build("resnet18", width=0.125)[0]
    assert torch.equal(torch.random.get_rng_state(), state)
    other = resnet("resnet18", (3, 64, 64), generator=torch.Generator().manual_seed(1), width=0.125)[0]
    pairs = [list(zip(a.parameters(), b.parameters(), strict=True)) for a, b in zip(one, two, strict=True)]
    assert all(torch.equal(p, q) and not p.requires_grad for block in pairs for p, q in block)
    assert not torch.equal(next(one[0].parameters()), next(other[0].parameters()))


@pytest.mark.parametrize(("options", "message"), [
    ({"kind": "resnet34"}, r"network.builder: expected one of resnet18, resnet50, got 'resnet34'"),
    ({"kind": "resnet18", "stem": "5x5"}, r"network.stem: expected one of 3x3, 7x7, got '5x5'"),
    ({"kind": "resnet18", "width": 0.001}, r"network.width: expected at least 0.015625, got 0.001"),
    ({"kind": "resnet18", "shape": (3, 16, 16), "stem": "7x7"}, r"network.shape: expected images of at least 32 x 32"),
])  # fmt: skip
def test_misuse_is_refused(options, message):
    with pytest.raises(ModelError, match=message):
        build(**options)

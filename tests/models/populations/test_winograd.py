"""Convolutions by tiles equal the direct ones: in float64 to rounding, in float32 within a few times their error."""

import pytest
import torch
import torch.nn.functional as F
from apical.models.populations import winograd
from apical.plasticity import conv_change
from apical.plasticity.products import PRODUCTS, Kernels, using


def maps(rows, inputs, channels, height, width, dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    pre, factor = draw(rows, inputs, height, width), draw(rows, channels, height, width)
    layout = {"memory_format": torch.channels_last}
    return pre.contiguous(**layout), factor.contiguous(**layout), draw(channels, inputs, 3, 3), draw(channels)


@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize("shape", [(3, 5, 7, 4, 8), (9, 2, 3, 32, 32)])  # the second in several parts
@pytest.mark.parametrize("block", [1, 16 * 5 * 4, 10 << 20])
def test_equals_the_direct_convolution(tile, shape, block, monkeypatch):
    monkeypatch.setattr(winograd, "BLOCK", block)
    pre, factor, weight, bias = maps(*shape)
    found = winograd.winograd_sweep(pre, weight, bias, tile)
    torch.testing.assert_close(found, F.conv2d(pre, weight, bias, padding=1), rtol=1e-11, atol=1e-11)
    assert found.is_contiguous(memory_format=torch.channels_last)
    for one, other in zip(
        winograd.winograd_change(factor, pre, tile), conv_change(factor, pre, (3, 3), 1), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-10)


def error(found, exact):
    return ((found - exact).norm() / exact.norm()).item()


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize(("tile", "bound"), [(2, 2e-6), (4, 1e-5)])
def test_single_precision(tile, bound, product):
    pre, factor, weight, bias = maps(6, 96, 64, 8, 8, torch.float32)
    with using(Kernels(product)):
        basal = winograd.winograd_sweep(pre, weight, bias, tile)
        change, _ = winograd.winograd_change(factor, pre, tile)
    assert error(basal, F.conv2d(pre.double(), weight.double(), bias.double(), padding=1)) < bound
    assert error(change, conv_change(factor.double(), pre.double(), (3, 3), 1)[0]) < bound


def test_only_where_it_serves(monkeypatch):
    monkeypatch.setattr(winograd, "CHANNELS", 4)
    pre, weight = torch.zeros(2, 4, 8, 8), torch.zeros(4, 4, 3, 3)

    def tile(pre=pre, weight=weight, rim=1, mode="zeros"):
        return winograd.tile_of(pre, weight, rim, mode)

    assert tile() == 0  # not chosen
    with using(Kernels(convolution="winograd")):
        assert tile() == 4
        assert tile(pre[:, :, :6, :6]) == 2
        assert tile(pre[:, :, :7]) == 0
        assert tile(pre.bfloat16()) == 0
        assert tile(weight=weight[:2]) == 0
        assert tile(weight=torch.zeros(4, 4, 5, 5)) == 0
        assert tile(rim=0) == tile(mode="reflect") == 0

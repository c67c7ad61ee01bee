"""The convolutional expansion, a slice at a time, against the layers one would write."""

import pytest
import torch
from apical.models.networks import expansion as module
from apical.models.networks.expansion import ConvExpansion, PlaceMean
from torch import nn


def layers(expansion):
    plain = nn.Sequential(
        nn.Conv2d(3, 13, 1, bias=False), nn.BatchNorm2d(13), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).double()
    plain[0].load_state_dict(expansion.conv.state_dict())
    plain[1].load_state_dict(expansion.norm.state_dict())
    return plain


@pytest.fixture
def expansion():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = ConvExpansion(3, 13).double()
        nn.init.uniform_(made.norm.weight)
        nn.init.uniform_(made.norm.bias)
    return made


@pytest.mark.parametrize("small", [0, 1 << 21], ids=["sliced", "whole"])
def test_values_gradients_and_statistics_are_those_of_the_layers(small, expansion, monkeypatch):
    monkeypatch.setattr(module, "SMALL", small)
    monkeypatch.setattr(module, "SLICE", 5)
    plain, g = layers(expansion), torch.Generator().manual_seed(1)
    for step in range(3):
        x = torch.randn(4, 3, 6, 5, generator=g, dtype=torch.float64)
        one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
        found, expected = expansion(one), plain(two)
        torch.testing.assert_close(found, expected)
        weighting = torch.randn(4, 13, generator=g, dtype=torch.float64)
        left = torch.autograd.grad((found * weighting).sum(), [one, *expansion.parameters()])
        right = torch.autograd.grad((expected * weighting).sum(), [two, *plain.parameters()])
        for a, b in zip(left, right, strict=True):
            torch.testing.assert_close(a, b)
        torch.testing.assert_close(expansion.norm.running_mean, plain[1].running_mean, msg=f"step {step}")
        torch.testing.assert_close(expansion.norm.running_var, plain[1].running_var)
    x = torch.randn(4, 3, 6, 5, generator=g, dtype=torch.float64)
    torch.testing.assert_close(expansion.eval()(x), plain.eval()(x))


def test_what_a_slice_computed_is_not_kept(expansion, monkeypatch):
    """Between forward and backward, nothing of the size of an expanded map waits in the graph."""
    monkeypatch.setattr(module, "SMALL", 0)
    monkeypatch.setattr(module, "SLICE", 5)
    kept = []
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64, requires_grad=True, generator=torch.Generator().manual_seed(0))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        expansion(x)
    assert max(kept, default=0) <= x.numel()


def test_the_mean_over_places_keeps_the_layout_of_its_gradient():
    x = torch.rand(2, 8, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    found = PlaceMean()(x)
    torch.testing.assert_close(found, x.mean((2, 3)))
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert gradient.is_contiguous(memory_format=torch.channels_last)

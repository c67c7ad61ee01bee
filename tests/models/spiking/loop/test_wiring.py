"""Wirings against matrix products and torch's convolution."""

import numpy as np
import pytest
import torch
from apical.models import ModelError
from apical.models.spiking.loop import convolution, dense
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.integers(1, 6), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_dense_is_a_matrix(pre, post):
    wiring = dense(pre, post)
    weights = np.arange(wiring.weights, dtype=float)
    assert np.array_equal(wiring.matrix(weights), weights.reshape(pre, post).T)
    assert np.array_equal(wiring.carriers, np.ones(pre * post))


@given(st.integers(1, 2), st.integers(3, 7), st.integers(3, 7), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))
@settings(max_examples=30, deadline=None)
def test_convolution_is_torchs(depth, height, width, channels, kernel, stride):
    wiring, shape = convolution((depth, height, width), channels, kernel, stride)
    weights = np.random.default_rng(0).normal(size=wiring.weights)
    x = np.random.default_rng(1).normal(size=(2, depth, height, width))
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x), torch.from_numpy(weights.reshape(channels, depth, kernel, kernel)), stride=stride
    ).numpy()
    assert expected.shape[1:] == shape
    found = x.reshape(2, -1) @ wiring.matrix(weights).T
    assert np.allclose(found, expected.reshape(2, -1), atol=1e-12)


def test_total_is_the_adjoint_of_matrix():
    wiring, _ = convolution((2, 5, 5), 3, 3, 2)
    draws = np.random.default_rng(0)
    weights, other = draws.normal(size=wiring.weights), draws.normal(size=(wiring.post, wiring.pre))
    assert np.isclose((wiring.matrix(weights) * other).sum(), weights @ wiring.total(other))


def test_a_kernel_larger_than_the_map_is_refused():
    with pytest.raises(ModelError, match=r"loop\.layers: expected a kernel of 1 to 4"):
        convolution((1, 4, 6), 2, 5, 1)

"""Relays: batch norm as PyTorch's, standardised rows, and pairs that meet one kernel."""

from dataclasses import replace

import pytest
import torch
from apical.models import RELAYS, Collector, ModelError
from apical.models.engine import Architecture, BackpropEngine, build_network, settle
from apical.models.populations.relay import standardise
from apical.plasticity import LPL, SCFF, Backprop, SoftHebb, pair
from hypothesis import given
from hypothesis import strategies as st


def maps(rows, seed=0, shape=(3, 4, 4)):
    return 3 + 2 * torch.randn(rows, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 4, 4), (5,)])
def test_batchnorm_is_pytorchs(shape):
    relay = RELAYS["batchnorm"](0, shape)
    relay.buffers.update({name: b.double() for name, b in relay.buffers.items()})
    kind = torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d
    theirs = kind(shape[0], affine=False).double()
    for seed in range(3):
        pre = maps(6, seed, shape)
        torch.testing.assert_close(relay(pre, None, learning=True), theirs(pre))
    theirs.eval()
    pre = maps(2, 9, shape)
    still = {name: b.clone() for name, b in relay.buffers.items()}
    torch.testing.assert_close(relay(pre, None, learning=False), theirs(pre))
    assert all(torch.equal(still[name], b) for name, b in relay.buffers.items())
    torch.testing.assert_close(still["running_variance"], theirs.running_var)


@given(st.integers(1, 5), st.floats(0.1, 100), st.floats(-50, 50))
def test_standardised_rows_have_mean_0_and_deviation_1(rows, scale, shift):
    found = standardise(scale * maps(rows) + shift).flatten(1)
    torch.testing.assert_close(found.mean(1), torch.zeros(rows, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(found.std(1), torch.ones(rows, dtype=torch.float64))


def test_a_constant_row_becomes_silent():
    assert standardise(torch.ones(2, 3, 4, 4)).abs().max() == 0


def test_pairs_equal_two_images_through_one_kernel():
    """conv(x) + conv(x') of the concatenated halves is the convolution of what the relay hands on."""
    pre, kernel = maps(8), maps(5, 1, (3, 3, 3))
    pre[4:] = pre[:4]
    relay = RELAYS["pairs"](0, (3, 4, 4), rebuild=True)
    images = standardise(pre[:4])
    conv = torch.nn.functional.conv2d
    first, second = torch.cat([images, images]), torch.cat([images, images[[1, 2, 3, 0]]])
    expected = conv(first, kernel) + conv(second, kernel)
    torch.testing.assert_close(conv(relay(pre, pair(4, negatives="opposite"), learning=True), kernel), expected)


def authors_halves(pairs, rim, mode):
    """Pad, standardise both images of a pair together, and take the halves: what their layer convolves, by its definition."""
    padded = torch.nn.functional.pad(pairs, (rim,) * 4, mode=mode)
    shape = (-1, 1, 1, 1)
    flat = padded.flatten(1)
    told = (padded - flat.mean(1).view(shape)) / (1e-10 + flat.std(1).view(shape))
    return told.chunk(2, 1)


@pytest.mark.parametrize("rim", [1, 2])
def test_pairs_standardised_again_are_the_authors(rim):
    """Two standardisations, before the pairing and after the mirrored rim, against the sum that our kernel meets with its own rim."""
    pre, kernel = maps(8), maps(5, 1, (3, 2 * rim + 1, 2 * rim + 1))
    relay = RELAYS["pairs"](0, (3, 4, 4), rebuild=True, padded=True)
    relay.rim = (rim, "reflect")
    images, conv = standardise(pre[:4]), torch.nn.functional.conv2d

    def ours(handed):
        return conv(torch.nn.functional.pad(handed, (rim,) * 4, mode="reflect"), kernel)

    def theirs(pairs):
        first, second = authors_halves(pairs, rim, "reflect")
        return conv(first, kernel) + conv(second, kernel)

    expected = torch.cat([theirs(torch.cat([images, other], 1)) for other in (images, images[[1, 2, 3, 0]])])
    found = ours(relay(pre, pair(4, negatives="opposite"), learning=True))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(ours(relay(pre[:4], None, learning=False)), expected[:4], rtol=1e-10, atol=1e-10)
    once = RELAYS["pairs"](0, (3, 4, 4), rebuild=True)
    assert (ours(once(pre, pair(4, negatives="opposite"), learning=True)) - expected).abs().max() > 1e-2


def test_what_goes_on_as_it_comes_is_standardised_with_its_rim_alone():
    pre = maps(4)
    relay = RELAYS["pairs"](1, (3, 4, 4), rebuild=False, padded=True)
    relay.rim = (1, "reflect")
    flat = torch.nn.functional.pad(pre, (1,) * 4, mode="reflect").flatten(1)
    expected = (pre - flat.mean(1).view(-1, 1, 1, 1)) / flat.std(1).view(-1, 1, 1, 1)
    torch.testing.assert_close(relay(pre, None, learning=True), expected, rtol=1e-9, atol=1e-9)


def test_a_relay_is_told_the_rim_of_its_population():
    architecture = Architecture("scff", (3, 16, 16), width=1 / 16, grids=(4, 2, 1))
    for padded in (False, True):
        network = build_network(architecture, SCFF(padded=padded, rebuild=(True, False, True)), seed=0)
        assert [p.relay.padded for p in network.populations] == [padded] * 3
        assert [p.relay.rim for p in network.populations] == [(2, "reflect"), (1, "reflect"), (1, "reflect")]


def test_a_network_that_is_read_sees_images_paired_with_themselves():
    pre = maps(8)
    relay = RELAYS["pairs"](0, (3, 4, 4), rebuild=True)
    step = relay(pre, pair(4, negatives="opposite"), learning=True)
    torch.testing.assert_close(relay(pre[:4], None, learning=False), step[:4])


def test_streams_that_are_not_rebuilt_go_on():
    pre = maps(8)
    relay = RELAYS["pairs"](1, (3, 4, 4), rebuild=False)
    for pairing in (pair(4, negatives="opposite"), None):
        assert torch.equal(relay(pre, pairing, learning=True), standardise(pre))


@pytest.mark.parametrize("rows", [2, 5])
def test_pairs_need_two_images(rows):
    with pytest.raises(ModelError, match=r"relay.pairs: expected 2n rows of at least 2 images"):
        RELAYS["pairs"](0, (3, 4, 4), rebuild=True)(maps(rows), pair(2, negatives="opposite"), learning=True)


def test_the_rule_tells_each_population_whether_pairs_are_rebuilt():
    rule = SCFF(rebuild=(True, False, True))
    network = build_network(Architecture("scff", (3, 16, 16), 1 / 24, grids=(1, 1, 1)), rule, seed=0)
    assert [p.relay.rebuild for p in network.populations] == [True, False, True]


def test_settling_moves_running_statistics_alone():
    network = build_network(Architecture("softhebb", (3, 16, 16), 1 / 24, grids=(1, 1, 1)), SoftHebb(), seed=0)
    network.to(torch.device("cpu"))
    images = maps(40, shape=(3, 16, 16)).float()
    before = {name: w.clone() for name, w in network.weights().items()}
    settle(network, images, rows=2)
    assert all(torch.equal(before[name], w) for name, w in network.weights().items())
    found = network.buffers["conv1.running_mean"]
    torch.testing.assert_close(found, images.mean((0, 2, 3)), atol=0.6, rtol=0)
    assert network.buffers["conv3.running_variance"].min() > 1


class Normed(LPL):
    """LPL behind batch normalisation."""

    needs = replace(LPL().needs, relay="batchnorm")


def test_a_step_by_backpropagation_normalises_over_the_batch_and_moves_the_statistics():
    rule = Backprop(Normed())
    network = build_network(Architecture("mlp", (3, 4, 4), hidden=(6, 5)), rule, seed=0)
    network.to(torch.device("cpu"), torch.float64)
    images, pairing = maps(8), pair(4)
    pre = images
    for population in network.populations:
        pre = torch.nn.functional.batch_norm(pre, None, None, training=True)
        pre = torch.relu(pre.flatten(1) @ population.weight.T + population.bias)
    expected = rule.objective(pre, None, pairing.to(pre.device, pre.dtype))
    found = BackpropEngine(network, rule, Collector()).step(images, pairing)
    torch.testing.assert_close(found[0], expected)
    torch.testing.assert_close(network.buffers["dense1.running_mean"], images.mean((0, 2, 3)) / 10)
    assert (network.buffers["dense2.running_variance"] != 1).any()

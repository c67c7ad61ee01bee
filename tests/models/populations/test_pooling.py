"""Pools, rims, kernels and competing transfer functions: sweeps equal PyTorch's layers, factors equal autograd."""

import pytest
import torch
import torch.nn.functional as F
from apical.models import IDENTITY, RELU, Collector, ConvPopulation, ModelError, Network, Pooling, triangle, wire
from apical.models.engine import LocalEngine
from apical.plasticity import Apical, ClappPP, Signals, Softplus, pair
from hypothesis import given
from hypothesis import strategies as st
from tolerances import assert_changes

OVERLAPPING, MEAN = Pooling("max", 4, 2, 1), Pooling("avg", 2, 2)
POOLS = {"none": False, "vgg": True, "overlapping": OVERLAPPING, "mean": MEAN, "padded mean": Pooling("avg", 4, 2, 1)}
TRANSFERS = {t.name: t for t in (RELU, IDENTITY, triangle(), triangle(0.7), triangle(1.4))}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def population(pool=False, transfer=RELU, kernel=3, mode="zeros", side=8, grid=2, inputs=3, **others):
    draw = lambda *shape: torch.randn(*shape, generator=seeded(7), dtype=torch.float64) / 3  # noqa: E731
    return ConvPopulation(
        "conv1", (inputs, side, side), 5, pool=pool, grid=grid, weight=draw(5, inputs, kernel, kernel), bias=draw(5),
        transfer=transfer, padding_mode=mode, **others,
    )  # fmt: skip


def rho(potential, name):
    if name.startswith("triangle"):
        excess = F.relu(potential - potential.mean(1, keepdim=True))
        return excess ** float(name[9:-1])
    return potential.relu() if name == "relu" else potential


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("side", [4, 8])
def test_a_sweep_is_that_of_pytorchs_layers(mode, pool, transfer, side):
    p = population(POOLS[pool], TRANSFERS[transfer], 5 if side == 8 else 3, mode, side=side)
    pre = torch.randn(6, 3, side, side, generator=seeded(1), dtype=torch.float64)
    rim = p.kernel[0] // 2
    potential = F.conv2d(F.pad(pre, (rim,) * 4, mode="constant" if mode == "zeros" else mode), p.weight, p.bias)
    expected = rho(potential, transfer)
    if pool == "vgg":
        expected = F.max_pool2d(expected, 2)
    elif pool == "overlapping":
        expected = F.max_pool2d(expected, 4, 2, 1)
    elif pool != "none":
        expected = F.avg_pool2d(expected, POOLS[pool].kernel, 2, POOLS[pool].padding)
    for plastic in (False, True):
        found = p.forward(pre, p.weight, p.bias, keep_basal=True, plastic=plastic, keep_potential=True)
        torch.testing.assert_close(found.rate, expected)
        torch.testing.assert_close(found.potential, potential)
        assert found.basal.shape == found.rate.shape == (6, *p.shape)
        assert found.potential.shape == (6, *p.neurons)


def network_of(pool, transfer, mode):
    first = population(pool, transfer, 5, mode)
    second = ConvPopulation(
        "conv2", first.shape, 4, pool=MEAN, grid=1, transfer=triangle(1.4), padding_mode=mode,
        weight=torch.randn(4, 5, 3, 3, generator=seeded(8), dtype=torch.float64) / 3, bias=torch.zeros(4, dtype=torch.float64),
    )  # fmt: skip
    network = wire(Network((3, 8, 8), [first, second]), ("lateral",), generator=seeded(2))
    return network.to(torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("transfer", TRANSFERS)
def test_changes_equal_autograd(mode, pool, transfer):
    rule, pairing = ClappPP(contrast=Softplus()), pair(3)
    network, images = (
        network_of(POOLS[pool], TRANSFERS[transfer], mode),
        torch.randn(6, 3, 8, 8, generator=seeded(5), dtype=torch.float64),
    )
    weights, losses, pre = network.weights(), [], images
    for weight in weights.values():
        weight.requires_grad_(True)
    for p, projection in zip(network.populations, network.apical["lateral"], strict=True):
        pre = p.forward(pre.detach(), p.weight, p.bias).rate
        rate = p.pooled(pre)
        context = rate.detach()
        losses.append(
            rule.objective(Signals(rate, {"lateral": Apical(context, context @ projection.weight.T)}, pairing))
        )
    gradients = torch.autograd.grad(torch.stack(losses).sum(), list(weights.values()))
    for weight in weights.values():
        weight.requires_grad_(False)
    catch = Collector()
    found = LocalEngine(network, rule, catch).step(images, pairing)
    torch.testing.assert_close(found, torch.stack(losses).detach(), rtol=1e-12, atol=0)
    assert_changes(catch.changes, dict(zip(weights, gradients, strict=True)))


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize("kernel", [3, 5])
def test_what_is_carried_down_equals_autograd(mode, kernel):
    p, pre = population(kernel=kernel, mode=mode), torch.randn(2, 3, 8, 8, generator=seeded(3), dtype=torch.float64)
    factor = torch.randn(2, *p.neurons, generator=seeded(4), dtype=torch.float64)
    pre.requires_grad_()
    basal = p.forward(pre, p.weight, p.bias, keep_basal=True).basal
    (expected,) = torch.autograd.grad(basal, pre, factor)
    torch.testing.assert_close(p.carried(factor, p.weight), expected)


@given(st.floats(0.2, 3.0), st.integers(0, 50))
def test_the_gate_of_a_triangle_is_its_derivative(power, seed):
    potential = torch.randn(3, 4, 2, generator=seeded(seed), dtype=torch.float64).requires_grad_()
    factor = torch.randn(3, 4, 2, generator=seeded(seed + 1), dtype=torch.float64)
    transfer = triangle(power)
    (expected,) = torch.autograd.grad(transfer.rate(potential), potential, factor)
    torch.testing.assert_close(transfer.gate(factor, transfer.rate(potential.detach())), expected)


def test_equal_potentials_are_silent_and_finite():
    potential = torch.ones(2, 4, 3, dtype=torch.float64, requires_grad=True)
    rate = triangle(0.5).rate(potential)
    (gradient,) = torch.autograd.grad(rate.sum(), potential)
    assert rate.abs().max() == gradient.abs().max() == 0
    assert triangle(0.5).gate(torch.ones_like(rate), rate.detach()).abs().max() == 0


def test_a_neuron_may_win_several_windows():
    pooled, winner = OVERLAPPING.forward(F.pad(torch.ones(1, 1, 1, 1), (3, 4, 3, 4)))
    assert pooled.sum() == 4
    back = OVERLAPPING.backward(torch.ones_like(pooled), torch.empty(1, 1, 8, 8), winner)
    assert back[0, 0, 3, 3] == 4
    assert OVERLAPPING.overlaps
    assert not MEAN.overlaps


@pytest.mark.parametrize(("build", "message"), [
    (lambda: Pooling("min"), r"Pooling.kind: expected one of max, avg, got 'min'"),
    (lambda: Pooling(kernel=0), r"Pooling.kernel: expected a whole number of at least 1, got 0"),
    (lambda: Pooling(stride=1.5), r"Pooling.stride: expected a whole number"),
    (lambda: Pooling(padding=2), r"Pooling.padding: expected at most 1, half the kernel, got 2"),
    (lambda: triangle(0), r"triangle.power: expected a finite number above 0, got 0"),
    (lambda: population(True, side=7), r"conv1.inputs: expected an even height and width before the max-pool, got 7 x 7"),
    (lambda: population(OVERLAPPING, side=9), r"conv1.inputs: expected a map that .* covers evenly before the max-pool"),
    (lambda: population(mode="wrap"), r"conv1.padding_mode: expected one of zeros, reflect, got 'wrap'"),
    (lambda: population(mode="reflect", side=2, kernel=5, grid=1), r"conv1.padding: expected 0 to 1 around"),
    (lambda: population(stride=0), r"conv1.stride: expected at least 1, got 0"),
    (lambda: population(kernel=5, padding=0, side=3, grid=1), r"conv1.padding: expected 0 to 4 around a map"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(ModelError, match=message):
        build()


def test_without_a_rim_maps_shrink():
    p = population(kernel=5, padding=0)
    assert p.neurons == (5, 4, 4)
    assert p.forward(torch.zeros(1, 3, 8, 8, dtype=torch.float64), p.weight, p.bias).rate.shape == (1, 5, 4, 4)


@pytest.mark.parametrize(("pooling", "shape", "dtype"), [
    (Pooling(), (2, 3, 6, 8), torch.uint8),
    (OVERLAPPING, (2, 3, 8, 12), torch.uint8),
    (Pooling("max", 3, 3), (1, 2, 9, 9), torch.uint8),
    (Pooling("max", 2, 2, 1), (1, 2, 4, 2), torch.uint8),
    (Pooling(), (1, 1, 4, 254), torch.uint8),
    (Pooling(), (1, 1, 4, 256), torch.int16),
])  # fmt: skip
@pytest.mark.parametrize("channels_last", [False, True])
def test_winners_are_held_in_few_bytes_without_loss(pooling, shape, dtype, channels_last):
    values = torch.randn(shape, generator=seeded(6))
    if channels_last:
        values = values.contiguous(memory_format=torch.channels_last)
    _, winner = pooling.forward(values)
    packed = pooling.pack(winner, shape[3])
    assert (packed.dtype, packed.shape) == (dtype, winner.shape)
    found = pooling.unpack(packed, shape[3])
    assert found.dtype == torch.int64
    assert torch.equal(found, winner)
    assert torch.equal(pooling.unpack(winner, shape[3]), winner), "what is not packed stays"
    assert found.is_contiguous(memory_format=torch.channels_last) == winner.is_contiguous(
        memory_format=torch.channels_last
    )

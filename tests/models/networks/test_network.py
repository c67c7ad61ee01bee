import pytest
import torch
from apical.models import IDENTITY, ConvPopulation, ModelError, conv_network, mlp, vgg6, vgg8, vgg11, wire
from apical.models.engine import Architecture, build_network, rates
from apical.plasticity import BPInfoNCE, ClappPP
from apical.protocols.readouts.pooling import maps_of

GRIDS = (8, 4, 4, 4, 2, 2)


def seeded():
    return torch.Generator().manual_seed(0)


def test_vgg6_has_the_papers_sizes():
    network = wire(vgg6((3, 32, 32), GRIDS, generator=seeded()), ("lateral",), generator=seeded())
    assert [p.units for p in network.populations] == [8192, 4096, 4096, 8192, 4096, 4096]
    assert [p.shape for p in network.populations] == [
        (128, 32, 32), (256, 16, 16), (256, 16, 16), (512, 8, 8), (1024, 4, 4), (1024, 2, 2)
    ]  # fmt: skip
    basal = sum(p.weight.numel() + p.bias.numel() for p in network.populations)
    assert basal == 128 * 28 + 256 * 1153 + 256 * 2305 + 512 * 2305 + 1024 * 4609 + 1024 * 9217
    assert sum(p.weight.numel() for p in network.apical["lateral"]) == 2 * 8192**2 + 4 * 4096**2


def test_width_scales_channels_and_nothing_else():
    network = vgg6((3, 32, 32), GRIDS, width=0.25, generator=seeded())
    assert [p.shape[0] for p in network.populations] == [32, 64, 64, 128, 256, 256]


def test_same_seed_gives_every_rule_the_same_populations():
    a = Architecture("vgg6", (3, 32, 32), 0.0625, grids=GRIDS)
    networks = [build_network(a, rule, seed=3) for rule in (ClappPP(), ClappPP(context="both"), BPInfoNCE())]
    for other in networks[1:]:
        for one, two in zip(networks[0].populations, other.populations, strict=True):
            assert torch.equal(one.weight, two.weight)
    assert not torch.equal(build_network(a, ClappPP(), seed=4).populations[0].weight, networks[0].populations[0].weight)


def test_rate_is_the_winners_rate():
    network = conv_network((2, 6, 6), [(4, True)], (3,), generator=seeded())
    population = network.populations[0]
    images = torch.randn(3, 2, 6, 6, generator=seeded())
    activity = population.forward(images, population.weight, population.bias, keep_basal=True)
    full = torch.relu(torch.conv2d(images, population.weight, population.bias, padding=1))
    assert torch.equal(activity.rate, torch.nn.functional.max_pool2d(full, 2))
    assert torch.equal(activity.rate, activity.basal.relu())


def test_factor_goes_to_the_winner_alone():
    population = conv_network((1, 4, 4), [(2, True)], (1,), generator=seeded()).populations[0]
    images = torch.randn(1, 1, 4, 4, generator=seeded())
    activity = population.forward(images, population.weight, population.bias)
    factor = population.factor(torch.tensor([[4.0, 8.0]]), activity)
    assert factor.shape == (1, 2, 4, 4)
    active = (activity.rate > 0).sum((0, 2, 3))
    assert torch.equal((factor != 0).sum((0, 2, 3)), active)
    # a unit of the pooled grid is the mean of four places: each carries a quarter
    assert set(factor[0, 0].flatten().tolist()) <= {0.0, 1.0}
    assert set(factor[0, 1].flatten().tolist()) <= {0.0, 2.0}


def test_identity_transfer_is_linear():
    network = mlp((1, 2, 2), (3, 2), generator=seeded(), transfer=IDENTITY)
    x = torch.randn(4, 1, 2, 2, generator=seeded())
    for population in network.populations:
        population.bias.zero_()
    torch.testing.assert_close(rates(network, 2 * x)[-1], 2 * rates(network, x)[-1])


@pytest.mark.parametrize(("build", "message"), [
    (lambda: vgg6((3, 32, 32), (8, 4), generator=seeded()), "network.grids: expected 6 numbers"),
    (lambda: vgg6((3, 32, 32), (7, 4, 4, 4, 2, 2), generator=seeded()), "conv1.grid: expected a divisor of its 32 x 32 map, got 7"),
    (lambda: vgg6((3, 30, 30), (1,) * 6, generator=seeded()), "expected an even height and width"),
    (lambda: vgg6((3, 32, 32), GRIDS, width=-1, generator=seeded()), "network.width: expected at least"),
    (lambda: wire(mlp((1, 2, 2), (3,), generator=seeded()), ("sideways",), generator=seeded()), "expected some of lateral, retro, dfb, got 'sideways'"),
    (lambda: build_network(Architecture("resnet", (3, 8, 8)), ClappPP(), seed=0), "expected one of vgg6, .*mlp, layers, resnet18, resnet50, got 'resnet'"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(ModelError, match=message):
        build()


def test_engine_refuses_a_network_that_is_not_wired():
    from apical.models.engine import build_engine

    with pytest.raises(ModelError, match=r"network.apical: expected projections for lateral"):
        build_engine(mlp((1, 2, 2), (3,), generator=seeded()), ClappPP(), learning_rate=0.1)
    with pytest.raises(ModelError, match=r"network.head"):
        build_engine(mlp((1, 2, 2), (3,), generator=seeded()), BPInfoNCE(), learning_rate=0.1)


def test_populations_know_their_block():
    population = ConvPopulation(
        "c", (1, 8, 8), 2, pool=False, grid=2, weight=torch.zeros(2, 1, 3, 3), bias=torch.zeros(2)
    )
    assert population.block == (4, 4)
    assert population.units == 8


def test_vgg8_has_the_papers_sizes_on_imagenet():
    network = vgg8((3, 224, 224), (8, 4, 4, 4, 2, 2, 2, 1), generator=seeded())
    assert [p.shape for p in network.populations] == [
        (128, 224, 224), (256, 112, 112), (512, 56, 56), (512, 56, 56), (1024, 28, 28), (1024, 14, 14), (1024, 14, 14), (1024, 7, 7)
    ]  # fmt: skip
    # pooling by 28, 28, 14, 14, 14, 7, 7 and 7 pixels leaves these grids
    assert [p.block[0] for p in network.populations] == [28, 28, 14, 14, 14, 7, 7, 7]
    features = [
        maps_of("vgg8").features(torch.zeros(1, *p.shape), i).shape[1] for i, p in enumerate(network.populations)
    ]
    assert sum(features) == 35_840


def test_vgg11_has_the_sizes_of_lpl():
    network = vgg11((3, 32, 32), (1,) * 8, generator=seeded())
    assert [p.shape for p in network.populations] == [
        (64, 16, 16), (128, 8, 8), (256, 8, 8), (256, 4, 4), (512, 4, 4), (512, 2, 2), (512, 2, 2), (512, 1, 1)
    ]  # fmt: skip
    assert [p.units for p in network.populations] == [64, 128, 256, 256, 512, 512, 512, 512]
    # the convolutions of VGG-11 (9,220,480), biases included
    assert sum(p.weight.numel() + p.bias.numel() for p in network.populations) == 9_220_480
    narrow = vgg11((3, 32, 32), (1,) * 8, width=0.25, generator=seeded())
    assert [p.shape[0] for p in narrow.populations] == [16, 32, 64, 64, 128, 128, 128, 128]
    with pytest.raises(ModelError, match=r"network.width: expected at least 0.015625"):
        vgg11((3, 32, 32), (1,) * 8, width=0.001, generator=seeded())


def test_forwards_and_backwards_predictions_have_matrices_of_their_own():
    network = wire(mlp((1, 2, 2), (5, 3), generator=seeded()), ("lateral", "retro"), generator=seeded())
    assert [p.name for p in network.apical["retro"]] == ["dense1.retro", "dense2.retro"]
    for ahead, back in zip(network.apical["lateral"], network.apical["retro"], strict=True):
        assert ahead.weight.shape == back.weight.shape
        assert not torch.equal(ahead.weight, back.weight)
    projection, rate = network.apical["lateral"][0], torch.randn(4, 5, generator=seeded())
    torch.testing.assert_close(projection.back(rate), rate @ projection.weight)

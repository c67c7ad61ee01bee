"""Builders that are right pass the battery, and planted faults are found by name."""

from functools import partial

import pytest
import torch
from apical.models import conv_network, mlp, vgg6
from apical.testing import BuilderTests, check_builder
from torch import nn

DENSE, SHAPE = ((1, 4, 4),), (1, 4, 4)


class TestMaps(BuilderTests):
    """As a user subclasses it."""

    shape = (2, 8, 8)

    def build(self, shape, *, generator):
        return conv_network(shape, [(4, False), (5, True)], (4, 2), generator=generator)


def test_builders_of_apical_pass():
    assert check_builder(partial(mlp, hidden=(6, 5)), DENSE) == []
    assert check_builder(partial(vgg6, width=1 / 32, grids=(4, 2, 2, 2, 1, 1)), [(3, 16, 16)]) == []


def module(shape, *, generator):
    return nn.Linear(3, 3)


def unasked(shape, *, generator):
    return mlp((1, 2, 2), (6, 5), generator=generator)


def twins(shape, *, generator):
    network = mlp(shape, (6, 5), generator=generator)
    network.populations[1].name = network.populations[0].name
    return network


def own_stream(shape, *, generator):
    network = mlp(shape, (6, 5), generator=generator)
    network.populations[0].weight = torch.randn(6, 16)
    return network


def fixed(shape, *, generator):
    return mlp(shape, (6, 5), generator=torch.Generator().manual_seed(0))


def silent(shape, *, generator):
    network = mlp(shape, (6, 5), generator=generator)
    network.populations[0].bias.fill_(-100)
    return network


def boastful(shape, *, generator):
    network = mlp(shape, (6, 5), generator=generator)
    network.populations[1].units = 6
    return network


def standardised(shape, *, generator):
    network = mlp(shape, (6, 5), generator=generator)
    population, plain = network.populations[0], network.populations[0].forward

    def standardise(pre, weight, bias, **words):
        return plain(pre - pre.mean(0), weight, bias, **words)

    population.forward = standardise
    return network


def ungated(shape, *, generator):
    network = mlp(shape, (6, 5), generator=generator)
    network.populations[0].factor = lambda drive, activity: drive
    return network


@pytest.mark.parametrize(("build", "named"), [
    (module, ["is_a_network"]),
    (unasked, ["is_a_network"]),
    (twins, ["is_a_network"]),
    (own_stream, ["weights_follow_the_generator"]),
    (fixed, ["weights_follow_the_generator"]),
    (silent, ["rates_have_the_shapes_that_are_told"]),
    (boastful, ["rates_have_the_shapes_that_are_told"]),
    (standardised, ["a_row_stands_alone"]),
    (ungated, ["changes_equal_autograd"]),
])  # fmt: skip
def test_a_planted_fault_is_found_by_name(build, named):
    found = [finding.check.removeprefix("test_") for finding in check_builder(build, DENSE)]
    assert named[0] in found
    assert set(found) <= {*named, "changes_equal_autograd", "rates_have_the_shapes_that_are_told"}

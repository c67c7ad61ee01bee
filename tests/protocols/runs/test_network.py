"""Sizes of the paper's networks: the grids of a preset fix how many apical weights there are."""

import pytest
import torch
from apical.models.engine import build_network
from apical.protocols.runs.network import architecture
from apical.protocols.settings.load import load
from apical.protocols.settings.rule import make_rule

# units of VGG-6 with grids 8 4 4 4 2 2; lateral: the sum of their squares, dfb: their sum times the top's
UNITS = {"conv1": 8192, "conv2": 4096, "conv3": 4096, "conv4": 8192, "conv5": 4096, "conv6": 4096}
APICAL = {"": sum(n * n for n in UNITS.values()), "-dfb": sum(UNITS.values()) * UNITS["conv6"]}


@pytest.mark.parametrize("context", ["", "-dfb", "-both"])
@pytest.mark.parametrize(("name", "side"), [("cifar10", 32), ("stl10", 96)])
def test_units_do_not_grow_with_the_image(name, side, context):
    config = load(f"{name}{context}")
    rule = make_rule(config.rule)
    with torch.device("meta"):
        network = build_network(architecture(config, (3, side, side)), rule, seed=0)
    assert {p.name: p.units for p in network.populations} == UNITS
    weights = sum(p.weight.numel() for each in network.apical.values() for p in each)
    assert weights == (sum(APICAL.values()) if context == "-both" else APICAL[context])
    assert APICAL[""] == 201_326_592

"""The table of builders agrees with what they build, and is read without torch."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import torch
from apical.models import ModelError
from apical.models.networks.layer import Layer
from apical.models.networks.table import BUILDERS, SETTINGS, Architecture, build

SIDE = 32
ROWS = {name: row for name, row in BUILDERS.items() if not row.blocks}


def architecture(name, **changed):
    row = BUILDERS[name]
    words = {
        "width": 1 / 16,
        "hidden": (5, 4),
        "grids": tuple(1 for _ in row.example),
        "layers": (Layer(conv=3), Layer(dense=4)),
    }
    return Architecture(name, (3, SIDE, SIDE), **{w: v for w, v in words.items() if w in row.reads} | changed)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_function_takes_what_its_row_reads(name):
    module, function = BUILDERS[name].home.split(":")
    taken = inspect.signature(getattr(import_module(f"apical.models.networks.{module}"), function)).parameters
    assert set(BUILDERS[name].reads) == set(taken) - {"shape", "generator", "kind"}
    assert set(BUILDERS[name].reads) <= {*SETTINGS, "grids", "layers"}


@pytest.mark.parametrize("name", ROWS)
def test_a_network_has_as_many_populations_as_its_row_says(name):
    network = build(architecture(name), torch.Generator().manual_seed(0))
    count = len(BUILDERS[name].example) or 2
    assert len(network.populations) == count
    assert all(population.name for population in network.populations)


@pytest.mark.parametrize("name", [name for name, row in BUILDERS.items() if row.example])
def test_example_grids_divide_the_maps_of_small_images(name):
    build(architecture(name, grids=BUILDERS[name].example), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", [name for name, row in BUILDERS.items() if row.blocks])
def test_blocks_come_with_their_channels(name):
    trunk, channels = build(architecture(name), torch.Generator().manual_seed(0), blocks=True)
    assert len(trunk) == len(channels) == 4


@pytest.mark.parametrize(("name", "blocks", "message"), [
    ("vgg7", False, r"network\.builder: expected one of vgg6, vgg8, vgg11, softhebb, scff, mlp, layers, resnet18, resnet50, got 'vgg7'"),
    ("softhebb", True, r"network\.builder: expected one of resnet18, resnet50, got 'softhebb'"),
    ("vgg6", True, r"network\.builder: expected one of resnet18, resnet50, got 'vgg6'"),
])  # fmt: skip
def test_a_builder_of_the_other_kind_is_refused(name, blocks, message):
    with pytest.raises(ModelError, match=message):
        build(Architecture(name, (3, 8, 8)), torch.Generator(), blocks=blocks)


def test_tables_and_settings_are_read_without_torch():
    script = """
import sys
from apical.models.networks.table import BUILDERS
from apical.models.optimisers.table import OPTIMISERS
from apical.protocols.settings.optimiser import OptimiserConfig
from apical.protocols.settings.network import NetworkConfig
NetworkConfig(builder="mlp", hidden=[3]), OptimiserConfig(name="sgd", momentum=0.5)
assert "torch" not in sys.modules
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr

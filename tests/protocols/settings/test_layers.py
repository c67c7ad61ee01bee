"""`network.layers`: laid over presets, completed, refused by name, told by `config`, and no part of older runs."""

import json

import pytest
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.settings.load import identity, load, resolve, to_yaml, validate
from apical.protocols.settings.yaml import merge
from click.testing import CliRunner

OWN = "network.layers=[{conv: 8, pool: 2}, {dense: 10}]"


def refusal(*overrides, preset="demo"):
    with pytest.raises(ConfigError) as caught:
        load(preset, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("preset", ["demo", "cifar10-dfb-narrow", "mnist-bp", "cifar10-softhebb"])
def test_layers_take_the_place_of_a_presets_network(preset):
    found = load(preset, [OWN])
    assert found.network.builder == "layers"
    assert (found.rule.grids, found.network.hidden, found.network.width) == ((), (), 1.0)
    assert [layer.conv or layer.dense for layer in found.network.layers] == [8, 10]
    assert found.rule.name == load(preset).rule.name


def test_a_file_says_layers_as_mappings_and_writes_them_back(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(
        "extends: demo\nnetwork:\n  layers:\n  - {conv: 8, kernel: 5, transfer: triangle(0.7)}\n  - dense: 10\n"
    )
    found = load(str(path))
    told = resolve(found)["network"]["layers"]
    assert told[0]["kernel"] == 5 and "dense" not in told[0]
    assert told[1] == {"dense": 10, "transfer": "relu", "relay": "none", "radius": None, "bias": True}
    path.write_text(to_yaml(found))
    assert load(str(path)) == found == validate(resolve(found))
    assert identity(load(str(path))) == identity(found)


def test_what_is_written_out_makes_no_other_run():
    short, long = (
        load("demo", [OWN]),
        load("demo", ["network.layers=[{conv: 8, pool: 2, kernel: 3, stride: 1}, {dense: 10}]"]),
    )
    assert identity(short) == identity(long)
    assert identity(short) != identity(load("demo", ["network.layers=[{conv: 8, pool: 2, kernel: 1}, {dense: 10}]"]))


def test_runs_without_layers_are_the_runs_they_were():
    """Taken before there were layers."""
    assert identity(load("demo")) == "6d52a32fd3dd1b0190aed6c9a94af1960610650549b44c1e798011196c9f2f96"
    assert identity(load("mnist-bp")) == "7f1f3d826e216c1e003b657a1c2b3245ff94c0406e64b5c52586010f98c6a3c1"


def test_later_layers_replace_earlier_ones_whole():
    found = load("demo", [OWN, "network.layers=[{dense: 3}]"])
    assert [layer.dense for layer in found.network.layers] == [3]
    assert load("demo", [OWN, "network.layers=[]", "network.builder=vgg6"]).network.builder == "vgg6"
    base = {"network": {"width": 0.5}, "rule": {"grids": [1], "context": "dfb"}}
    assert merge(base, {"network": {"layers": [{"dense": 3}]}}) == {
        "network": {"layers": [{"dense": 3}]}, "rule": {"context": "dfb"},
    }  # fmt: skip


@pytest.mark.parametrize(("layers", "message"), [
    ("[{conv: 8}, {conv: 8, kernel: 0}]", "network.layers[1].kernel: expected at least 1, got 0"),
    ("[{conv: 8}, {conv: 8, kernel: 1.5}]", "network.layers[1].kernel: expected an integer, got 1.5"),
    ("[{conv: 8, kernle: 3}]", "network.layers[0].kernle: expected one of conv, dense, kernel, stride"),
    ("[{conv: 8, kernle: 3}]", "did you mean network.layers[i].kernel?"),
    ("[{dense: 8, kernel: 3}]", "network.layers[0].kernel: expected none in a dense layer, got 3; remove it"),
    ("[{dense: 8}, {conv: 8}]", "network.layers[1].conv: expected dense above network.layers[0]"),
    ("[{}]", "network.layers[0]: expected conv or dense, got neither"),
    ("[{conv: 8, dense: 8}]", "network.layers[0]: expected conv or dense, got both"),
    ("[{conv: 8, transfer: tanh}]", "network.layers[0].transfer: expected relu, identity, triangle"),
    ("[{conv: 8, transfer: leaky(2)}]", "network.layers[0].transfer: expected a number above 0, at most 1 in the brackets"),
    ("[{conv: 8, rim: wrap}]", "network.layers[0].rim: expected one of zeros, reflect, got 'wrap'"),
    ("[{conv: 8, pool_kind: mean}]", "network.layers[0].pool_kind: expected none without a pool, got mean"),
    ("[{conv: 8, pool: 2, pool_padding: 2}]", "network.layers[0].pool_padding: expected at most 1, half of pool, got 2"),
    ("[8]", "network.layers[0]: expected a mapping of settings, got 8"),
    ("conv", "network.layers: expected a list, got 'conv'"),
])  # fmt: skip
def test_every_mistake_is_told_by_its_place(layers, message):
    assert message in refusal(f"network.layers={layers}")


def test_settings_of_other_builders_do_not_stand_beside_layers():
    assert refusal(OWN, "network.builder=vgg6").startswith(
        "network.builder: expected none beside network.layers, got 'vgg6'"
    )
    assert refusal(OWN, "network.width=0.5").startswith("network.width: expected none, since layers reads no width")
    assert "give grid in network.layers" in refusal(OWN, "rule.grids=[2]")
    assert refusal("network.builder=layers").startswith(
        "network.layers: expected 1 to 64 layers for layers, got none; for example [{conv: 64"
    )
    assert "expected resnet18 or resnet50 for" in refusal(OWN, preset="cifar10-blockwise-narrow")
    assert "expected mlp for sal, whose areas are dense" in refusal(OWN, "rule={name: sal}")


def test_the_command_tells_what_can_be_written():
    shown = CliRunner().invoke(main, ["config", "show", "demo", "--set", OWN, "--json"])
    assert json.loads(shown.stdout)["config"]["network"]["layers"][1]["dense"] == 10
    schema = CliRunner().invoke(main, ["config", "schema", "--json"]).stdout
    assert "side of the pooled windows" in schema
    listed = CliRunner().invoke(main, ["config", "list"]).stdout
    assert "layers" in listed and "pool_kind" in listed
    assert "networks" in json.loads(CliRunner().invoke(main, ["config", "list", "--json"]).stdout)

"""Settings that stand in the tables of the models: types, bounds and who reads them."""

import pytest
from apical.models.networks.table import SETTINGS as NETWORK
from apical.models.networks.table import Architecture
from apical.models.optimisers.table import SETTINGS as OPTIMISER
from apical.protocols.errors import ConfigError
from apical.protocols.settings.load import NetworkConfig, OptimiserConfig, load, schema


def test_defaults_are_those_of_the_tables():
    assert NetworkConfig().model_dump() == {"builder": "vgg6", "options": {}, "layers": ()} | {
        word: told.default for word, told in NETWORK.items()
    }
    found = OptimiserConfig().model_dump()
    assert {word: found[word] for word in OPTIMISER} == {word: told.default for word, told in OPTIMISER.items()}
    assert Architecture("vgg6", (3, 8, 8)).radius == NETWORK["radius"].default


def test_an_optimiser_is_handed_what_it_reads():
    assert OptimiserConfig(name="sgd", momentum=0.5).own() == {"momentum": 0.5, "weight_decay": 0.01}
    assert OptimiserConfig(name="softhebb").own() == {"exponent": 0.5}


def test_the_schema_lists_choices_bounds_and_readers():
    found = schema()["$defs"]
    assert found["NetworkConfig"]["properties"]["builder"]["anyOf"][0]["enum"][0] == "vgg6"
    assert found["NetworkConfig"]["properties"]["stem"]["enum"] == ["3x3", "7x7"]
    assert found["NetworkConfig"]["properties"]["hidden"]["items"] == {
        "maximum": 65536,
        "minimum": 1,
        "type": "integer",
    }
    assert found["OptimiserConfig"]["properties"]["name"]["anyOf"][0]["enum"] == ["adamw", "sgd", "lars", "softhebb"]
    trust = found["OptimiserConfig"]["properties"]["trust"]
    assert (trust["minimum"], trust["maximum"]) == (0, 1)
    assert trust["description"] == "of lars: size of a step in units of the weight's"
    assert found["RuleConfig"]["properties"]["context"]["anyOf"][0]["enum"] == ["lateral", "dfb", "both"]


@pytest.mark.parametrize(("overrides", "message"), [
    (["network.builder=vgg7"], "network.builder: expected one of vgg6, vgg8, vgg11, softhebb, scff, mlp, layers, resnet18, resnet50, got 'vgg7'"),
    (["network.builder="], "network.builder: expected one of vgg6, vgg8, vgg11, softhebb, scff, mlp, layers, resnet18, resnet50, got null"),
    (["optimiser.name=adam"], "optimiser.name: expected one of adamw, sgd, lars, softhebb, got 'adam'; did you mean adamw?"),
    (["optimiser.name=3"], "optimiser.name: expected one of adamw, sgd, lars, softhebb, got 3"),
    (["network.zero_init=1"], "network.zero_init: expected true or false, got 1"),
    (["network.stem=5x5"], "network.stem: expected one of 3x3, 7x7, got '5x5'"),
    (["network.stem=7x7"], "network.stem: expected none, since vgg6 reads no stem, got 7x7; set network.stem=3x3"),
    (["network.zero_init=false"], "network.zero_init: expected none, since vgg6 reads no zero_init, got false; set network.zero_init=true"),
    (["network.hidden=[0]"], "network.hidden[0]: expected at least 1, got 0"),
    (["network.hidden=[8]"], "network.hidden: expected none, since vgg6 reads no hidden, got [8]; set network.width instead"),
    (["network={builder: mlp, hidden: [8], width: 0.5}", "rule.grids=[]"], "got 0.5; set network.hidden instead"),
    (["network={builder: vgg11}"], "rule.grids: expected 8 entries for vgg11, one per population, got 6; for example [1, 1, 1, 1, 1, 1, 1, 1]"),
])  # fmt: skip
def test_what_contradicts_a_table_is_answered(overrides, message):
    with pytest.raises(ConfigError) as refused:
        load("demo", overrides)
    assert message in str(refused.value)

"""Words from outside in settings: where a path begins, what is read from which setting, and what is refused in which sentence."""

from pathlib import Path

import pytest
from apical.plasticity import Needs
from apical.protocols.errors import ConfigError
from apical.protocols.settings.foreign import contrasts, rules
from apical.protocols.settings.load import identity, load, resolve, resume, schema, stored_text, to_yaml
from apical.protocols.settings.rule import CONTRASTS, make_rule, needs_of

PLAIN = {
    "stimulus": {"name": "shapes", "image_size": 8},
    "network": {"builder": "mlp", "hidden": [8]},
    "rule": {"grids": []},
}


def settings(*overrides):
    return load(PLAIN, overrides)


def refused(*overrides):
    with pytest.raises(ConfigError) as caught:
        settings(*overrides)
    return str(caught.value)


def test_a_path_begins_at_the_current_folder_or_at_that_of_its_yaml_file(tmp_path, monkeypatch, mine):
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine.py").write_text(Path(mine.removesuffix(":")).read_text())
    (there / "run.yaml").write_text("extends: demo\nrule: {name: mine.py:Oja, context: lateral}\n")
    monkeypatch.chdir(tmp_path)
    assert load("there/run.yaml").rule.name == f"{there}/mine.py:Oja"
    assert "got no such file" in refused("rule.name=mine.py:Oja")
    monkeypatch.chdir(there)
    assert settings("rule.name=mine.py:Oja").rule.name == f"{there}/mine.py:Oja"
    assert load(PLAIN | {"rule": {"name": "mine.py:Oja", "grids": []}}).rule.name == f"{there}/mine.py:Oja"
    assert settings("network={builder: 'mine.py:two', hidden: [4]}").network.builder == f"{there}/mine.py:two"
    assert settings("stimulus={name: 'mine.py:halves', image_size: null}").stimulus.name == f"{there}/mine.py:halves"
    # what a run keeps reads back to the same settings from anywhere
    config = settings("rule.name=mine.py:Oja")
    monkeypatch.chdir("/")
    (there / "kept.yaml").write_text(to_yaml(config))
    assert load(str(there / "kept.yaml")) == config


def test_an_identity_knows_the_file_and_not_its_folder(tmp_path, mine):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("mine.py", "other.py"):
            (tmp_path / folder / name).write_text(Path(mine.removesuffix(":")).read_text())
    found = [
        identity(settings(f"rule.name={tmp_path}/{word}"))
        for word in ("one/mine.py:Oja", "two/mine.py:Oja", "one/other.py:Oja", "one/mine.py:factory")
        if "factory" not in word
    ]
    assert found[0] == found[1] != found[2]
    begun = settings(f"rule.name={tmp_path}/one/mine.py:Oja")
    (tmp_path / "config.yaml").write_text(stored_text(begun))
    moved = resume(tmp_path, None, [f"rule.name={tmp_path}/two/mine.py:Oja"])
    assert moved.rule.name == f"{tmp_path}/two/mine.py:Oja"
    with pytest.raises(ConfigError, match=r"rule.name: expected .*one/mine.py:Oja.* as in"):
        resume(tmp_path, None, [f"rule.name={tmp_path}/two/other.py:Oja"])


def test_a_rule_is_a_class_a_function_or_made(mine):
    of_class = settings(f"rule.name={mine}Oja", "rule.options.forgetting=0.5")
    assert make_rule(of_class.rule).forgetting == 0.5
    assert needs_of(of_class.rule) == Needs(presentation="images", site="neuron")
    assert make_rule(settings(f"rule.name={mine}factory", "rule.options={forgetting: 0.75}").rule).forgetting == 0.75
    assert make_rule(settings(f"rule.name={mine}MADE").rule).forgetting == 0.25
    assert settings(f"rule.name={mine}Oja") == load(resolve(settings(f"rule.name={mine}Oja")))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["rule.name={}MADE", "rule.options.forgetting=1"], "rule.options.forgetting: expected one of none, got an option unknown to"),
        (["rule.name={}Oja", "rule.options.forget=1"], "rule.options.forget: expected one of forgetting, got an option unknown to"),
        (["rule.name={}factory"], "rule.options.forgetting: expected a value, which"),
        (["rule.name={}Oja", "rule.options.forgetting=-1"], "to be made, got ValueError: forgetting is -1 ("),
        (["rule.name={}Oja", "rule.options.forgetting=x"], "rule.options: expected values of the right type, got '<' not supported"),
        (["rule.name={}Oja", "rule.context=dfb"], "reads no context, got 'dfb'; set rule.context=lateral"),
        (["rule.name=math:sin", "rule.context=dfb"], "rule.name: expected a rule, a class or function of keyword arguments, got math:sin, which"),
        (["rule.name={}NoNeeds", "rule.context=dfb"], "NoNeeds, whose NoNeeds has no `needs`; see"),
        (["rule.name={}Ojo"], "rule.name: expected a name in"),
        (["rule.name={}torch"], "which is module; see how a rule is written"),
        (["rule.name={}NoNeeds"], "NoNeeds, whose NoNeeds has no `needs`; see"),
        (["rule.name={}WrongNeeds"], "whose `needs` are str, not apical.plasticity.Needs; see"),
        (["rule.name={}NoFactors"], "whose NoFactors of engine local has no factors; see"),
        (["rule.name={}NoBlocks"], "which learns in blocks and is no apical.plasticity.Blockwise; see"),
        (["rule.name=hinge-cp"], "did you mean hinge-cpc? `apical config list` lists all 28; of your own: package.module:Name or"),
        (["rule.contrast={}asks"], "rule.contrast: expected a contrast with separable, losses and modulators that is made without arguments"),
        (["rule.contrast={}NoNeeds"], "whose NoNeeds has no separable and no losses and no modulators; add it"),
        (["rule.contrast={}raising"], "that is made without arguments, got"),
        (["rule.contrast=hing"], "rule.contrast: expected one of hinge, softplus, logistic, linear, got 'hing'; did you mean hinge?"),
        (["rule.context=abov"], "rule.context: expected one of lateral, dfb, both, got 'abov'"),
        (["rule.context=retro"], "rule.context: expected one of lateral, dfb, both, got 'retro'"),
        (["rule.context={}MADE"], "rule.context: expected a context source, a function of own position and number of populations, got"),
        (["network.builder={}without_generator"], "network.builder: expected a builder that takes `generator`, got"),
        (["network.builder={}MADE"], "network.builder: expected a builder, a function of (shape, *, generator), got Oja"),
        (["network.builder={}two", "network.options.scal=2"], "network.options.scal: expected one of scale, got an option unknown to"),
        (["network.builder={}two", "network.options.hidden=[2]"], "network.options.hidden: expected network.hidden instead"),
        (["network.builder={}two", "network.options.generator=1"], "network.options.generator: expected seed instead"),
        (["network.options.scale=2"], "network.options: expected none, since mlp has settings alone, got scale; remove them"),
        (["network.builder=vgg"], "got 'vgg'; did you mean vgg8?"),
        (["optimiser.name={}Signs", "optimiser.options.fad=1"], "optimiser.options.fad: expected one of fade, got an option"),
        (["optimiser.name={}Signs", "optimiser.beta1=0.5"], "reads no beta1, got 0.5; remove optimiser.beta1"),
        (["optimiser.name={}MADE"], "optimiser.name: expected an optimiser, a class that takes learning_rate and factors, got"),
        (["optimiser.name={}NoNeeds"], "without learning_rate and factors; add it"),
        (["optimiser.options.fade=1"], "optimiser.options: expected none, since adamw has settings alone, got fade; remove them"),
        (["stimulus.name={}half"], "stimulus.name: expected a name in"),
        (["stimulus.name={}MADE"], "stimulus.name: expected a data set, a function that returns train and test, got"),
        (["stimulus.name={}halves", "stimulus.options.light=1"], "stimulus.options.light: expected one of lighter, got an option"),
        (["stimulus.name={}halves", "stimulus.options.seed=1"], "stimulus.options.seed: expected seed instead"),
        (["stimulus.options.light=1"], "stimulus.options: expected none, since shapes has settings alone"),
        (["stimulus.name=mnist:data"], "stimulus.name: expected one of shapes, cifar10"),
        (["stimulus.name=folder"], "got 'folder'; write folder:PATH"),
        (["stimulus.name=no_such_module:load"], "stimulus.name: expected a module that can be imported, got no module 'no_such_module'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_a_sentence(overrides, said, mine):
    text = refused(*(override.replace("{}", mine) for override in overrides))
    assert said in text
    assert "\n" not in text


def test_own_words_win_before_a_colon(tmp_path):
    """`folder:PATH` is no module `folder`."""
    assert settings("stimulus.name=folder:images").stimulus.name == "folder:images"
    assert settings("stimulus.name=npz:images.py:X").stimulus.name == "npz:images.py:X"


def test_the_words_that_are_read_without_torch_are_those_of_the_table():
    assert tuple(contrasts()) == CONTRASTS
    assert "clapp++" in rules()


def test_a_contrast_and_a_context_of_ones_own_reach_the_rule(mine):
    rule = make_rule(settings(f"rule.contrast={mine}Wide", f"rule.context={mine}above").rule)
    assert rule.contrast.margin == 3.0
    assert rule.needs.sources == (f"{mine}above",)
    for name in ("dendritic-prediction", "burst-dependent"):
        rule = make_rule(settings(f"rule.name={name}", f"rule.context={mine}above").rule)
        assert rule.needs.sources == (f"{mine}above",)
    assert list(rule.start((4,))) == ["usual_above"]


def test_the_schema_takes_words_from_outside():
    found = schema()["$defs"]
    builder = found["NetworkConfig"]["properties"]["builder"]["anyOf"]
    assert "vgg6" in builder[0]["enum"]
    assert "pattern" in builder[1]
    assert "lateral" in found["RuleConfig"]["properties"]["context"]["anyOf"][0]["enum"]

"""Presets, files and what they extend."""

from pathlib import Path

import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.settings.load import load, resolve
from apical.protocols.settings.rule import make_rule
from apical.protocols.settings.yaml import presets

CONTRASTIVE = ["clapp", "clapp-s", "hinge-cpc", "gim", "lpl", "bp-lpl"]  # rules with a narrow preset of their own
CIFAR = ["cifar10", "cifar10-both", "cifar10-bp", "cifar10-dfb", "cifar10-infonce"]


def write(folder: Path, text: str, name: str = "mine.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_presets_are_the_promised_ones():
    promised = ["demo", *CIFAR, *(f"{name}-narrow" for name in CIFAR)]
    promised += ["cifar10-lpl", *(f"cifar10-{name}-narrow" for name in CONTRASTIVE)]
    assert set(promised) <= set(presets())
    assert presets() == sorted(presets())


@pytest.mark.parametrize("name", presets())
def test_every_preset_loads_under_its_own_name(name):
    assert load(name).name == name


def test_paper_settings():
    settings = load("cifar10")
    assert settings.stimulus.name == "cifar10"
    assert settings.stimulus.crop_scale == (0.25, 1.0)
    assert (settings.network.builder, settings.network.width) == ("vgg6", 1.0)
    assert settings.rule.grids == (8, 4, 4, 4, 2, 2)
    assert (settings.rule.context, settings.rule.contrast) == ("lateral", "hinge")
    assert (settings.optimiser.learning_rate, settings.optimiser.weight_decay) == (2e-4, 0.01)
    assert (settings.training.batch, settings.training.epochs) == (32, 300)


@pytest.mark.parametrize("name", CIFAR)
def test_narrow_twin_differs_in_size_only(name):
    wide, narrow = resolve(load(name)), resolve(load(f"{name}-narrow"))
    assert narrow["network"].pop("width") == 0.25
    assert (narrow["training"].pop("batch"), narrow["training"].pop("epochs")) == (128, 10)
    assert (narrow["recording"].pop("every"), narrow["probe"].pop("solver")) == (100, "ridge")
    sizes = {"network": ["width"], "training": ["batch", "epochs"], "recording": ["every"], "probe": ["solver"]}
    for group, names in sizes.items():
        for key in names:
            wide[group].pop(key)
    assert narrow | {"name": name} == wide


def test_baselines_pool_the_top_population_fully():
    assert load("cifar10-bp").rule.grids[-1] == load("cifar10-infonce").rule.grids[-1] == 1
    assert load("cifar10-infonce").rule.temperature == 0.1
    assert load("cifar10-bp").rule.name == "bp-clapp++"


def test_settings_of_lpl_s_authors():
    settings = load("cifar10-lpl")
    assert (settings.network.builder, settings.network.width, settings.rule.grids) == ("vgg11", 1.0, (1,) * 8)
    assert (settings.optimiser.learning_rate, settings.optimiser.weight_decay) == (1e-3, 1.5e-6)
    assert (settings.optimiser.schedule, settings.optimiser.warmup_epochs) == ("cosine", 10)
    assert (settings.training.batch, settings.training.epochs) == (1024, 800)
    assert settings.stimulus.crop_scale == (0.08, 1.0)


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_contrastive_rules_share_network_stimulus_and_budget(name):
    narrow, shared = load(f"cifar10-{name}-narrow"), load("cifar10-narrow")
    assert narrow.rule.name == name
    assert narrow.rule.grids == (1,) * 6
    assert (narrow.network, narrow.probe) == (shared.network, shared.probe)
    assert (narrow.training.batch, narrow.training.epochs) == (shared.training.batch, shared.training.epochs)
    make_rule(narrow.rule)


def test_file_named_after_itself_unless_it_says_so(tmp_path):
    assert load(write(tmp_path, "extends: demo\n")).name == "mine"
    assert load(write(tmp_path, "extends: demo\nname: other\n")).name == "other"
    assert load(write(tmp_path, "")).name == "mine"


def test_extends_other_files_and_presets(tmp_path):
    write(tmp_path, "extends: cifar10-dfb\nseed: 1\n", "base.yaml")
    child = load(write(tmp_path, "extends: [base.yaml]\ntraining: {epochs: 1}\n"))
    assert (child.seed, child.rule.context, child.training.epochs, child.training.batch) == (1, "dfb", 1, 32)


def test_circle_of_extends_is_refused(tmp_path):
    write(tmp_path, "extends: mine.yaml\n", "base.yaml")
    with pytest.raises(ConfigError, match=r"mine.yaml > base.yaml > mine.yaml"):
        load(write(tmp_path, "extends: base.yaml\n"))


def test_part_of_presets_is_no_preset():
    with pytest.raises(ConfigError, match="preset: expected one of"):
        load("_narrow")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: [1", r"mine.yaml, line \d+: expected valid YAML"),
        ("- 1\n- 2\n", "mine.yaml: expected a mapping of settings, got list"),
        ("just text", "mine.yaml: expected a mapping of settings, got str"),
        ("seed: 1\nseed: 2\n", "mine.yaml, line 2: .*the key seed twice"),
        ("rule: {context: dfb, context: both}\n", "the key context twice"),
        ("!!python/object:os.system x\n", "expected valid YAML"),
        ("extends: 3\n", "mine.yaml: expected extends to name presets or files, got 3"),
        ("extends: demoo\n", "did you mean demo?"),
        ("rule:\n  contxt: dfb\n", r"rule.contxt: .*did you mean rule.context\?"),
        ("[" * 3000, "expected valid YAML"),
        ("&a [*a]: 1", "expected valid YAML"),
    ],
)
def test_wrong_file_is_answered(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_what_is_no_text_is_answered(tmp_path):
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ConfigError, match="expected UTF-8 text"):
        load(str(path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dem", r"preset: expected one of .*, got 'dem'; did you mean demo\?"),
        ("nowhere.yaml", "nowhere.yaml: expected a YAML file, got no such file"),
        ("a/b", "a/b: expected a YAML file, got no such file"),
        ("\0", "preset: expected one of"),
    ],
)
def test_unknown_preset_is_answered(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        load(name)


def test_folder_is_no_preset(tmp_path):
    with pytest.raises(ConfigError, match="got a folder"):
        load(str(tmp_path))

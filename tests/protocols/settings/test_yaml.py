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
    assert (settings.optimiser.learning_rate, settings.optimiser.weight_decay) == (2e-4, 0.0)
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
    own_batch = {"clapp": 32, "clapp-s": 32, "hinge-cpc": 32}  # of each of four devices in CLAPP's scripts
    assert narrow.training.batch == own_batch.get(name, shared.training.batch)
    assert narrow.training.epochs == shared.training.epochs
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
    with pytest.raises(ConfigError, match="preset: expected a preset or a YAML file"):
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
        ("extends: 3\n", "mine.yaml: extends: expected names of presets or files, got 3"),
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
        (
            "dem",
            r"preset: expected a preset or a YAML file, got 'dem'; did you mean demo\? `apical config list` lists all \d+",
        ),
        ("nowhere.yaml", "nowhere.yaml: expected a YAML file, got no such file"),
        ("a/b", "a/b: expected a YAML file, got no such file"),
        ("\0", "preset: expected a preset"),
    ],
)
def test_unknown_preset_is_answered(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        load(name)


def test_folder_is_no_preset(tmp_path):
    with pytest.raises(ConfigError, match="got a folder"):
        load(str(tmp_path))


# each of these few lines stands for more than any machine holds; refused before anything is made of them
ALIASES = "a0: &a0 [1, 1, 1, 1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 4)}]\n" for i in range(1, 30))
MERGES = "a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40))
DEEP = "".join(" " * i + "a:\n" for i in range(40))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ALIASES, "mine.yaml, line 7: .*more than 10000 values, each counted as often as it is repeated"),
        (MERGES, "more than 10000 values"),
        (DEEP, "mine.yaml, line 32: .*more than 32 levels"),
        ("a: &a [*a]\n", "mine.yaml, line 1: .*a, which holds itself"),
        ("a: &a {b: {<<: *a}}\n", "a, which holds itself"),
        ("x: y\n" * 20_000, "mine.yaml: expected at most 65536 bytes of YAML, got more"),
        (f"seed: 0x{'f' * 5000}\n", "mine.yaml, line 1: .*a number of 5002 digits"),
        (f"seed: {'9' * 5000}\n", "a number of 5000 digits"),
    ],
)
@pytest.mark.timeout(10)
def test_a_file_that_stands_for_more_than_it_says_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_aliases_and_merge_keys_of_a_common_size_are_read(tmp_path):
    text = "training: &t {epochs: 3}\nstimulus: {image_size: &s 16}\n"
    assert load(write(tmp_path, text)).training.epochs == 3
    merged = load(write(tmp_path, "training: {<<: &t {epochs: 3}, batch: 16}\nrecording: {rows: &n 16, units: *n}\n"))
    assert (merged.training.epochs, merged.training.batch, merged.recording.units) == (3, 16, 16)


def test_a_long_override_is_refused():
    with pytest.raises(ConfigError, match="--set seed: expected at most 65536 characters of YAML, got 70000"):
        load("demo", ["seed=" + "1" * 70_000])


@pytest.mark.timeout(10)
@pytest.mark.parametrize("fan", [1, 2, 3])
def test_extends_that_grows_without_bound_is_refused(tmp_path, fan):
    """A chain, a chain of diamonds (2^80 ways to the ground) and a wider one."""
    write(tmp_path, "seed: 1\n", "f0.yaml")
    for i in range(1, 81):
        write(tmp_path, f"extends: [{', '.join([f'f{i - 1}.yaml'] * fan)}]\n", f"f{i}.yaml")
    with pytest.raises(ConfigError, match=r"f80\.yaml: expected extends to lead to at most 64 files"):
        load(str(tmp_path / "f80.yaml"))
    assert load(str(tmp_path / "f3.yaml")).seed == 1


def test_files_that_are_large_together_are_refused(tmp_path):
    for name in ("a", "b", "c"):
        write(tmp_path, "# " + name * 30_000 + "\n", f"{name}.yaml")
    with pytest.raises(ConfigError, match="at most 64 files of 65536 bytes in all"):
        load(write(tmp_path, "extends: [a.yaml, b.yaml, c.yaml]\n"))
    assert load(write(tmp_path, "extends: [a.yaml, a.yaml, a.yaml]\n")).seed == 0

"""Settings: precedence, presets, and a sentence for every mistake."""

import json
from pathlib import Path

import pytest
import yaml
from apical.protocols.errors import ConfigError
from apical.protocols.runs.folder import RunFolder
from apical.protocols.settings import load as config
from apical.protocols.settings.load import (
    RunConfig,
    change,
    digest,
    identity,
    load,
    read_stored,
    resolve,
    resume,
    schema,
    to_yaml,
    validate,
)
from apical.protocols.settings.yaml import presets
from hypothesis import given
from hypothesis import strategies as st


def write(folder: Path, text: str, name: str = "mine.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def refusal(*overrides: str, preset: str = "demo") -> str:
    with pytest.raises(ConfigError) as caught:
        load(preset, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_precedence(tmp_path):
    path = write(tmp_path, "training: {epochs: 2, batch: 16}\nseed: 5\n")
    assert load(path).network == RunConfig().network
    assert load(path).training.epochs == 2
    assert load(path, ["training.epochs=3"]).training.epochs == 3
    last = load(path, ["training.epochs=3"], {"training.epochs": 4, "seed": None})
    assert (last.training.epochs, last.training.batch, last.seed) == (4, 16, 5)


def test_later_override_wins():
    assert load("demo", ["seed=1", "seed=2"]).seed == 2


def test_mapping_override_keeps_its_siblings():
    assert load("demo", ["training={epochs: 7}"]).training.batch == load("demo").training.batch


@pytest.mark.parametrize(("text", "value"), [("3e-4", 3e-4), ("1E-3", 1e-3), ("1.5e-3", 1.5e-3), ("1", 1.0)])
def test_learning_rate_as_people_write_it(text, value):
    assert load("demo", [f"optimiser.learning_rate={text}"]).optimiser.learning_rate == value


@pytest.mark.parametrize("name", presets())
def test_yaml_round_trip(name, tmp_path):
    settings = load(name, ["optimiser.learning_rate=1e-12"])
    again = load(write(tmp_path, to_yaml(settings)))
    assert again == settings
    assert digest(again) == digest(settings)
    assert validate(resolve(settings)) == settings
    json.dumps(resolve(settings), allow_nan=False)


def test_digest_tells_settings_apart():
    assert len({digest(load(name)) for name in presets()}) == len(presets())
    assert digest(load("demo")) != digest(load("demo", ["seed=1"]))
    assert digest(load("demo")) == digest(load("demo", ["seed=0"]))


def test_settings_are_frozen():
    settings = load("demo")
    with pytest.raises(ValueError, match="frozen"):
        settings.seed = 3
    with pytest.raises(ValueError, match="frozen"):
        settings.rule.context = "both"


def test_schema_names_every_group_and_bound():
    text = schema()
    assert set(text["properties"]) == set(RunConfig.model_fields)
    assert text["$defs"]["TrainingConfig"]["properties"]["batch"]["minimum"] == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "rule.context=latral",
            "rule.context: expected one of lateral, dfb, both, got 'latral'; did you mean lateral?",
        ),
        ("rule.contxt=dfb", "got an unknown setting; did you mean rule.context?"),
        ("rule.learning_rate=1", "did you mean optimiser.learning_rate?"),
        ("epoch=3", "did you mean training.epochs?"),
        ("rules.name=3", "did you mean rule?"),
        ("training.epochs=0", "training.epochs: expected at least 1, got 0"),
        ("training.epochs=100001", "training.epochs: expected at most 100000, got 100001"),
        ("training.epochs=2.0", "training.epochs: expected an integer, got 2.0"),
        ("training.epochs='3'", "training.epochs: expected an integer, got '3'"),
        ("training.epochs=true", "training.epochs: expected an integer, got true"),
        ("training.epochs=", "training.epochs: expected an integer, got null"),
        ("training.batch=1", "training.batch: expected at least 2, got 1"),
        ("training.max_seconds=-1", "training.max_seconds: expected more than 0.0, got -1"),
        ("training.device=gpu", "training.device: expected one of auto, cpu, cuda, got 'gpu'"),
        ("seed=-1", "seed: expected at least 0, got -1"),
        ("seed=4294967296", "seed: expected less than 4294967296"),
        ("seed.x=1", "seed: expected an integer, got {'x': 1}"),
        ("name=a/b", "name: expected at most 100 letters"),
        ("optimiser.learning_rate=.nan", "optimiser.learning_rate: expected a finite number, got nan"),
        ("optimiser.learning_rate=1e999", "optimiser.learning_rate: expected a finite number, got inf"),
        ("optimiser.beta1=1", "optimiser.beta1: expected less than 1.0, got 1"),
        ("network.width=4.5", "network.width: expected at most 4.0, got 4.5"),
        ("network.width=0", "network.width: expected more than 0.0, got 0"),
        ("rule=3", "rule: expected a mapping of settings, got 3"),
        ("rule.grids=5", "rule.grids: expected a list, got 5"),
        ("rule.grids=[a, 4, 4, 4, 2, 2]", "rule.grids[0]: expected an integer, got 'a'"),
        ("rule.grids=[8, 4, 4, 4, 2, 0]", "rule.grids[5]: expected at least 1, got 0"),
        ("stimulus.name=cifar", "got 'cifar'; did you mean cifar10?"),
        ("stimulus.name='folder:'", "write folder:PATH"),
        ("stimulus.image_size=7", "stimulus.image_size: expected at least 8, got 7"),
        ("stimulus.crop_scale=[1.0, 0.2]", "stimulus.crop_scale: expected the smaller share first"),
        ("stimulus.crop_scale=[0.5]", "stimulus.crop_scale[1]: expected a value"),
        ("recording.populations=[]", "recording.populations: expected at least 1 entry"),
        ("recording.enabled=1", "recording.enabled: expected true or false, got 1"),
        ("probe.penalties=[-1.0]", "probe.penalties[0]: expected more than 0.0, got -1.0"),
        ("seed", "--set seed: expected a.b=value"),
        ("=3", "--set =3: expected a.b=value"),
        ("training..epochs=3", "expected a.b=value"),
        ("rule.grids=[1", "--set rule.grids, line 1: expected valid YAML"),
    ],
)
def test_wrong_setting_is_answered(override, message):
    assert message in refusal(override)


def test_further_findings_are_counted():
    assert refusal("seed=-1", "training.epochs=0").endswith("(and 1 more finding)")
    assert refusal("seed=-1", "training.epochs=0", "rule.x=1").endswith("(and 2 more findings)")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["rule.grids=[8, 4]"], "rule.grids: expected 6 entries for vgg6"),
        (["network.hidden=[8]"], "network.hidden: expected none, since vgg6 reads no hidden"),
        (["network.builder=mlp"], "network.hidden: expected 1 to 1024 sizes for mlp"),
        (["network={builder: mlp, hidden: [8], width: 1.0}"], "rule.grids: expected none for mlp"),
        (
            ["network={builder: mlp, hidden: [8]}", "rule.grids=[]"],
            "network.width: expected none, since mlp reads no width",
        ),
        (["rule={phases: either, contrast: logistic}"], "rule.phases: expected both for the logistic contrast"),
        (["rule.temperature=0.1"], "rule.temperature: expected null for clapp++"),
        (["rule={name: bp-infonce, context: lateral}"], "rule.temperature: expected a number for bp-infonce"),
        (
            ["rule.name=bp-clapp++"],
            "rule.context: expected none, since bp-clapp++ reads no context, got 'dfb'; set rule.context=lateral",
        ),
        (
            ["rule={name: bp-infonce, context: lateral, temperature: 0.1, contrast: linear}"],
            "rule.contrast: expected none, since bp-infonce reads no contrast",
        ),
        (["stimulus.n_train=32"], "training.batch: expected at most stimulus.n_train = 32, got 64"),
        (["training.batch=8"], "recording.rows: expected at most training.batch = 8, got 16"),
        (
            ["optimiser.momentum=0.5"],
            "optimiser.momentum: expected none, since adamw reads no momentum, got 0.5; remove optimiser.momentum",
        ),
        (["optimiser={name: sgd, eps: 1e-6}"], "optimiser.eps: expected none, since sgd reads no eps"),
        (
            ["optimiser={name: softhebb, weight_decay: 0.1}"],
            "optimiser.weight_decay: expected none, since softhebb reads no weight_decay",
        ),
        (
            ["optimiser={schedule: cosine, decay: 0.5}"],
            "optimiser.decay: expected none, since the cosine schedule reads no decay",
        ),
    ],
)
def test_contradiction_is_answered(overrides, message):
    assert message in refusal(*overrides)


def test_agreeing_settings_are_taken():
    mlp = load("demo", ["network={builder: mlp, hidden: [8, 4], width: 1}", "rule.grids=[]"])
    assert mlp.network.hidden == (8, 4)
    assert load("demo", ["rule={phases: either, contrast: softplus}"]).rule.phases == "either"
    assert load("demo", ["training.batch=8", "recording.enabled=false"]).training.batch == 8
    assert load("demo", ["stimulus.name='folder:/tmp/a b'"]).stimulus.name == "folder:/tmp/a b"
    read = load("demo", ["optimiser={name: lars, momentum: 0.5, trust: 0.1, schedule: exponential, decay: 0.5}"])
    assert (read.optimiser.momentum, read.optimiser.decay) == (0.5, 0.5)


def stored(folder: Path, *overrides: str) -> RunConfig:
    settings = load("demo", overrides)
    (folder / config.CONFIG_FILE).write_text(to_yaml(settings))
    return settings


def test_resume_takes_the_run_s_own_settings(tmp_path):
    settings = stored(tmp_path, "seed=3")
    assert resume(tmp_path) == settings
    assert resume(tmp_path, "demo", ["seed=3"]) == settings


@pytest.mark.parametrize("preset", [None, "demo"])
def test_resume_may_change_pieces_and_device(tmp_path, preset):
    stored(tmp_path)
    pieces = ["training.max_seconds=5", "training.recompute=true", "training.chunk=4"]
    other = resume(tmp_path, preset, pieces, {"training.threads": 3, "training.device": "cpu"}).training
    assert (other.threads, other.max_seconds, other.device) == (3, 5.0, "cpu")
    assert (other.recompute, other.chunk) == (True, 4)


@pytest.mark.parametrize(("preset", "override", "message"), [
    ("cifar10-softhebb", "training.recompute=true", "training.recompute: expected false, since softhebb needs the potentials of all rows at once, got true"),
    ("cifar10-bp", "training.recompute=true", "training.recompute: expected false, since bp-clapp++ takes a batch as a whole, got true; remove it"),
    ("cifar10-bp", "training.chunk=4", "training.chunk: expected null, since bp-clapp++ takes a batch as a whole, got 4; remove it"),
    ("demo", "training.chunk=-1", "training.chunk: expected at least 0, got -1"),
])  # fmt: skip
def test_what_a_rule_does_not_read_of_chunks_is_refused(preset, override, message):
    with pytest.raises(ConfigError, match=message.replace("+", r"\+")):
        load(preset, [override])


@pytest.mark.parametrize("preset", [None, "demo"])
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=4", "seed: expected 0 as in .*config.yaml, got 4"),
        ("rule.context=both", 'rule.context: expected "dfb" as in'),
        ("training.batch=32", "training.batch: expected 64 as in"),
        ("training.epochs=1", "training.epochs: expected at least 2, those of the run, got 1"),
        ("training.precision=bf16", 'training.precision: expected "auto" as in'),
    ],
)
def test_resume_refuses_another_run(tmp_path, preset, override, message):
    stored(tmp_path)
    with pytest.raises(ConfigError, match=message):
        resume(tmp_path, preset, [override])


def test_auto_precision_goes_on_with_the_run_s(tmp_path):
    stored(tmp_path, "training.precision=float32")
    assert resume(tmp_path, "demo").training.precision == "float32"
    assert resume(tmp_path, overrides=["training.precision=auto"]).training.precision == "float32"


@pytest.mark.parametrize(
    ("before", "after"), [("{depth: 2}", "{}"), ("{}", "{depth: 2}"), ("{depth: 2}", "{depth: 3}")]
)
def test_resume_refuses_other_options_of_the_rule(tmp_path, monkeypatch, before, after):
    monkeypatch.setattr("apical.protocols.settings.rule.complaints", lambda config: iter(()))
    stored(tmp_path, f"rule.options={before}")
    assert resume(tmp_path, "demo", [f"rule.options={before}"]) == resume(tmp_path)
    with pytest.raises(ConfigError, match=r"rule.options: expected {.* as in .*config.yaml, got {"):
        resume(tmp_path, "demo", [f"rule.options={after}"])


@pytest.mark.parametrize("kept", [0, 1, 5, 40])
def test_settings_of_a_run_that_were_cut_short_are_refused(tmp_path, kept):
    stored(tmp_path)
    file = tmp_path / config.CONFIG_FILE
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:kept]))
    for read in (lambda: read_stored(file), lambda: resume(tmp_path, "demo"), RunFolder(tmp_path).settings):
        with pytest.raises(ConfigError, match=r"config.yaml: expected every group of settings, got none of .*probe"):
            read()


def test_identity_is_what_no_part_of_a_run_may_change():
    settings = load("demo")
    same = ("training.max_seconds=5", "training.device=cpu", "training.keep_checkpoints=9", "probe.n_train=3", "name=x")
    assert {identity(load("demo", [text])) for text in same} == {identity(settings)}
    others = ("seed=1", "training.epochs=3", "rule.context=both", "recording.every=11", "optimiser.weight_decay=0.1")
    assert len({identity(load("demo", [text])) for text in others} | {identity(settings)}) == 1 + len(others)


def test_one_group_is_changed_and_no_other():
    settings = load("demo")
    assert change(settings, "probe", []) == settings
    changed = change(settings, "probe", ["probe.solver=logistic", "probe={n_train: 7}"])
    assert changed == load("demo", ["probe.solver=logistic", "probe.n_train=7"])
    for text in ("seed=1", "probes.n_train=1", "training.epochs=1"):
        with pytest.raises(ConfigError, match=r"--set .*: expected a setting of probe, got another"):
            change(settings, "probe", [text])
    with pytest.raises(ConfigError, match=r"probe.solver: expected one of ridge, logistic"):
        change(settings, "probe", ["probe.solver=lasso"])


@pytest.mark.parametrize("name", ["\r", "a\x1cb", "\u2028"])
def test_a_name_that_breaks_lines_breaks_none(name):
    tree = yaml.safe_load(to_yaml(RunConfig()))
    tree["rule"]["options"] = {name: 0}
    with pytest.raises(ConfigError, match=r"rule\.options\.") as told:
        validate(tree)
    assert len(str(told.value).splitlines()) == 1


def test_resume_needs_a_run(tmp_path):
    with pytest.raises(ConfigError, match="start it without --resume"):
        resume(tmp_path / "none", "demo")


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
trees = st.recursive(values, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3))
leaves = [path for path in config._leaves(resolve(RunConfig())) if path != "recording.populations"]


@given(path=st.sampled_from(leaves), value=trees)
def test_no_value_escapes_the_sentence(path, value):
    """Whatever stands in a file, the outcome is settings that survive a round trip, or one sentence."""
    tree = yaml.safe_load(to_yaml(RunConfig()))
    group, _, name = path.rpartition(".")
    (tree[group] if group else tree)[name] = value
    try:
        settings = validate(tree)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1
        assert path.split(".")[0] in str(error)
    else:
        assert validate(resolve(settings)) == settings


@pytest.mark.parametrize(
    ("preset", "weights"), [("stl10", 201e6), ("stl10-dfb", 134e6), ("cifar10", 201e6), ("cifar10-dfb", 134e6)]
)
def test_apical_dendrites_of_the_paper_s_presets_are_of_the_authors_size(preset, weights):
    """8x8, 4x4, 4x4, 4x4, 2x2 and 2x2 blocks on either data set: larger grids are 24 times the weights."""
    config = load(preset)
    units = [
        channels * side**2 for channels, side in zip((128, 256, 256, 512, 1024, 1024), config.rule.grids, strict=True)
    ]
    contexts = units if config.rule.context == "lateral" else [units[-1]] * 6
    assert sum(a * b for a, b in zip(units, contexts, strict=True)) == pytest.approx(weights, rel=0.01)


def test_no_decay_may_be_asked_of_an_optimiser_that_has_none():
    assert load("cifar10-softhebb", ["optimiser.weight_decay=0.0"]).optimiser.name == "softhebb"

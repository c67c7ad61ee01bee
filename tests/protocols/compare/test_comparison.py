"""Comparisons as files."""

import pytest
from apical.models.engine import build_network
from apical.plasticity import RULES
from apical.protocols.compare import comparison as spec
from apical.protocols.errors import ConfigError
from apical.protocols.runs.network import architecture
from apical.protocols.settings.rule import make_rule


@pytest.mark.parametrize("name", spec.known())
def test_every_entry_that_comes_with_us_is_a_run_and_says_what_it_needs(name):
    for entry in spec.load(name):
        config = entry.config(3, {"threads": 1, "epochs": 7})
        assert (config.name, config.seed, config.training.epochs) == (entry.label, 3, 7)
        assert config.rule.name in RULES
        assert entry.locality != "not stated"


def test_softhebb_and_its_random_control_begin_as_the_authors_network():
    """The control is the entry's own network before its first step, built from the same settings: long kernels, no biases, triangle."""
    (entry,) = spec.load("cifar10", ["softhebb"], ["network.width=0.125"])
    config = entry.config(0, {})
    network = build_network(architecture(config, (3, 32, 32)), make_rule(config.rule), seed=0)
    for population in network.populations:
        lengths = population.weight.flatten(1).norm(dim=1)
        assert lengths.mean() == pytest.approx(25, rel=0.1)
        assert population.transfer.name == "triangle(1)" and not population.bias.any() and not population.biased


def test_entries_are_chosen_in_order_and_the_rule_of_the_base_does_not_shine_through():
    found = spec.load("shapes", ["bp-clapp++", "clapp++"])
    assert [entry.label for entry in found] == ["bp-clapp++", "clapp++"]
    # the base of the demo has a context; backpropagation reads none
    assert "context" not in found[0].settings["rule"]


def test_overrides_reach_every_entry():
    for entry in spec.load("shapes", overrides=["training.batch=16"]):
        assert entry.config(0, {}).training.batch == 16


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("entries: {}", "expected a mapping with base and entries"),
        ("[1]", "expected a mapping with base and entries"),
        ("base: 3\nentries: {a: {}}", "base: expected a mapping, got 3"),
        ("base: {extends: 3}\nentries: {a: {}}", "base.extends: expected names of presets or files, got 3"),
        ("base: {extends: [demo, 3]}\nentries: {a: {}}", "base.extends: expected names of presets or files, got 3"),
        (
            "base: {extends: [" + "demo, " * 70 + "]}\nentries: {a: {}}",
            "base.extends: expected extends to lead to at most 64",
        ),
        ("entries: {a: &a {settings: *a}}", "a, which holds itself"),
        ("entries: [a]", "entries: expected a mapping"),
        ("bse: {}\nentries: {a: {}}", "bse: expected one of base, entries, got an unknown setting; did you mean base"),
        ("entries: {a: 3}", "entries.a: expected a mapping with"),
        ("entries: {a: {setings: {}}}", "entries.a.setings: expected one of .*; did you mean settings"),
        ("entries: {a: {settings: }}", "entries.a.settings: expected a mapping, got null"),
        ("entries: {a: {locality: 3}}", "entries.a.locality: expected text, got 3"),
        ("entries: {a: {published: 80}}", "entries.a.published: expected"),
        ("entries: {a: {published: {accuracy: high, source: x}}}", "entries.a.published.accuracy: expected a number"),
        ("entries: {a: {published: {accuracy: 80.0}}}", "entries.a.published.source: expected a value"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        spec.load(str(path))


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("entries: {a: {locality: lokalitä}}".encode("latin-1"))
    with pytest.raises(ConfigError, match="expected UTF-8 text"):
        spec.load(str(path))


def test_a_base_may_extend_several(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("base: {extends: [demo, cifar10-dfb-narrow]}\nentries: {a: {}}")
    assert spec.load(str(path))[0].config(0, {}).stimulus.name == "cifar10"


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ConfigError, match=r"cifar10, cifar10-long, own-networks, shapes.*did you mean shapes"):
        spec.load("shape")
    with pytest.raises(ConfigError, match="did you mean clapp"):
        spec.load("shapes", ["clap++"])


def test_a_wrong_setting_names_its_entry(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("base: {extends: demo}\nentries: {odd: {settings: {rule: {name: clap}}}}")
    with pytest.raises(ConfigError, match=r"entries.odd: rule.name: expected a rule, got"):
        spec.load(str(path))[0].config(0, {})


def test_an_entry_may_stand_on_a_preset_of_its_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "base: {recording: {enabled: false}}\n"
        "entries: {a: {settings: {extends: cifar10-softhebb-narrow, probe: {n_train: 100}}}, b: {settings: {extends: mnist-sal}}}"
    )
    softhebb, sal = (entry.config(0, {}) for entry in spec.load(str(path)))
    assert (softhebb.rule.name, softhebb.network.builder, softhebb.probe.n_train) == ("softhebb", "softhebb", 100)
    assert (sal.rule.name, sal.stimulus.name) == ("sal", "mnist")
    assert not softhebb.recording.enabled
    path.write_text("entries: {a: {settings: {extends: cifar11}}}")
    with pytest.raises(ConfigError, match=r"expected a preset or a YAML file, got .cifar11."):
        spec.load(str(path))

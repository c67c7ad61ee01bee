"""`apical new`: every package that it writes passes its own test, and is found by the word that it was given."""

import importlib
import json
import sys
import tomllib
from pathlib import Path

import pytest
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.new.run import KINDS, new
from apical.testing import RuleTests
from click.testing import CliRunner


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a package, and import its test as a test runner does."""
    modules = set(sys.modules)

    def write(kind):
        found = new(kind, f"own-{kind}", tmp_path)
        folder = Path(found["folder"])
        monkeypatch.syspath_prepend(str(folder))
        return found, folder, importlib.import_module(f"test_own_{kind}")

    yield write
    for name in set(sys.modules) - modules:
        if "own_" in name:
            del sys.modules[name]


def installed(folder):
    """What an installer would leave of it, so that its entry point is found."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    told = folder / f"{project['name']}-{project['version']}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        f"[{group}]\n{name} = {value}\n"
        for group, rows in project["entry-points"].items()
        for name, value in rows.items()
    ]
    (told / "entry_points.txt").write_text("".join(lines))


def test_every_kind_has_its_command():
    assert set(KINDS) == {"rule", "builder", "protocol", "dataset"}


@pytest.mark.parametrize("kind", ["builder", "dataset", "protocol"])
def test_its_test_passes(kind, written, tmp_path, capsys):
    found, folder, module = written(kind)
    tests = [test for name, test in vars(module).items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test(*([tmp_path] if test.__code__.co_argcount else []))
    assert sorted(found["files"]) == sorted(path.name for path in folder.iterdir() if path.is_file())


def test_the_test_of_a_rule_is_the_battery(written):
    _, _, module = written("rule")
    tests = module.TestOwnRule
    assert issubclass(tests, RuleTests)
    for name in ("test_is_a_frozen_value", "test_its_needs_exist", "test_refuses_nonsense", "test_needs_no_more_than_it_declares", "test_shapes",
                 "test_uses_all_that_it_declares", "test_drive_is_the_gradient", "test_objects_in_any_order"):  # fmt: skip
        getattr(tests(), name)()


@pytest.mark.slow
def test_the_rule_passes_the_whole_battery(written):
    from apical.testing import check_rule

    _, _, module = written("rule")
    assert check_rule(module.TestOwnRule.rule) == []


@pytest.mark.parametrize(
    ("kind", "setting"), [("rule", "rule.name"), ("builder", "network.builder"), ("dataset", "stimulus.name")]
)
def test_its_word_is_known_once_it_is_installed(kind, setting, written):
    found, folder, _ = written(kind)
    installed(folder)
    command = found["next"][-1].split()
    overrides = [word for word in command if "=" in word]
    arguments = [part for override in overrides for part in ("--set", override)]
    shown = CliRunner().invoke(
        main,
        [
            "config",
            "show",
            "demo",
            *arguments,
            *(["--set", f"{setting}=own-{kind}"] if kind == "dataset" else []),
            "--json",
        ],
    )
    assert shown.exit_code == 0, shown.output
    group, _, name = setting.partition(".")
    assert json.loads(shown.output)["config"][group][name] == f"own-{kind}"
    readme = (folder / "README.md").read_text()
    assert all(line in readme for line in found["next"])


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("network", "own", "new.kind: expected one of rule, builder, protocol, dataset, got 'network'"),
        ("rule", "Own rule", "new.name: expected small letters, digits, - and _, beginning with a letter, and no word of Python, got 'Own rule'; for example my-rule"),
        ("rule", "class", "new.name: expected small letters"),
        ("rule", "lpl", "new.name: expected a word that Apical has not, got 'lpl', which would be hidden"),
        ("builder", "vgg6", "new.name: expected a word that Apical has not, got 'vgg6'"),
        ("dataset", "mnist", "new.name: expected a word that Apical has not, got 'mnist'"),
        ("protocol", "moved", "new.name: expected a word that Apical has not, got 'moved'"),
        ("rule", "json", "new.name: expected a name that no module has, got 'json', which is one; for example my-json"),
        ("rule", "numpy", "new.name: expected a name that no module has, got 'numpy'"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused(kind, name, said, tmp_path):
    with pytest.raises(ConfigError) as caught:
        new(kind, name, tmp_path / "out")
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path):
    new("rule", "own-rule", tmp_path)
    (tmp_path / "own-rule" / "own_rule.py").write_text("mine")
    with pytest.raises(ConfigError, match="expected no such folder, got one; choose another name or --out"):
        new("rule", "own-rule", tmp_path)
    assert (tmp_path / "own-rule" / "own_rule.py").read_text() == "mine"


def test_the_command_passes_everything_on(tmp_path):
    found = CliRunner().invoke(main, ["new", "dataset", "own-data", "--out", str(tmp_path), "--json"])
    assert found.exit_code == 0
    told = json.loads(found.output)
    assert told["folder"] == str(tmp_path / "own-data")
    assert len(told["next"]) == 3
    assert 'own-data = "own_data:own_data"' in (tmp_path / "own-data" / "pyproject.toml").read_text()

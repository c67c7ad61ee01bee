"""The command as a process: how it starts, what it leaves unimported, how it ends."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from apical.protocols.command.examples import EXAMPLES, SECTIONS
from apical.protocols.command.main import main
from click.testing import CliRunner


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[list[str]]:
    """Every command and group below one, by the words that call it."""
    found = [list(path)]
    for name, command in group.commands.items():
        here = (*path, name)
        found += commands(command, here) if isinstance(command, click.Group) else [list(here)]
    return found


COMMANDS = commands(main)
LEAVES = [words for words in COMMANDS if words and words not in ([name] for name in ("bench", "config", "data"))]


def test_help_of_every_command_imports_nothing_heavy():
    assert all(words in COMMANDS for words in ([], ["lesion"], ["compare"], ["data"], ["bench", "engine"]))
    script = f"""
import sys
from apical.protocols.command.main import main
for command in {COMMANDS!r}:
    try:
        main([*command, "--help"])
    except SystemExit as leaving:
        assert leaving.code == 0, command
heavy = {{"torch", "numpy", "xarray", "zarr", "brian2", "matplotlib", "dask", "pydantic"}} & set(sys.modules)
assert not heavy, heavy
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("Usage: ") == len(COMMANDS)


def test_the_roof_shows_every_command_once_in_a_section():
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(main.commands)
    text = CliRunner().invoke(main, ["--help"]).stdout
    for title in SECTIONS:
        assert f"\n{title}:\n" in text


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_help_ends_with_an_example_that_the_command_understands(words):
    example = EXAMPLES["apical " + " ".join(words)]
    assert f"Example:\n  {example}\n" in CliRunner().invoke(main, [*words, "--help"], terminal_width=100).stdout
    called, *given = shlex.split(example)
    assert [called, *given[: len(words)]] == ["apical", *words]
    command = main
    for word in words:
        command = command.commands[word]
    context = command.make_context(example, given[len(words) :], resilient_parsing=True)
    assert context.args == []


def test_examples_are_of_commands_that_exist():
    assert set(EXAMPLES) == {"apical " + " ".join(words) for words in LEAVES}


@pytest.mark.parametrize(
    "command", [[sys.executable, "-m", "apical.protocols"], [f"{Path(sys.executable).parent}/apical"]]
)
def test_both_ways_to_start(command):
    run = subprocess.run([*command, "train", "--help"], capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert run.stdout.startswith("Usage: apical train [OPTIONS] PRESET|FILE")


def test_reader_that_stops_reading_is_no_error():
    command = f"'{sys.executable}' -m apical.protocols config schema | head -1"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=os.environ)
    assert run.stdout == "{\n"
    assert run.stderr == ""

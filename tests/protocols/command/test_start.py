"""The command as a process: how it starts, what it leaves unimported, how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from apical.protocols.command.main import main


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[list[str]]:
    """Every command and group below one, by the words that call it."""
    found = [list(path)]
    for name, command in group.commands.items():
        here = (*path, name)
        found += commands(command, here) if isinstance(command, click.Group) else [list(here)]
    return found


COMMANDS = commands(main)


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

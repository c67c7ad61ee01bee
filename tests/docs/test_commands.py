"""Every command that a page shows is one that Apical has: names, options and values are read as the command line reads them."""

import re
from pathlib import Path

import click
import pytest
from apical.protocols.command.main import main
from pages import ROOT, blocks, commands

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [path for path in PAGES if not {"_build", "generated", "results"} & set(path.relative_to(ROOT).parts)]
INLINE = re.compile(r"`(apical [a-z][^`]*)`")


def shown(path: Path) -> list[list[str]]:
    found = [block for block in blocks(path.read_text()) if block.language in ("bash", "text")]
    return [line for block in found for line in commands(block.text)]


def read(arguments: list[str]) -> None:
    """Read arguments as the command line does, without doing what they say."""
    command, rest = main, arguments
    context = click.Context(main, info_name="apical")
    while isinstance(command, click.Group):
        if not rest or rest[0].startswith("-"):
            return
        _, found, rest = command.resolve_command(context, rest)
        command, context = found, click.Context(found, parent=context, info_name=found.name)
    if "|" in rest or "--help" in rest:
        return
    try:
        command.parse_args(context, list(rest))
    except click.BadParameter as error:
        if "does not exist" not in error.message and "no run" not in error.message:
            raise


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_read(path):
    for arguments in shown(path):
        try:
            read(arguments)
        except click.ClickException as error:
            pytest.fail(f"apical {' '.join(arguments)}: {error.format_message()}")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_sentence_exists(path):
    for text in INLINE.findall(path.read_text()):
        words = [word for word in text.split()[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
        if words:
            assert words[0] in main.commands, text
        options = re.findall(r"(?<!\S)(--[a-z][a-z-]*)", text)
        command = main.commands.get(words[0]) if words else None
        if isinstance(command, click.Command) and not isinstance(command, click.Group):
            known = {name for parameter in command.get_params(click.Context(command)) for name in parameter.opts}
            assert set(options) <= known, text


def test_a_wrong_option_is_seen():
    with pytest.raises(click.NoSuchOption):
        read(["probe", "runs/dfb", "--layer", "conv1"])
    with pytest.raises(click.UsageError):
        read(["prob", "runs/dfb"])
    with pytest.raises(click.BadParameter):
        read(["align", "runs/dfb", "--fit-b", "both"])


def test_commands_are_found():
    assert sum(len(shown(path)) for path in PAGES) >= 60

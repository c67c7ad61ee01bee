"""The command that begins a package of one's own."""

from pathlib import Path

import click

from .options import FOLDER
from .terminal import Command, json_option, show


@click.command(cls=Command)
@click.argument("kind", type=click.Choice(["rule", "builder", "protocol", "dataset"]))
@click.argument("name")
@click.option(
    "--out", type=FOLDER, default=".", help="Folder in which that of the package is made.  [default: this one]"
)
@json_option
def new(kind: str, name: str, out: Path, as_json: bool) -> None:
    """Write a small package of your own: a rule, network builder, protocol or data set, its test, and how to run it."""
    from ..new.run import new as write

    show(write(kind, name, out), as_json)

"""Options and arguments that several commands share."""

import os
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from .sources import presets

# the mark keeps click from breaking names at their hyphens
PRESETS = "\b\n" + fill(f"Presets: {', '.join(presets())}.", 76, break_on_hyphens=False)


class Folder(click.Path):
    """A folder; a `~` that no shell has expanded is refused, as no part of a run would agree on what it means."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        if str(value).startswith("~"):
            self.fail(
                f"expected a path, got {str(value)!r}, which your shell did not expand; write it out, or ~ without quotes and =",
                param,
                ctx,
            )
        try:
            os.fsencode(str(value)).decode()
        except UnicodeDecodeError:
            self.fail(
                f"expected a path in UTF-8, got {os.fsencode(str(value))!r}, which weights cannot be read from; rename it",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


FOLDER = Folder(path_type=Path, file_okay=False)

run_argument = click.argument("run", type=Folder(path_type=Path, file_okay=False, exists=True))
quiet_option = click.option("--quiet", is_flag=True, help="No progress on stderr.")
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), help="[default: as in the run's settings]"
)
set_option = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change one setting; repeatable.")
data_dir_option = click.option(
    "--data-dir", type=FOLDER, envvar="APICAL_DATA", help="Folder of the data sets.  [default: the user's cache]"
)

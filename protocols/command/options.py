"""Options and arguments that several commands share."""

from pathlib import Path
from textwrap import fill

import click

from ..settings.names import presets_by_stimulus


def _listed() -> str:
    """The presets, a paragraph per data set; the mark keeps click from breaking names at their hyphens."""
    groups = [", ".join(names) for names in presets_by_stimulus().values()]
    lines = [fill(text, 76, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False) for text in groups]
    return "\n".join(["\b", "Presets, by data set:", *lines])


PRESETS = _listed()
FOLDER = click.Path(path_type=Path, file_okay=False)

run_argument = click.argument("run", type=click.Path(path_type=Path, file_okay=False, exists=True))
quiet_option = click.option("--quiet", is_flag=True, help="No progress on stderr.")
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), help="[default: as in the run's settings]"
)
set_option = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change one setting; repeatable.")
data_dir_option = click.option(
    "--data-dir", type=FOLDER, envvar="APICAL_DATA", help="Folder of the data sets.  [default: the user's cache]"
)

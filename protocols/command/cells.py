"""The command `apical cells`."""

from pathlib import Path

import click

from ..errors import ProtocolError
from .options import FOLDER, Folder, images_options, quiet_option
from .terminal import Command, json_option, show, verbose_option


@click.command(cls=Command)
@click.argument("parts", nargs=-1, metavar="[PART...]")
@click.option("--list", "listing", is_flag=True, help="Cells, synapses and their sources, and the parts.")
@click.option(
    "--run", type=Folder(path_type=Path, file_okay=False, exists=True), help="A trained run, for the part eligibility."
)
@click.option("--out", type=FOLDER, help="Folder of the results.  [default: runs/cells]")
@click.option("--seeds", default="0", show_default=True, metavar="A-B|A,B", help="Of all noise.")
@images_options
@verbose_option
@quiet_option
@json_option
def cells(
    parts: tuple[str, ...], listing: bool, run: Path | None, out: Path | None, seeds: str, data_dir: Path | None,
    data: str | None, verbose: bool, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run neurons and plastic synapses of the literature beside their sources.

    Without a PART, all of them; exit 1 if any is further from its source than its criterion.
    """
    from .arguments import parse_seeds

    numbers = parse_seeds(seeds)
    from ..cells import check_cells, listed, unmet

    if listing:
        show(listed(), as_json)
        return
    result = check_cells(
        out or Path("runs") / "cells", parts, run=run, seeds=tuple(numbers), data_dir=data_dir, data=data, progress=not quiet
    )  # fmt: skip
    show(result, as_json, "cells", verbose=verbose)
    if missed := unmet(result):
        raise ProtocolError(missed)
